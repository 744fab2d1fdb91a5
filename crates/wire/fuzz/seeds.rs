//! Writes the conversations of `testdata` as inputs to begin with: `seeds FOLDER OUT`.

use std::path::Path;

use retake_testkit::{Transcript, fuzz};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: seeds FOLDER OUT".into());
    };
    std::fs::create_dir_all(&out)?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let name = path.file_stem().unwrap_or_default();
            let transcript = Transcript::load(&path)?;
            std::fs::write(Path::new(&out).join(name), fuzz::input(&transcript))?;
        }
    }
    Ok(())
}
