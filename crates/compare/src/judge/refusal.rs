//! Responses of another class than the recorded one: where a request is refused that was granted,
//! its whole answer is another document, and what the service did for it is left out. That is one
//! change, and no more.

use retake_model::{DiffKind, Difference, Path, Place, Segment, Value};

use super::frames::frame;
use crate::causes::cut;
use crate::diff::{general_text, hash};
use crate::leaves::leaves;

/// The most texts of a refusal that tell it from others.
const TEXTS: usize = 6;

/// The most characters of such a text.
const LONGEST: usize = 160;

/// Names of fields in which errors say what is wrong, the most telling first.
const SAYING: &[&str] = &[
    "message",
    "detail",
    "error_description",
    "error",
    "title",
    "msg",
    "reason",
    "text",
];

/// Where the status is of another class than the recorded one, the other differences of the
/// response follow from that; where it got worse, so do the calls that were no longer made. One
/// refusal is told from another by its status and by what it says, less what the request said.
pub(super) fn gather(request: &Value, response: &mut [Difference], calls: &mut [Difference]) {
    let Some((at, from, to)) = status_of(response) else {
        return;
    };
    // An error of another kind is another document, too.
    let both_fail = from >= 400 && to >= 400;
    if rank(from) == rank(to) && (from == 304) == (to == 304) && !both_fail {
        return;
    }
    let is_worse = got_worse(from, to);
    let texts = texts(response);
    let Some(status) = response.get_mut(at) else {
        return;
    };
    if is_worse {
        let asked = asked(request);
        let general = |text: &str| general_text(&without(&cut(text, LONGEST), &asked));
        let said = match most_telling(&texts) {
            Some((said, true)) => general(said),
            _ => {
                let all = texts.iter().take(TEXTS).map(|(_, text)| general(text));
                all.collect::<Vec<String>>().join("\n")
            }
        };
        status.cause = hash(&format!("refused\n{to}\n{said}"));
        if let Some((said, _)) = most_telling(&texts) {
            status.detail = Some(format!("{SAYS}{:?}", cut(said, LONGEST)));
        }
    }
    let cause = status.cause;
    let calls = calls.iter_mut();
    // Who gives up asks for no more, and rolls back.
    let gives_up = |call: &Difference| call.kind == DiffKind::CallMissing || frame(call).is_some();
    let calls = calls.filter(|call| is_worse && gives_up(call));
    let others = response.iter_mut().enumerate();
    let others = others.filter(|(n, _)| *n != at).map(|(_, other)| other);
    for difference in others.chain(calls) {
        difference.cause = cause;
        super::follow(difference, "the status of the response");
    }
}

/// What a refusal says begins so.
pub(crate) const SAYS: &str = "the response says ";

/// Whether a response of that status grants less than one of the other.
pub(crate) fn got_worse(recorded: i64, came: i64) -> bool {
    rank(came) > rank(recorded) && came != 304
}

/// The recorded and the new status, where they differ.
pub(crate) fn status_of(differences: &[Difference]) -> Option<(usize, i64, i64)> {
    let is_status = |d: &Difference| match &d.place {
        Place::Response(path) => {
            matches!(path.0.as_slice(), [Segment::Key(name)] if name == "status")
        }
        _ => false,
    };
    let at = differences.iter().position(is_status)?;
    let status = differences.get(at)?;
    let of = |value: &Option<Value>| value.as_ref()?.as_i64();
    Some((at, of(&status.baseline)?, of(&status.candidate)?))
}

/// How little a response of that status grants.
fn rank(status: i64) -> i64 {
    match status {
        ..300 | 304 => 0,
        300..400 => 1,
        401 | 403 => 3,
        400..500 => 2,
        _ => 4,
    }
}

/// The texts that the response has and the recorded one has not, with the names of their fields.
fn texts(response: &[Difference]) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for difference in response {
        let Place::Response(path) = &difference.place else {
            continue;
        };
        let name = |path: &Path| match path.0.last() {
            Some(Segment::Key(name)) => name.clone(),
            _ => String::new(),
        };
        let is_body = matches!(path.0.first(), Some(Segment::Key(name)) if name == "body");
        if let (true, Some(came)) = (is_body, &difference.candidate) {
            leaves(came, &mut path.clone(), &mut |path, leaf| {
                if let Value::String(text) = leaf {
                    texts.push((name(path), titled(text).unwrap_or(text).to_owned()));
                }
            });
        }
    }
    texts
}

/// The title of a page: what it says first, without its markup.
fn titled(text: &str) -> Option<&str> {
    let page = text.trim_start();
    let starts = |with: &str| {
        let start = page.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if !starts("<!doctype html") && !starts("<html") {
        return None;
    }
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    Some(title.trim()).filter(|title| !title.is_empty())
}

/// The text that says what is wrong, and whether the name of its field says that it does.
fn most_telling(texts: &[(String, String)]) -> Option<(&str, bool)> {
    let named = |wanted: &&str| texts.iter().find(|(name, _)| name == wanted);
    let named = SAYING.iter().find_map(named);
    let (_, text) = named.or_else(|| texts.first())?;
    Some((text.trim(), named.is_some())).filter(|(text, _)| !text.is_empty())
}

/// The words of a request that errors like to repeat.
fn asked(request: &Value) -> Vec<String> {
    let mut words = Vec::new();
    leaves(request, &mut Path::root(), &mut |_, leaf| {
        let text = match leaf {
            Value::String(text) => text.as_str(),
            Value::Number(number) => number.as_str(),
            _ => return,
        };
        let all = text.split(|c: char| !is_of_word(c));
        words.extend(all.filter(|word| word.len() >= 3).map(str::to_owned));
    });
    words.sort_unstable();
    words.dedup();
    words
}

/// A text with `*` for each of the words, but for those that are written as English is.
fn without(text: &str, asked: &[String]) -> String {
    let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_lowercase());
    text.split_inclusive(|c: char| !is_of_word(c))
        .map(|part| {
            let word = part.trim_end_matches(|c: char| !is_of_word(c));
            let own = asked.binary_search_by(|own| own.as_str().cmp(word)).is_ok();
            match own && !is_plain(word) {
                true => format!("*{}", part.get(word.len()..).unwrap_or_default()),
                false => part.to_owned(),
            }
        })
        .collect()
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '.' | '+')
}

#[cfg(test)]
mod tests;
