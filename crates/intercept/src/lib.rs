//! Where connections come from: which addresses retake listens on, and for whom.
//!
//! A [`Listen`] is one address with what is known of the connections that arrive there. It is made
//! from `--listen/--upstream`, from `--dep NAME=URL@ADDR` ([`DepSpec`]), or from an environment
//! variable that tells the service an address ([`env_dependency`]). [`capture`] needs no address at
//! all: it takes the connections of a service as they are opened.
//!
//! Nothing here reads or forwards a byte.

mod address;
pub mod capture;
mod dep;
mod env;
mod error;
mod keywords;
mod listen;
mod naming;
mod url;

pub use address::{HostPort, SCHEMES, Scheme, scheme, starts_with_tls};
pub use dep::DepSpec;
pub use env::{EnvDependency, env_dependency};
pub use error::{AddressError, ListenError};
pub use listen::{Bound, Listen};
pub use naming::Naming;
