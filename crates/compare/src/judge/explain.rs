//! What is said below a call that nothing answers.

use retake_model::{Difference, Path, Place, Segment, TestId, Value};

use crate::matching::UnknownCall;

/// The most places that a difference lists in which two requests differ.
const SHOWN_PLACES: usize = 5;

/// What is said, before its status, where a request asks more because it is not refused any more.
pub(crate) const REFUSED: &str = "the request was refused when it was recorded, with status ";

/// The text below a call that nothing answers: the nearest recorded one, and where it differs. A
/// request that was `refused`, with that status, and asks something new is not refused any more.
pub(super) fn explain(
    id: &TestId,
    unknown: &UnknownCall,
    replaced: bool,
    shown: bool,
    refused: Option<i64>,
    reason: Option<String>,
) -> Option<String> {
    let nearest = unknown.miss.nearest.as_ref();
    let mut lines = Vec::new();
    if let Some(status) = refused.filter(|_| !replaced) {
        lines.push(format!("{REFUSED}{status}"));
    }
    match nearest {
        None => lines.push("the recording has no call like it".to_owned()),
        Some(nearest) if replaced && nearest.summary == unknown.call.summary => {}
        Some(nearest) if replaced && tells_statement(&nearest.differs) => {}
        Some(nearest) if replaced => {
            lines.push(format!("in place of the recorded {}", nearest.summary));
        }
        Some(nearest) => {
            let other = nearest.test.as_ref().filter(|test| *test != id);
            let of = other.map_or(String::new(), |test| format!(" (of {test})"));
            lines.push(format!(
                "the nearest recorded call is {}{of}",
                nearest.summary
            ));
        }
    }
    // The first place is that of the difference itself.
    let differs = nearest.map(|n| n.differs.as_slice()).unwrap_or_default();
    lines.extend(places(differs, usize::from(shown)));
    if replaced {
        lines.extend(nearest.and_then(|n| at_random(&unknown.call.to, &n.differs)));
    }
    lines.extend(reason.map(|reason| format!("perhaps no change of the service: {reason}")));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The places in which two requests differ, a line each, without so many at their beginning.
pub(super) fn places(differs: &[Differs], without: usize) -> impl Iterator<Item = String> {
    let show = crate::causes::short;
    let places = differs.iter().skip(without).take(SHOWN_PLACES);
    places.map(move |(path, recorded, asked)| {
        let (recorded, asked) = (show(recorded.as_ref()), show(asked.as_ref()));
        format!("it differs at {path}: {recorded} -> {asked}")
    })
}

/// A place in which two requests differ: what was recorded, what was asked.
type Differs = (Path, Option<Value>, Option<Value>);

/// What to do where all that differs is a value that looks made at random.
fn at_random(to: &str, differs: &[Differs]) -> Option<String> {
    let [(path, Some(Value::String(recorded)), Some(Value::String(asked)))] = differs else {
        return None;
    };
    let mut place = Path::root().key("calls").key(to);
    place.0.extend(path.0.iter().cloned());
    match is_random(recorded) && is_random(asked) {
        true => Some(rule(&place.to_string(), "ignore: true")),
        false => short_pattern(recorded, asked).map(|what| rule_for_all(&place.to_string(), &what)),
    }
}

/// The shortest text in which letters at random are looked for, in bytes.
const SHORTEST: usize = 6;

/// A rule for two short texts that have the same before their last sign, and letters at random behind
/// it: `TK-PKJPKBAKPW`. It hides no other text.
fn short_pattern(a: &str, b: &str) -> Option<String> {
    let sign = |c: char| !c.is_ascii_alphanumeric();
    let start = a.rfind(sign).map_or(0, |at| at + 1);
    let (before, a) = a.split_at_checked(start)?;
    let b = b.strip_prefix(before)?;
    let same = b.len() == a.len() && !b.contains(sign);
    let long = a.len() >= SHORTEST && a.is_ascii();
    let both = || a.bytes().chain(b.bytes());
    let random = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        (2..text.len() - 1).contains(&digits) || crate::made::is_unlike_words(text.as_bytes())
    };
    if !(same && long && random(a) && random(b)) {
        return None;
    }
    let mut classes = String::new();
    for (is_there, class) in [
        (both().any(|b| b.is_ascii_uppercase()), "A-Z"),
        (both().any(|b| b.is_ascii_lowercase()), "a-z"),
        (both().any(|b| b.is_ascii_digit()), "0-9"),
    ] {
        classes.push_str(if is_there { class } else { "" });
    }
    let before = regex::escape(before);
    Some(format!("pattern: '^{before}[{classes}]{{{}}}$'", a.len()))
}

/// Says what to do where a changed text of a response looks made at random.
pub(super) fn say_at_random(difference: &mut Difference) {
    let (Some(Value::String(a)), Some(Value::String(b)), Place::Response(_)) = (
        &difference.baseline,
        &difference.candidate,
        &difference.place,
    ) else {
        return;
    };
    // Too short to be taken for made: then a changed name would be, too.
    let alike = a.len() == b.len() && a.len() <= 32;
    if difference.detail.is_none() && alike && is_random(a) && is_random(b) {
        difference.detail = Some(rule(&difference.place.to_string(), "type: true"));
    } else if difference.detail.is_none()
        && let Some(what) = short_pattern(a, b)
    {
        difference.detail = Some(rule_for_all(&difference.place.to_string(), &what));
    }
}

fn rule(place: &str, what: &str) -> String {
    said_in("in the test", place, what)
}

/// One that hides nothing else at its place.
fn rule_for_all(place: &str, what: &str) -> String {
    said_in("in retake.yaml", place, what)
}

fn said_in(file: &str, place: &str, what: &str) -> String {
    // In single quotes, since a name with dots stands in double ones.
    let place = place.replace('\'', "''");
    format!(
        "hint: where the service makes this at random, say so {file}: rules: \
         [{{path: '{place}', {what}}}]"
    )
}

/// Whether a text is long, without a space, and of letters that stand beside each other in no word.
fn is_random(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let mixed = digits >= 2 && letters >= 2 || crate::made::is_unlike_words(text.as_bytes());
    text.len() >= 16 && mixed && !text.contains(char::is_whitespace)
}

/// Whether the first place that differs shows the recorded statement as it was.
fn tells_statement(differs: &[Differs]) -> bool {
    let sql = |path: &Path| matches!(path.0.as_slice(), [Segment::Key(name)] if name == "sql");
    differs.first().is_some_and(|(path, _, _)| sql(path))
}
