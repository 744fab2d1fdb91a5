//! Which protocols are negotiated within TLS (RFC 7301).

/// The protocols that can be read, by their names in ALPN. HTTP/2 joins them here when it is
/// read; until then a client that wants nothing else is left alone.
pub(crate) const READ: &[&[u8]] = &[b"http/1.1", b"http/1.0", b"postgresql"];

/// What becomes of a client's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Alpn {
    /// The client names no protocols.
    Silent,
    /// Those of the client's list that can be read, in its order.
    Offer(Vec<Vec<u8>>),
    /// None of them can be read: they are named here, for people.
    Unread(String),
}

impl Alpn {
    /// The part of the client's list that can be read.
    pub(crate) fn of<'a>(offered: Option<impl Iterator<Item = &'a [u8]>>) -> Alpn {
        let Some(offered) = offered else {
            return Alpn::Silent;
        };
        let all: Vec<&[u8]> = offered.collect();
        let read: Vec<Vec<u8>> = all
            .iter()
            .filter(|name| READ.contains(name))
            .map(|name| name.to_vec())
            .collect();
        if read.is_empty() && !all.is_empty() {
            let names: Vec<String> = all
                .iter()
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect();
            return Alpn::Unread(names.join(", "));
        }
        Alpn::Offer(read)
    }

    /// What is offered to the real server.
    pub(crate) fn offer(&self) -> &[Vec<u8>] {
        match self {
            Alpn::Offer(names) => names,
            Alpn::Silent | Alpn::Unread(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offered: Option<&[&str]>, expect: Alpn) {
        let offered = offered.map(|names| names.iter().map(|name| name.as_bytes()));
        assert_eq!(Alpn::of(offered), expect);
    }

    #[test]
    fn a_list_is_cut_to_what_can_be_read() {
        let offer =
            |names: &[&str]| Alpn::Offer(names.iter().map(|n| n.as_bytes().to_vec()).collect());
        check(None, Alpn::Silent);
        check(Some(&["h2", "http/1.1"]), offer(&["http/1.1"]));
        check(Some(&["postgresql"]), offer(&["postgresql"]));
        check(Some(&["h2"]), Alpn::Unread("h2".to_owned()));
        check(
            Some(&["grpc-exp", "h2"]),
            Alpn::Unread("grpc-exp, h2".to_owned()),
        );
    }
}
