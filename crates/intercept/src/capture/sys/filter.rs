//! The filter program: which system calls of the service are told to us.
//!
//! Classic BPF over `struct seccomp_data` (`linux/seccomp.h`): `nr` at byte 0, `arch` at 4, the
//! arguments from 16 on, 8 bytes each, of which the lower half is read (both architectures are
//! little-endian).

use super::tell::Tell;

/// One instruction (`struct sock_filter`).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

const ALLOW: u32 = 0x7fff_0000;
pub(super) const NOTIFY: u32 = 0x7fc0_0000;
const ERRNO: u32 = 0x0005_0000;

pub(super) const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
pub(super) const JUMP_EQ: u16 = 0x15;
pub(super) const JUMP_GE: u16 = 0x35;
pub(super) const JUMP_SET: u16 = 0x45;
pub(super) const RETURN: u16 = 0x06;

#[cfg(target_arch = "x86_64")]
pub(super) const ARCH: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
pub(super) const ARCH: u32 = 0xC000_00B7;

/// Calls of the x32 ABI have this bit (x86_64 only).
const X32: u32 = 0x4000_0000;
const MSG_FASTOPEN: u32 = 0x2000_0000;

pub(super) const fn statement(code: u16, k: u32) -> Instruction {
    Instruction {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

pub(super) const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

/// The lower half of an argument of the call.
const fn argument(index: u32) -> Instruction {
    statement(LOAD, 16 + 8 * index)
}

/// What a call is compared with.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Numbers of calls are small.
const fn number(call: i64) -> u32 {
    call as u32
}

/// The program that tells of `calls`, of `tells` where their conditions hold, and of `socket` for
/// TCP, UDP and streams of unix sockets where `sockets` is set. Everything else is allowed at once,
/// but for two ways around `connect`: io_uring is said not to be there, and TCP fast open not to be
/// supported, for which programs have their fallbacks.
pub fn program(calls: &[i64], sockets: bool, tells: &[Tell]) -> Vec<Instruction> {
    let mut program = vec![
        statement(LOAD, 4),
        jump(JUMP_EQ, ARCH, 1, 0),
        statement(RETURN, ALLOW),
        statement(LOAD, 0),
    ];
    if cfg!(target_arch = "x86_64") {
        program.extend([jump(JUMP_GE, X32, 0, 1), statement(RETURN, ALLOW)]);
    }
    for call in calls {
        program.extend([
            jump(JUMP_EQ, number(*call), 0, 1),
            statement(RETURN, NOTIFY),
        ]);
    }
    program.extend([
        jump(JUMP_EQ, number(libc::SYS_io_uring_setup), 0, 1),
        statement(RETURN, errno(libc::ENOSYS)),
    ]);
    for (call, flags) in [
        (libc::SYS_sendto, 3),
        (libc::SYS_sendmsg, 2),
        (libc::SYS_sendmmsg, 3),
    ] {
        program.extend([
            jump(JUMP_EQ, number(call), 0, 4),
            argument(flags),
            jump(JUMP_SET, MSG_FASTOPEN, 0, 1),
            statement(RETURN, errno(libc::EOPNOTSUPP)),
            // Without that flag it may be told below.
            statement(LOAD, 0),
        ]);
    }
    if sockets {
        program.extend(sockets_of_ours());
    }
    program.extend(tells.iter().flat_map(Tell::instructions));
    program.push(statement(RETURN, ALLOW));
    program
}

/// `socket(AF_INET | AF_INET6, SOCK_STREAM | SOCK_DGRAM | …, …)` and `socket(AF_UNIX, SOCK_STREAM |
/// …, …)`; falls through for every other call.
#[allow(clippy::cast_sign_loss)] // Constants of the ABI, all positive.
fn sockets_of_ours() -> [Instruction; 14] {
    [
        jump(JUMP_EQ, number(libc::SYS_socket), 0, 13),
        argument(0),
        jump(JUMP_EQ, libc::AF_UNIX as u32, 6, 0),
        jump(JUMP_EQ, libc::AF_INET as u32, 1, 0),
        jump(JUMP_EQ, libc::AF_INET6 as u32, 0, 7),
        argument(1),
        statement(AND, 0xf),
        jump(JUMP_EQ, libc::SOCK_DGRAM as u32, 5, 0),
        jump(JUMP_EQ, libc::SOCK_STREAM as u32, 4, 3),
        argument(1),
        statement(AND, 0xf),
        jump(JUMP_EQ, libc::SOCK_STREAM as u32, 1, 0),
        statement(RETURN, ALLOW),
        statement(RETURN, NOTIFY),
    ]
}

#[allow(clippy::cast_sign_loss)] // Error numbers are positive.
const fn errno(number: i32) -> u32 {
    ERRNO | number as u32
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn run(program: &[Instruction], arch: u32, call: i64, arguments: [u32; 6]) -> u32 {
        run_with(program, arch, call, 0, arguments.map(u64::from))
    }

    /// Four bytes of eight.
    fn half(word: u64, at: usize) -> u32 {
        u32::from_le_bytes(word.to_le_bytes()[at..at + 4].try_into().expect("four"))
    }

    /// What the program answers, run as the kernel does.
    pub(in super::super) fn run_with(
        program: &[Instruction],
        arch: u32,
        call: i64,
        instruction: u64,
        arguments: [u64; 6],
    ) -> u32 {
        let mut at = 0;
        let mut value = 0;
        loop {
            let now = program.get(at).expect("a program ends with a return");
            at += 1;
            let test = |holds: bool| usize::from(if holds { now.jt } else { now.jf });
            match now.code {
                LOAD => {
                    value = match now.k {
                        0 => number(call),
                        4 => arch,
                        8 => half(instruction, 0),
                        12 => half(instruction, 4),
                        k => half(arguments[(k as usize - 16) / 8], k as usize % 8),
                    }
                }
                AND => value &= now.k,
                JUMP_EQ => at += test(value == now.k),
                JUMP_GE => at += test(value >= now.k),
                JUMP_SET => at += test(value & now.k != 0),
                RETURN => return now.k,
                code => panic!("unknown instruction {code}"),
            }
        }
    }

    #[track_caller]
    fn check(sockets: bool, call: i64, arguments: [u32; 6], expect: u32) {
        let program = program(&[libc::SYS_connect, libc::SYS_listen], sockets, &[]);
        assert_eq!(run(&program, ARCH, call, arguments), expect);
    }

    #[test]
    fn only_the_calls_that_were_named_are_told() {
        check(false, libc::SYS_connect, [0; 6], NOTIFY);
        check(false, libc::SYS_listen, [0; 6], NOTIFY);
        check(false, libc::SYS_read, [0; 6], ALLOW);
        check(false, libc::SYS_sendmsg, [0; 6], ALLOW);
        check(false, libc::SYS_socket, [2, 1, 0, 0, 0, 0], ALLOW);
    }

    #[test]
    fn the_ways_around_connect_are_closed() {
        check(false, libc::SYS_io_uring_setup, [0; 6], errno(libc::ENOSYS));
        let fast = MSG_FASTOPEN | 0x4000;
        check(
            false,
            libc::SYS_sendto,
            [3, 0, 0, fast, 0, 0],
            errno(libc::EOPNOTSUPP),
        );
        check(
            false,
            libc::SYS_sendmsg,
            [3, 0, fast, 0, 0, 0],
            errno(libc::EOPNOTSUPP),
        );
        check(
            false,
            libc::SYS_sendmmsg,
            [3, 0, 0, fast, 0, 0],
            errno(libc::EOPNOTSUPP),
        );
    }

    #[test]
    fn sockets_are_told_where_they_can_be_of_what_is_captured() {
        let cloexec_nonblock = 0x8_0000 | 0x800;
        check(
            true,
            libc::SYS_socket,
            [2, 1 | cloexec_nonblock, 0, 0, 0, 0],
            NOTIFY,
        );
        check(true, libc::SYS_socket, [10, 1, 6, 0, 0, 0], NOTIFY);
        check(true, libc::SYS_socket, [2, 2, 0, 0, 0, 0], NOTIFY);
        check(true, libc::SYS_socket, [2, 3, 0, 0, 0, 0], ALLOW);
        check(
            true,
            libc::SYS_socket,
            [1, 1 | cloexec_nonblock, 0, 0, 0, 0],
            NOTIFY,
        );
        check(true, libc::SYS_socket, [1, 2, 0, 0, 0, 0], ALLOW);
        check(true, libc::SYS_socket, [1, 5, 0, 0, 0, 0], ALLOW);
        check(true, libc::SYS_socket, [16, 1, 0, 0, 0, 0], ALLOW);
        check(true, libc::SYS_read, [2, 1, 0, 0, 0, 0], ALLOW);
    }

    #[test]
    fn other_architectures_go_past() {
        let program = program(&[libc::SYS_connect], true, &[]);
        assert_eq!(run(&program, 0x4000_0003, libc::SYS_connect, [0; 6]), ALLOW);
        if cfg!(target_arch = "x86_64") {
            let x32 = libc::SYS_connect | i64::from(X32);
            assert_eq!(run(&program, ARCH, x32, [0; 6]), ALLOW);
        }
    }
}
