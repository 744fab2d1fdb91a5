//! What stands in a certificate (X.509, RFC 5280), as far as it is shown to others: its names
//! and its validity. Whether they are right is not decided here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Names;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, constructed: the version; `[3]`: the extensions (RFC 5280, section 4.1).
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// Of GeneralName: `[2]` a host name, `[7]` an address (section 4.2.1.6).
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
const ID_COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ID_SUBJECT_ALT_NAME: &[u8] = &[0x55, 29, 17];
/// Names that are taken over at most.
const MAX_NAMES: usize = 1000;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Facts {
    /// Seconds of the Unix epoch.
    pub(super) not_before: u64,
    pub(super) not_after: u64,
    pub(super) names: Names,
}

/// Reads a certificate; none where it is damaged.
pub(super) fn facts(der: &[u8]) -> Option<Facts> {
    let mut certificate = Der(Der(der).expect(SEQUENCE)?);
    let mut signed = Der(certificate.expect(SEQUENCE)?);
    if signed.peek() == Some(VERSION) {
        signed.next()?;
    }
    signed.expect(INTEGER)?;
    let _algorithm = signed.expect(SEQUENCE)?;
    let _issuer = signed.expect(SEQUENCE)?;
    let mut validity = Der(signed.expect(SEQUENCE)?);
    let mut facts = Facts {
        not_before: moment(validity.next()?)?,
        not_after: moment(validity.next()?)?,
        names: Names::default(),
    };
    facts.names.common = common_name(signed.expect(SEQUENCE)?).unwrap_or_default();
    let _key = signed.expect(SEQUENCE)?;
    while let Some((tag, content)) = signed.next() {
        if tag == EXTENSIONS {
            facts.names.alternatives = alternatives(content).unwrap_or_default();
        }
    }
    Some(facts)
}

fn common_name(subject: &[u8]) -> Option<String> {
    let mut subject = Der(subject);
    let mut last = None;
    while let Some(set) = subject.expect(SET) {
        let mut set = Der(set);
        while let Some(pair) = set.expect(SEQUENCE) {
            let mut pair = Der(pair);
            if pair.expect(OID)? == ID_COMMON_NAME {
                let (_, text) = pair.next()?;
                last = std::str::from_utf8(text).ok().map(str::to_owned);
            }
        }
    }
    last
}

fn alternatives(extensions: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Der(Der(extensions).expect(SEQUENCE)?);
    while let Some(extension) = extensions.expect(SEQUENCE) {
        let mut extension = Der(extension);
        if extension.expect(OID)? != ID_SUBJECT_ALT_NAME {
            continue;
        }
        if extension.peek() == Some(BOOLEAN) {
            extension.next()?;
        }
        let mut names = Der(Der(extension.expect(OCTETS)?).expect(SEQUENCE)?);
        let mut found = Vec::new();
        while let Some((tag, content)) = names.next() {
            let name = match tag {
                DNS_NAME => std::str::from_utf8(content).ok().map(str::to_owned),
                IP_ADDRESS => address(content).map(|address| address.to_string()),
                _ => None,
            };
            found.extend(name.filter(|_| found.len() < MAX_NAMES));
        }
        return Some(found);
    }
    None
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).into());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(sixteen).into())
}

/// A moment of a certificate, which is always in UTC and has seconds (RFC 5280, section 4.1.2.5).
/// Those before 1970 are taken for 1970.
fn moment((tag, text): (u8, &[u8])) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: u64 = year.parse().ok()?;
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let field = |at: usize| rest.get(at..at + 2)?.parse::<u64>().ok();
    let (month, day) = (field(0)?, field(2)?);
    let seconds = field(4)? * 3600 + field(6)? * 60 + field(8)?;
    Some(days_since_epoch(year, month, day) * 86_400 + seconds)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, counted from March so that the
/// leap day is a year's last.
fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 {
        year.saturating_sub(1)
    } else {
        year
    };
    let era = year / 400;
    let of_era = year % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    // 719,468 days lie between 0000-03-01 and 1970-01-01; the day counts from 1.
    days.saturating_sub(719_469)
}

/// A reader of the distinguished encoding rules (X.690).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, where it has that tag. Nothing is read where not.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.peek() != Some(tag) {
            return None;
        }
        self.next().map(|(_, content)| content)
    }

    /// The next element: its tag and its content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    #[test]
    fn names_and_validity_are_read() {
        let names = ["a.example", "*.b.example", "10.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names.to_vec()).unwrap();
        params.not_before = date_time_ymd(1999, 12, 31);
        params.not_after = date_time_ymd(2052, 2, 29);
        params.distinguished_name = Default::default();
        params.distinguished_name.push(DnType::CommonName, "a");
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let expect = Facts {
            not_before: 946_598_400,
            not_after: 2_592_777_600,
            names: Names {
                common: "a".to_owned(),
                alternatives: names.to_vec(),
            },
        };
        assert_eq!(facts(&der), Some(expect));
        for cut in 0..der.len() {
            // Damaged ones give nothing, and never a panic.
            assert_eq!(facts(&der[..cut]), None);
        }
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (tag, text, expect) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "000229120001Z", Some(951_825_601)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "20500101000000", None),
            (UTC_TIME, "7Z", None),
        ] {
            assert_eq!(moment((tag, text.as_bytes())), expect, "{text}");
        }
    }
}
