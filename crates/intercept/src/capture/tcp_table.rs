//! The system's table of TCP sockets (`proc_net_tcp`), by the number of each.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// States of a socket in the table (`tcp_states.h`).
const SYN_SENT: &str = "02";
const LISTEN: &str = "0A";

/// The sockets that are connected, connecting or listening, and whether each still waits for an
/// answer.
pub(super) fn in_use() -> HashMap<u64, bool> {
    let mut sockets = HashMap::new();
    each(|inode, state, _| {
        sockets.insert(inode, state == SYN_SENT);
    });
    sockets
}

/// Where a socket listens; none where it does not.
pub(super) fn listening_at(wanted: u64) -> Option<SocketAddr> {
    let mut found = None;
    each(|inode, state, local| {
        if inode == wanted && state == LISTEN {
            found = address(local);
        }
    });
    found
}

/// Calls with each socket's number, state and address.
fn each(mut with: impl FnMut(u64, &str, &str)) {
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(text) = fs::read_to_string(file) else {
            continue;
        };
        for line in text.lines().skip(1) {
            let mut fields = line.split_ascii_whitespace();
            let local = fields.nth(1);
            let state = fields.nth(1);
            let inode = fields.nth(5).and_then(|inode| inode.parse().ok());
            if let (Some(local), Some(state), Some(inode)) = (local, state, inode) {
                with(inode, state, local);
            }
        }
    }
}

/// `0100007F:1F90`: words of 32 bits as the machine has them in memory, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let bytes: Option<Vec<u8>> = (0..ip.len())
        .step_by(8)
        .map(|at| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok())
        .try_fold(Vec::new(), |mut bytes, word| {
            bytes.extend(word?.to_ne_bytes());
            Some(bytes)
        });
    let bytes = bytes?;
    let ip = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::super::sockets::inode_of;
    use super::*;

    #[test]
    fn a_socket_is_found_where_it_listens() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(at) else {
                continue;
            };
            let addr = listener.local_addr().expect("an address");
            let inode = inode_of(&listener).expect("a number");
            assert_eq!(listening_at(inode), Some(addr));
            assert_eq!(in_use().get(&inode), Some(&false));
            let client = TcpStream::connect(addr).expect("itself");
            let inode = inode_of(&client).expect("a number");
            assert_eq!(listening_at(inode), None, "it is connected");
            assert!(in_use().contains_key(&inode));
        }
    }

    #[test]
    fn an_address_that_is_none_is_none() {
        for text in [
            "",
            "0100007F",
            "0100007F:",
            ":1F90",
            "01:1F90",
            "0100007G:1F90",
            "é100007F:1F90",
            "0100007F0100007F:1F90",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
        #[cfg(target_endian = "little")]
        assert_eq!(
            address("0100007F:1F90"),
            Some(SocketAddr::from(([127, 0, 0, 1], 8080)))
        );
    }
}
