//! The errors with which connections fail, by the names that people and recordings give them.

use rustix::io::Errno;

const NAMES: [(&str, Errno); 8] = [
    ("ECONNREFUSED", Errno::CONNREFUSED),
    ("ETIMEDOUT", Errno::TIMEDOUT),
    ("EHOSTUNREACH", Errno::HOSTUNREACH),
    ("ENETUNREACH", Errno::NETUNREACH),
    ("ECONNRESET", Errno::CONNRESET),
    ("EADDRNOTAVAIL", Errno::ADDRNOTAVAIL),
    ("EACCES", Errno::ACCESS),
    ("EPERM", Errno::PERM),
];

/// The name of an error number; the number itself where it is none that connections fail with.
pub(super) fn name(errno: i32) -> String {
    let known = NAMES.iter().find(|(_, e)| e.raw_os_error() == errno);
    known.map_or_else(|| errno.to_string(), |(name, _)| (*name).to_owned())
}

/// The error number of a name; that of a refusal where the name is unknown.
pub(super) fn number(name: &str) -> i32 {
    let known = NAMES.iter().find(|(known, _)| *known == name);
    let number = known.map(|(_, errno)| errno.raw_os_error());
    number
        .or_else(|| name.parse().ok().filter(|n| (1..4096).contains(n)))
        .unwrap_or(Errno::CONNREFUSED.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_each_other() {
        for (text, errno) in NAMES {
            assert_eq!(name(errno.raw_os_error()), text);
            assert_eq!(number(text), errno.raw_os_error());
        }
        assert_eq!(number(&name(71)), 71);
        assert_eq!(number("nonsense"), Errno::CONNREFUSED.raw_os_error());
        assert_eq!(number("-5"), Errno::CONNREFUSED.raw_os_error());
    }
}
