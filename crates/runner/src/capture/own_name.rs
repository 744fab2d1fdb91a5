//! The name of this machine, which a service may look up for no other reason than to say it, as
//! Python's `http.server` does. Each container has another one, so a recording cannot have it.

use std::fs;

/// Whether a name is this machine's own, with or without a domain in which names are searched.
pub(super) fn is_this_machine(name: &str) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    is_of(
        name,
        read("/proc/sys/kernel/hostname").trim(),
        &read("/etc/resolv.conf"),
    )
}

fn is_of(name: &str, own: &str, settings: &str) -> bool {
    let name = name.trim_end_matches('.');
    let Some((first, rest)) = name.split_at_checked(own.len()) else {
        return false;
    };
    if own.is_empty() || !first.eq_ignore_ascii_case(own) {
        return false;
    }
    let domain = rest.strip_prefix('.');
    rest.is_empty() || domain.is_some_and(|domain| is_searched(domain, settings))
}

/// resolv.conf(5): `search` and `domain`.
fn is_searched(domain: &str, settings: &str) -> bool {
    let lines = settings.lines().map(str::split_whitespace);
    lines
        .filter_map(|mut words| matches!(words.next(), Some("search" | "domain")).then_some(words))
        .flatten()
        .any(|known| known.trim_end_matches('.').eq_ignore_ascii_case(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machine_s_own_name_is_its_own() {
        let settings = "nameserver 10.0.0.2\nsearch corp.example svc.local.\n";
        for (name, own, expected) in [
            ("3f2a1b", "3f2a1b", true),
            ("3F2A1B.", "3f2a1b", true),
            ("3f2a1b.corp.example", "3f2a1b", true),
            ("3f2a1b.svc.local", "3f2a1b", true),
            // A new dependency is none of the machine's names, however alike.
            ("db.internal", "db", false),
            ("dbx", "db", false),
            ("d", "db", false),
            ("corp.example", "db", false),
            ("anything", "", false),
        ] {
            assert_eq!(is_of(name, own, settings), expected, "{name} on {own}");
        }
    }
}
