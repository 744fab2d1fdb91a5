//! Network addresses and bit strings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cursor::Cursor;
use super::scalar;

/// `PGSQL_AF_INET` and `PGSQL_AF_INET6` (src/include/utils/inet.h).
const FAMILY_V4: u8 = 2;
const FAMILY_V6: u8 = 3;

/// `inet` and `cidr`: `cidr` always shows its mask, `inet` where it is not the whole address.
pub(super) fn inet_text(binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let (family, bits, is_cidr) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
    let length = usize::from(cursor.u8()?);
    let bytes = cursor.rest();
    if bytes.len() != length {
        return None;
    }
    let (address, all) = match family {
        FAMILY_V4 => {
            let bytes: [u8; 4] = bytes.try_into().ok()?;
            (Ipv4Addr::from(bytes).to_string(), 32)
        }
        FAMILY_V6 => {
            let bytes: [u8; 16] = bytes.try_into().ok()?;
            (v6_text(Ipv6Addr::from(bytes)), 128)
        }
        _ => return None,
    };
    match bits {
        bits if bits > all => None,
        bits if bits == all && is_cidr == 0 => Some(address),
        bits => Some(format!("{address}/{bits}")),
    }
}

pub(super) fn inet_binary(text: &str) -> Option<Vec<u8>> {
    address_binary(text, 0)
}

pub(super) fn cidr_binary(text: &str) -> Option<Vec<u8>> {
    address_binary(text, 1)
}

fn address_binary(text: &str, is_cidr: u8) -> Option<Vec<u8>> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let (family, all, bytes) = match address.parse().ok()? {
        IpAddr::V4(v4) => (FAMILY_V4, 32, v4.octets().to_vec()),
        IpAddr::V6(v6) => (FAMILY_V6, 128, v6.octets().to_vec()),
    };
    let bits = bits.unwrap_or(all);
    let length = u8::try_from(bytes.len()).ok()?;
    (bits <= all).then(|| [vec![family, bits, is_cidr, length], bytes].concat())
}

/// Like RFC 5952, but addresses that hold an IPv4 one in their last 32 bits (`::a.b.c.d` too)
/// show it with dots (`pg_inet_net_ntop`, src/port/inet_net_ntop.c).
fn v6_text(address: Ipv6Addr) -> String {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let high = [a, b, c, d, e];
    let compatible = f == 0 && g != 0;
    if high == [0; 5] && (compatible || f == 0xffff) {
        let [g, g2] = g.to_be_bytes();
        let [h, h2] = h.to_be_bytes();
        let prefix = if compatible { "::" } else { "::ffff:" };
        return format!("{prefix}{g}.{g2}.{h}.{h2}");
    }
    address.to_string()
}

/// `macaddr` (6 bytes) and `macaddr8`.
pub(super) fn mac_text(binary: &[u8], length: usize) -> Option<String> {
    (binary.len() == length).then(|| {
        let pairs: Vec<String> = binary.iter().map(|b| format!("{b:02x}")).collect();
        pairs.join(":")
    })
}

pub(super) fn mac_binary(text: &str, length: usize) -> Option<Vec<u8>> {
    let bytes: Option<Vec<u8>> = text
        .split(':')
        .map(|pair| {
            let hex = pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u8::from_str_radix(pair, 16).ok())?
        })
        .collect();
    bytes.filter(|b| b.len() == length)
}

/// `bit` and `varbit`: the count of bits, then the bits, the last byte filled with zeros.
pub(super) fn bits_text(binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let count = usize::try_from(cursor.i32()?).ok()?;
    let bytes = cursor.rest();
    if bytes.len() != count.div_ceil(8) {
        return None;
    }
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    let mut text: String = bits.map(|bit| if bit == 1 { '1' } else { '0' }).collect();
    text.truncate(count);
    Some(text)
}

pub(super) fn bits_binary(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|b| matches!(b, b'0' | b'1')) {
        return None;
    }
    let mut out = scalar::int4_binary(&text.len().to_string())?;
    out.extend(text.as_bytes().chunks(8).map(|eight| {
        eight
            .iter()
            .zip((0..8).rev())
            .fold(0_u8, |byte, (bit, at)| byte | (bit & 1) << at)
    }));
    Some(out)
}
