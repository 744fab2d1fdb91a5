//! `--dep-env VAR`: addresses that a service takes from its environment.

use std::net::SocketAddr;
use std::ops::Range;

use crate::{AddressError, DepSpec};

/// A dependency whose address stands in an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvDependency {
    /// The variable.
    pub variable: String,
    /// The dependency; it listens on a free port of 127.0.0.1. Its name is the variable's in
    /// lower case without an ending such as `_URL`: `DATABASE_URL` is `database`.
    pub dep: DepSpec,
    /// What will go wrong although the value could be read (TLS asked for), with a hint.
    pub warning: Option<String>,
    value: String,
    host: Range<usize>,
    port: Range<usize>,
}

impl EnvDependency {
    /// The variable's value with host and port replaced, and every other byte as it was.
    pub fn rewritten(&self, listening: SocketAddr) -> String {
        let _ = (listening, &self.host, &self.port);
        self.value.clone()
    }
}

/// Reads the value of an environment variable: a URL, `host:port`, or libpq's `host=… port=…`.
///
/// # Errors
/// No address can be found in the value, or it starts with TLS.
pub fn env_dependency(variable: &str, value: &str) -> Result<EnvDependency, AddressError> {
    let _ = variable;
    Err(AddressError {
        text: value.to_owned(),
        what: "not read yet".to_owned(),
        hint: String::new(),
    })
}
