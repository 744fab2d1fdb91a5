//! Where a client wants a datagram: the arguments of `recvfrom` and `recvmsg`.

use std::io;
use std::net::SocketAddr;

use rustix::net::RecvFlags;

use super::call::Call;
use super::names::write_name_at;
use super::sys::address;

/// How many pieces of memory a `struct iovec` list of `recvmsg` has at most here; who receives
/// answers of name servers has one.
const MAX_PIECES: usize = 16;

/// The parts of a `struct msghdr` of 64 bits (`recvmsg(2)`), in bytes from its begin.
const NAME: usize = 0;
const NAME_ROOM: usize = 8;
const PIECES: usize = 16;
const PIECES_COUNT: usize = 24;
const CONTROL_LENGTH: u64 = 40;
const FLAGS: u64 = 48;
const SIZE: usize = 56;

/// The room that a client gives.
#[derive(Debug)]
pub(super) struct Room {
    /// The flags of the call.
    pub(super) flags: RecvFlags,
    pieces: Vec<(u64, usize)>,
    name: Name,
}

/// Where the sender's address goes.
#[derive(Debug, Clone, Copy)]
enum Name {
    /// `recvfrom`: to the address in its fifth argument, the length to that in its sixth.
    Arguments,
    /// `recvmsg`: to an address with so much room, the rest into the header.
    Header { at: u64, name: u64, room: usize },
}

impl Room {
    /// That of a call. None where it cannot be read, or has more pieces than are looked at.
    pub(super) fn of(call: &Call) -> Option<Room> {
        if call.number() == libc::SYS_recvfrom {
            return Some(Room {
                flags: RecvFlags::from_bits_retain(call.int(3).cast_unsigned()),
                pieces: vec![(call.argument(1), usize::try_from(call.argument(2)).ok()?)],
                name: Name::Arguments,
            });
        }
        let at = call.argument(1);
        let mut header = [0; SIZE];
        (call.read(at, &mut header).ok()? == SIZE).then_some(())?;
        let count = usize::try_from(word(&header, PIECES_COUNT)?).ok()?;
        let mut list = vec![0; Some(count).filter(|count| *count <= MAX_PIECES)? * 16];
        if !list.is_empty() {
            (call.read(word(&header, PIECES)?, &mut list).ok()? == list.len()).then_some(())?;
        }
        let pieces = list.chunks_exact(16).map(|piece| {
            let length = usize::try_from(word(piece, 8)?).ok()?;
            Some((word(piece, 0)?, length))
        });
        let [a, b, c, d, ..] = word(&header, NAME_ROOM)?.to_ne_bytes();
        Some(Room {
            flags: RecvFlags::from_bits_retain(call.int(2).cast_unsigned()),
            pieces: pieces.collect::<Option<_>>()?,
            name: Name::Header {
                at,
                name: word(&header, NAME)?,
                room: usize::try_from(u32::from_ne_bytes([a, b, c, d])).ok()?,
            },
        })
    }

    /// Writes a datagram as the kernel does; gives what the call returns.
    ///
    /// # Errors
    /// The memory is not the caller's.
    pub(super) fn fill(
        &self,
        call: &Call,
        message: &[u8],
        from: Option<SocketAddr>,
    ) -> io::Result<usize> {
        let mut rest = message;
        for (at, length) in &self.pieces {
            let (piece, behind) = rest.split_at((*length).min(rest.len()));
            if !piece.is_empty() {
                call.write(*at, piece)?;
            }
            rest = behind;
        }
        match (self.name, from) {
            (Name::Arguments, Some(from)) => {
                write_name_at(call, call.argument(4), call.argument(5), from)?;
            }
            (Name::Header { at, name, room }, from) => {
                write_header(call, at, name, room, from, !rest.is_empty())?;
            }
            (Name::Arguments, None) => {}
        }
        // Who wants it is told the whole length, of which the rest is gone.
        let whole = self.flags.contains(RecvFlags::TRUNC);
        Ok(message.len() - if whole { 0 } else { rest.len() })
    }
}

fn write_header(
    call: &Call,
    at: u64,
    name: u64,
    room: usize,
    from: Option<SocketAddr>,
    is_cut: bool,
) -> io::Result<()> {
    if let Some(from) = from.filter(|_| name != 0) {
        let from = address::write(from);
        let part = from.get(..room.min(from.len())).unwrap_or_default();
        if !part.is_empty() {
            call.write(name, part)?;
        }
        let length = u32::try_from(from.len()).unwrap_or(u32::MAX);
        call.write(at.saturating_add(NAME_ROOM as u64), &length.to_ne_bytes())?;
    }
    call.write(at.saturating_add(CONTROL_LENGTH), &0_u64.to_ne_bytes())?;
    let flags = if is_cut { libc::MSG_TRUNC } else { 0 };
    call.write(at.saturating_add(FLAGS), &flags.to_ne_bytes())?;
    Ok(())
}

/// Eight bytes of a structure.
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_ne_bytes(*bytes))
}
