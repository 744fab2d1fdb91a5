//! The same requests and checks as files of hurl and newman.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::document;

/// Writes `all.hurl`, one file with an entry for each request; and `newman.json`, a collection.
pub fn write(folder: &str, address: &str, count: usize) -> Result<()> {
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    let (mut hurl, mut items) = (String::new(), Vec::new());
    for number in 0..count {
        let (path, body) = (document::path(number), document::body(number));
        // The answer's body as JSON, compared whole.
        write!(hurl, "GET http://{address}{path}\nHTTP 200\n{body}\n\n")?;
        let script = format!(
            "pm.test('as recorded', () => {{ pm.response.to.have.status(200); pm.expect(pm.response.json()).to.eql({body}); }});"
        );
        items.push(format!(
            r#"{{"name":"{number}","request":{{"method":"GET","url":"http://{address}{path}"}},"event":[{{"listen":"test","script":{{"exec":["{}"]}}}}]}}"#,
            script.replace('"', "\\\"")
        ));
    }
    fs::write(folder.join("all.hurl"), hurl)?;
    let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    fs::write(
        folder.join("newman.json"),
        format!(
            r#"{{"info":{{"name":"bench","schema":"{schema}"}},"item":[{}]}}"#,
            items.join(",\n")
        ),
    )?;
    Ok(())
}
