//! A child that tries what the service will do, and ends.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::filter::Instruction;
use super::install;

/// `AF_INET`, as wide as an address has it.
const INET: libc::sa_family_t = 2;
/// The size of `sockaddr_in`.
const LEN: libc::socklen_t = 16;

/// Makes the command install the filter, make a socket, connect it, and end without an exec.
pub fn instead_of_exec(
    command: &mut Command,
    program: Vec<Instruction>,
    killable: bool,
    to: &OwnedFd,
) {
    let to = to.as_raw_fd();
    let attempt = move || {
        install::install(&program, killable, to)?;
        // SAFETY: zero is a valid value of this plain C structure.
        let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        address.sin_family = INET;
        // SAFETY: three system calls that are async-signal-safe; the address is a local that
        // outlives them. `_exit` runs nothing of the parent's.
        unsafe {
            let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
            libc::connect(socket, (&raw const address).cast(), LEN);
            libc::_exit(0)
        }
    };
    // SAFETY: `install` and what follows allocate nothing and take no lock.
    unsafe {
        command.pre_exec(attempt);
    }
}
