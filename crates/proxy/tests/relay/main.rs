//! The relay over real sockets of the loopback device, with scripted peers.

mod forwarding;
mod reading;
mod support;
