//! What can be wrong with an address.

use std::net::SocketAddr;

/// An address in an option or an environment variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {what}")]
pub struct AddressError {
    /// The text, with a password in it blotted out.
    pub text: String,
    /// What is wrong, as a lowercase fragment.
    pub what: String,
    /// The next step for the user.
    pub hint: String,
}

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr} for {whom}")]
pub struct ListenError {
    /// The address.
    pub addr: SocketAddr,
    /// The dependency's name, or `the service`.
    pub whom: String,
    /// The next step for the user.
    pub hint: String,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}
