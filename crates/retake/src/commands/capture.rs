//! Whether a command's connections are captured, and what is said of it.

use std::path::Path;

use retake_intercept::capture::{Ability, probe};

use crate::failure::Failure;

/// Programs that gain rights, which a captured one cannot.
const RIGHTS: [&str; 4] = ["sudo", "doas", "pkexec", "su"];

/// What this machine allows; none where capture is off, or there is no command. One line says what
/// was chosen, and why nothing better.
///
/// # Errors
/// The command gains rights, which the system does not let a captured one do.
pub fn ability(off: bool, command: &[String], quiet: bool) -> Result<Option<Ability>, Failure> {
    let Some(program) = command.first().filter(|_| !off) else {
        return Ok(None);
    };
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    if name.is_some_and(|name| RIGHTS.contains(&name)) && !rustix::process::geteuid().is_root() {
        let what = format!("`{program}` cannot gain rights while its connections are captured");
        return Err(Failure::usage(what).hint(format!(
            "run retake itself with it (`{program} retake record -- ...`), or use --no-capture with \
             --listen and --dep"
        )));
    }
    let ability = probe();
    if !quiet || !ability.captures() {
        anstream::eprintln!("{ability}");
    }
    Ok(Some(ability))
}
