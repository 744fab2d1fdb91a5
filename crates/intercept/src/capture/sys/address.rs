//! Socket addresses as the kernel lays them out (`sockaddr_in`, `sockaddr_in6`, `sockaddr_un`).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The size of the largest address (`sockaddr_storage`), in bytes.
pub const LARGEST: usize = 128;

const INET: u16 = 2;
const INET6: u16 = 10;
const UNIX: u16 = 1;

/// An address as a program gave it to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// IPv4 or IPv6; IPv4 in IPv6 (`::ffff:…`) stays as it was given.
    Inet(SocketAddr),
    /// A unix socket: its path, or its abstract name behind a zero byte.
    Unix(Vec<u8>),
    /// No address: the socket is to be disconnected.
    Unspecified,
    /// Another family, or an address that is too short: for the kernel to judge.
    Other,
}

/// Reads an address.
pub fn read(bytes: &[u8]) -> Given {
    let Some((family, rest)) = bytes.split_first_chunk() else {
        return Given::Other;
    };
    match u16::from_ne_bytes(*family) {
        0 => Given::Unspecified,
        INET => inet(rest).map_or(Given::Other, Given::Inet),
        INET6 => inet6(rest).map_or(Given::Other, Given::Inet),
        UNIX => Given::Unix(unix(rest)),
        _ => Given::Other,
    }
}

/// A path ends at its zero byte; an abstract name begins with one and has its length alone.
fn unix(rest: &[u8]) -> Vec<u8> {
    let end = match rest.first() {
        Some(0) => rest.len(),
        _ => rest.iter().position(|b| *b == 0).unwrap_or(rest.len()),
    };
    rest.get(..end).unwrap_or_default().to_vec()
}

/// `sin_port`, `sin_addr`, and padding that the kernel asks for (`sizeof(sockaddr_in)` is 16).
fn inet(rest: &[u8]) -> Option<SocketAddr> {
    let (port, rest) = rest.split_first_chunk()?;
    let (ip, padding) = rest.split_first_chunk::<4>()?;
    (padding.len() >= 8).then(|| {
        SocketAddr::V4(SocketAddrV4::new(
            Ipv4Addr::from(*ip),
            u16::from_be_bytes(*port),
        ))
    })
}

/// `sin6_port`, `sin6_flowinfo`, `sin6_addr`, and `sin6_scope_id`, which may be missing (RFC 2133
/// had none).
fn inet6(rest: &[u8]) -> Option<SocketAddr> {
    let (port, rest) = rest.split_first_chunk()?;
    let (flow, rest) = rest.split_first_chunk()?;
    let (ip, rest) = rest.split_first_chunk::<16>()?;
    let scope = rest.first_chunk().map_or(0, |b| u32::from_ne_bytes(*b));
    Some(SocketAddr::V6(SocketAddrV6::new(
        Ipv6Addr::from(*ip),
        u16::from_be_bytes(*port),
        u32::from_ne_bytes(*flow),
        scope,
    )))
}

/// Writes an address.
pub fn write(addr: SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(28);
    match addr {
        SocketAddr::V4(addr) => {
            bytes.extend(INET.to_ne_bytes());
            bytes.extend(addr.port().to_be_bytes());
            bytes.extend(addr.ip().octets());
            bytes.extend([0; 8]);
        }
        SocketAddr::V6(addr) => {
            bytes.extend(INET6.to_ne_bytes());
            bytes.extend(addr.port().to_be_bytes());
            bytes.extend(addr.flowinfo().to_ne_bytes());
            bytes.extend(addr.ip().octets());
            bytes.extend(addr.scope_id().to_ne_bytes());
        }
    }
    bytes
}

/// An address of IPv4 written as one of IPv6 is the one of IPv4.
pub fn plain(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(ip) => SocketAddr::from((ip, v6.port())),
            None => addr,
        },
        SocketAddr::V4(_) => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_writing_and_reading() {
        for text in [
            "127.0.0.1:5432",
            "[::1]:80",
            "[fe80::1%3]:9",
            "[::ffff:10.0.0.1]:1",
        ] {
            let addr: SocketAddr = text.parse().expect("an address");
            assert_eq!(read(&write(addr)), Given::Inet(addr), "{text}");
        }
    }

    #[test]
    fn what_is_too_short_is_left_to_the_kernel() {
        let whole = write("127.0.0.1:5432".parse().expect("an address"));
        for len in 0..whole.len() {
            let cut = whole.get(..len).expect("shorter");
            assert_eq!(read(cut), Given::Other, "{len} bytes");
        }
        assert_eq!(read(&[0; 16]), Given::Unspecified);
    }

    #[test]
    fn paths_end_at_their_zero_byte_and_abstract_names_do_not() {
        assert_eq!(read(b"\x01\x00/a/b\0junk"), Given::Unix(b"/a/b".to_vec()));
        assert_eq!(read(b"\x01\x00\0a\0b"), Given::Unix(b"\0a\0b".to_vec()));
    }

    #[test]
    fn a_mapped_address_is_the_plain_one() {
        let mapped = "[::ffff:10.0.0.1]:1".parse().expect("an address");
        assert_eq!(plain(mapped).to_string(), "10.0.0.1:1");
    }
}
