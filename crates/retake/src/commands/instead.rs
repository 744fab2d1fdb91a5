//! What a recording does where the command's connections cannot be captured, or not all of them.

use std::net::{Ipv4Addr, SocketAddr};

use retake_intercept::EnvDependency;
use retake_intercept::capture::Ability;

use super::capture::by_variables;
use crate::failure::Failure;
use crate::output;

/// What the user has named already.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// Where clients connect.
    pub inbound: bool,
    /// Any dependency.
    pub dependencies: bool,
    /// The forward proxy.
    pub proxy: bool,
}

/// What leads the command through retake.
#[derive(Debug, Default)]
pub struct Instead {
    /// Variables that are changed.
    pub env_deps: Vec<EnvDependency>,
    /// Where a forward proxy is to listen.
    pub proxy: Option<SocketAddr>,
}

/// What is done in place of a capture that is not to be had, or not in full; and says so.
///
/// # Errors
/// Another program watches this one, so that the user has named nothing that could be recorded.
pub fn of_capture(ability: &Ability, program: &str, named: &Named) -> Result<Instead, Failure> {
    let nothing = !(named.inbound || named.dependencies || named.proxy);
    if ability.watched && nothing {
        let what = format!("the connections of `{program}` cannot be captured here");
        return Err(Failure::usage(what).hint(
            "this retake runs inside of another, or of a sandbox that watches system calls: run it \
             outside of that",
        ));
    }
    if !named.inbound && !ability.inbound() {
        output::tell(format_args!(
            "warning: the clients of `{program}` are not captured here, only what it calls: name \
             where they connect with --listen and --upstream (`retake doctor` says why)"
        ));
    }
    if ability.captures() {
        return Ok(Instead::default());
    }
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(Instead {
        env_deps: match named.dependencies {
            true => Vec::new(),
            false => by_variables(),
        },
        proxy: (!named.proxy).then_some(free),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Named = Named {
        inbound: false,
        dependencies: false,
        proxy: false,
    };

    #[test]
    fn inside_of_another_recording_nothing_is_recorded() {
        let watched = Ability {
            watched: true,
            ..Ability::default()
        };
        let error = of_capture(&watched, "./app", &NOTHING).expect_err("refused");
        assert!(error.to_string().contains("inside of another"), "{error}");
    }

    #[test]
    fn without_capture_a_proxy_takes_its_place_unless_there_is_one() {
        let named = Named {
            dependencies: true,
            ..NOTHING
        };
        let instead = of_capture(&Ability::default(), "./app", &named).expect("led");
        assert!(instead.proxy.is_some() && instead.env_deps.is_empty());
        let named = Named {
            proxy: true,
            ..named
        };
        let instead = of_capture(&Ability::default(), "./app", &named).expect("led");
        assert!(instead.proxy.is_none());
    }
}
