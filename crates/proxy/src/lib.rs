//! The sockets of retake: relays that record, mock servers and the client that replay.
//!
//! [`record`] forwards bytes as they came and shows a copy to the protocols of `retake-wire`.
//! [`replay`] listens in place of the dependencies and sends the recorded requests. What is kept,
//! matched or compared is decided by whoever reads the events; nothing here touches a disk.

pub mod forward;
pub mod record;
pub mod replay;
pub mod tls;

mod clock;
mod limits;
mod said;

pub use clock::Clock;
pub use said::{Namer, Said};
