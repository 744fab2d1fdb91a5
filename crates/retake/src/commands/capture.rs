//! Whether a command's connections are captured, and what is said of it.

use std::path::Path;

use retake_intercept::capture::{Ability, probe};
use retake_intercept::{EnvDependency, env_dependency};

use crate::failure::Failure;
use crate::output;

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
        output::tell(&ability);
    }
    Ok(Some(ability))
}

/// Where nothing can be captured: the dependencies that stand as URLs in the environment. What is
/// asked for by HTTP is led to a forward proxy by its variables, so only other addresses, and those
/// of HTTP without TLS, are given.
pub fn by_variables() -> Vec<EnvDependency> {
    let found: Vec<EnvDependency> = std::env::vars()
        .filter(|(name, value)| is_address(name, value))
        .filter_map(|(name, value)| env_dependency(&name, &value).ok())
        .collect();
    let names: Vec<&str> = found.iter().map(|env| env.variable.as_str()).collect();
    output::tell(format_args!(
        "leading the command by its variables in place of that: HTTP_PROXY, HTTPS_PROXY{}{}; \
         name other dependencies with --dep or --dep-env",
        if names.is_empty() { "" } else { ", " },
        names.join(", ")
    ));
    found
}

fn is_address(name: &str, value: &str) -> bool {
    let Some((scheme, _)) = value.split_once("://") else {
        return false;
    };
    let known = retake_intercept::scheme(scheme).is_some_and(|scheme| !scheme.tls);
    known && !name.to_ascii_lowercase().ends_with("_proxy")
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_of_dependencies_are_told_from_other_variables() {
        for (name, value, expected) in [
            ("DATABASE_URL", "postgres://u:p@db:5432/x", true),
            ("PAYMENTS", "http://127.0.0.1:8080/", true),
            ("HTTP_PROXY", "http://proxy:3128", false),
            ("https_proxy", "http://proxy:3128", false),
            ("SITE", "https://example.com", false),
            ("PATH", "/usr/bin", false),
            ("KEY", "gopher://x", false),
        ] {
            assert_eq!(is_address(name, value), expected, "{name}");
        }
    }
}
