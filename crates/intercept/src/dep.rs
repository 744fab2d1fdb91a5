//! `--dep NAME=URL@ADDR`.

use std::net::SocketAddr;
use std::sync::Arc;

use retake_model::ProtocolId;

use crate::{AddressError, HostPort};

/// A dependency: its name, where it really is, and where retake listens for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepSpec {
    /// The name.
    pub name: Arc<str>,
    /// The protocol, where its URL named one.
    pub protocol: Option<ProtocolId>,
    /// Where it really is.
    pub upstream: HostPort,
    /// Where retake listens; port 0 for any free one.
    pub listen: SocketAddr,
}

impl DepSpec {
    /// Reads `db=postgres://127.0.0.1:5432@127.0.0.1:15432`: a name, a URL (whose user, path and
    /// query are allowed and not used), and the address to listen on.
    ///
    /// # Errors
    /// A part is missing or cannot be used; the hint says how to write it.
    pub fn parse(text: &str) -> Result<DepSpec, AddressError> {
        Err(AddressError {
            text: text.to_owned(),
            what: "not read yet".to_owned(),
            hint: String::new(),
        })
    }
}
