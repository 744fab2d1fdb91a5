//! The order of the directives of a content security policy, in a header and in a page.
//!
//! It says nothing (CSP level 3, section 2.2.1: of one name the first counts), and services that
//! keep their directives in a hash map write them in another order each time.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use retake_model::Segment;

/// The names of the headers, which are also those that a page may give a policy under.
const NAMES: [&str; 2] = [
    "content-security-policy",
    "content-security-policy-report-only",
];

/// Two texts of one place of a response, both policies or pages with policies, with the directives
/// of the observed one in the order of the expected one. `None` where they are in that order.
pub(super) fn aligned(
    place: &[Segment],
    expected: &str,
    observed: &str,
) -> Option<(String, String)> {
    match place {
        [Segment::Key(part), Segment::Key(name), ..] if part == "headers" => NAMES
            .contains(&name.as_str())
            .then(|| in_one_order(expected, observed))?,
        [Segment::Key(part), Segment::Key(kind)] if part == "body" && kind == "text" => {
            in_pages(expected, observed)
        }
        _ => None,
    }
}

fn in_pages(expected: &str, observed: &str) -> Option<(String, String)> {
    if expected == observed {
        return None;
    }
    let (a, b) = (policies(expected), policies(observed));
    if a.is_empty() || a.len() != b.len() {
        return None;
    }
    let text = |page: &str, range: &Range<usize>| page.get(range.clone()).map(str::to_owned);
    let (mut news_a, mut news_b) = (Vec::new(), Vec::new());
    let mut any = false;
    for (of_a, of_b) in a.iter().zip(&b) {
        let (own, other) = (text(expected, of_a)?, text(observed, of_b)?);
        let new = in_one_order(&own, &other);
        any |= new.is_some();
        let (own, other) = new.unwrap_or((own, other));
        news_a.push(own);
        news_b.push(other);
    }
    any.then(|| (with(expected, &a, &news_a), with(observed, &b, &news_b)))
}

/// A page with other texts at these places.
fn with(page: &str, places: &[Range<usize>], news: &[String]) -> String {
    let mut out = String::with_capacity(page.len());
    let mut end = 0;
    for (place, new) in places.iter().zip(news) {
        out.push_str(page.get(end..place.start).unwrap_or_default());
        out.push_str(new);
        end = place.end;
    }
    out.push_str(page.get(end..).unwrap_or_default());
    out
}

fn in_one_order(expected: &str, observed: &str) -> Option<(String, String)> {
    let (a, b) = (directives(expected)?, directives(observed)?);
    let name_of = |directive: &&str| name(directive);
    if a.iter().map(name_of).eq(b.iter().map(name_of)) {
        return None;
    }
    let ranks: HashMap<String, usize> = a.iter().map(name_of).zip(0..).collect();
    let mut ordered = b;
    ordered.sort_by_cached_key(|one| ranks.get(&name(one)).copied().unwrap_or(usize::MAX));
    Some((a.join("; "), ordered.join("; ")))
}

/// The directives of a policy; none where a name repeats, for then their order counts.
fn directives(policy: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let mut start = 0;
    let ends = policy.bytes().enumerate().filter(|(_, b)| *b == b';');
    for (at, _) in ends {
        let one = policy.get(start..at)?;
        if !ends_in_entity(one) {
            found.push(one.trim());
            start = at + 1;
        }
    }
    found.push(policy.get(start..)?.trim());
    found.retain(|directive| !directive.is_empty());
    let names: HashSet<String> = found.iter().map(|one| name(one)).collect();
    (names.len() == found.len()).then_some(found)
}

fn name(directive: &str) -> String {
    let word = directive.split_ascii_whitespace().next();
    word.unwrap_or_default().to_ascii_lowercase()
}

/// Whether the semicolon that follows ends an entity of HTML: `&#39;`, `&quot;`.
fn ends_in_entity(text: &str) -> bool {
    text.rsplit_once('&').is_some_and(|(_, entity)| {
        let digits = entity.strip_prefix('#').unwrap_or(entity);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Where the policies of a page stand: the `content` of each `<meta http-equiv>` of that name.
fn policies(page: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = page.get(at..).and_then(|rest| rest.find('<')) {
        at += next + 1;
        let Some(rest) = page.get(at..) else { break };
        if !rest
            .get(..4)
            .is_some_and(|w| w.eq_ignore_ascii_case("meta"))
        {
            continue;
        }
        at += 4;
        let attributes = attributes(page, &mut at);
        let value_of = |name: &str| {
            let mut named = attributes.iter().filter(|(own, _)| {
                page.get(own.clone())
                    .is_some_and(|own| own.eq_ignore_ascii_case(name))
            });
            named.next().map(|(_, value)| value.clone())
        };
        let is_policy = value_of("http-equiv")
            .and_then(|value| page.get(value))
            .is_some_and(|value| NAMES.iter().any(|name| value.eq_ignore_ascii_case(name)));
        if let Some(value) = value_of("content").filter(|_| is_policy) {
            found.push(value);
        }
    }
    found
}

/// The names and values of the attributes that have a value in quotes, of the tag that goes on at
/// this place, which is its end afterwards.
fn attributes(page: &str, at: &mut usize) -> Vec<(Range<usize>, Range<usize>)> {
    let bytes = page.as_bytes();
    let (mut found, mut name) = (Vec::new(), *at..*at);
    while let Some(b) = bytes.get(*at) {
        match b {
            b'>' => break,
            b'"' | b'\'' => {
                let start = *at + 1;
                let rest = bytes.get(start..).unwrap_or_default();
                let Some(length) = rest.iter().position(|other| other == b) else {
                    *at = bytes.len();
                    break;
                };
                found.push((name.clone(), start..start + length));
                *at = start + length;
                name = *at + 1..*at + 1;
            }
            b'=' | b'/' => {}
            b if b.is_ascii_whitespace() => {}
            _ => {
                let goes_on = name.end == *at && !name.is_empty();
                name = if goes_on { name.start } else { *at }..*at + 1;
            }
        }
        *at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(place: &[&str]) -> Vec<Segment> {
        let keys = place.iter().map(|name| Segment::Key((*name).to_owned()));
        keys.collect()
    }

    #[track_caller]
    fn check(place: &[&str], a: &str, b: &str, same: Option<bool>) {
        let found = aligned(&at(place), a, b);
        assert_eq!(found.map(|(a, b)| a == b), same, "{a} | {b}");
    }

    #[test]
    fn directives_of_a_policy_are_held_against_those_of_their_names() {
        let header = ["headers", "content-security-policy"];
        let policy = "default-src 'self'; img-src * data:";
        for (other, same) in [
            ("img-src * data:; default-src 'self'", Some(true)),
            ("img-src * data:;default-src 'self'; ", Some(true)),
            ("IMG-SRC * data:; default-src 'self'", Some(false)),
            ("img-src *; default-src 'self'", Some(false)),
            ("img-src * data:", Some(false)),
            ("default-src 'self'; img-src * data:", None),
            ("default-src 'none'; img-src * data:", None),
            ("img-src *; default-src 'self'; img-src * data:", None),
        ] {
            check(&header, policy, other, same);
        }
        check(&["headers", "x-policy"], "a 1; b 2", "b 2; a 1", None);
        let repeated = ["a 1; b 2; a 3", "b 2; a 3; a 1"];
        check(&header, repeated[0], repeated[1], None);
    }

    #[test]
    fn a_page_gives_its_policy_in_an_element_of_its_head() {
        let page = |meta: &str, body: &str| format!("<html><head>{meta}</head>{body}</html>");
        let meta = |policy: &str| {
            format!("<META content=\"{policy}\" data-x=1 http-equiv='content-security-policy' />")
        };
        let own = meta("a &#39;x&#39;; b &quot;y&quot;");
        let other = meta("b &quot;y&quot;; a &#39;x&#39;; ");
        let text = ["body", "text"];
        check(&text, &page(&own, "1"), &page(&other, "1"), Some(true));
        check(&text, &page(&own, "1"), &page(&other, "2"), Some(false));
        check(&text, &page(&own, "1"), &page(&own, "2"), None);
        check(
            &["body", "json"],
            &page(&own, "1"),
            &page(&other, "1"),
            None,
        );
        let plain = |policy: &str| format!("<meta name=\"x\" content=\"{policy}\">");
        check(&text, &plain("a 1; b 2"), &plain("b 2; a 1"), None);
    }
}
