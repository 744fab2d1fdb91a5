//! Values that say the same and are written otherwise.

use retake_model::{DiffKind, Difference, Place, TokenKind, Value};

use crate::made::{Instant, Near, whole_token};

/// In which way a value is written otherwise. Where all values of several places are written so,
/// that is one change, whatever the names of the places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Rewritten {
    /// A text has the same letters in lower case.
    Lower,
    /// Or in capitals.
    Upper,
    /// A number that stood in a text is a number now.
    Number,
    /// The other way round.
    Text,
    /// A number has fewer digits, or those that it had not when it was recorded.
    Digits,
    /// A moment, or a day, is written in that form: `0-0-0a0:0:0a`.
    Moment(String),
    /// A value stands in an object with these fields.
    Object(String),
}

impl Rewritten {
    /// What happened, after the place.
    pub(super) fn told(&self) -> &'static str {
        match self {
            Rewritten::Lower => "texts are in lower case",
            Rewritten::Upper => "texts are in capitals",
            Rewritten::Number => "numbers in texts became numbers",
            Rewritten::Text => "numbers became texts",
            Rewritten::Digits => "numbers are rounded otherwise",
            Rewritten::Moment(_) => "moments are written in another form",
            Rewritten::Object(_) => "values stand in objects",
        }
    }
}

/// The way in which a changed value of a response is written otherwise; none where it says
/// something else.
pub(super) fn rewritten(difference: &Difference) -> Option<Rewritten> {
    if !matches!(difference.kind, DiffKind::Changed | DiffKind::TypeChanged)
        || !matches!(difference.place, Place::Response(_))
    {
        return None;
    }
    match (
        difference.baseline.as_ref()?,
        difference.candidate.as_ref()?,
    ) {
        (Value::String(a), Value::String(b)) => of_texts(a, b),
        (Value::String(a), Value::Number(b)) => {
            let is_same = is_decimal(a) && same_number(a, b.as_str());
            let number = is_same.then_some(Rewritten::Number);
            number.or_else(|| moment(a, b.as_str()))
        }
        (Value::Number(a), Value::String(b)) => {
            let is_same = is_decimal(b) && same_number(a.as_str(), b);
            is_same.then_some(Rewritten::Text)
        }
        (Value::Number(a), Value::Number(b)) => digits(a.as_str(), b.as_str()),
        (held @ (Value::String(_) | Value::Number(_)), Value::Map(fields)) => {
            let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            let holds = fields.iter().any(|(_, value)| value == held);
            holds.then(|| Rewritten::Object(names.join(", ")))
        }
        _ => None,
    }
}

fn of_texts(a: &str, b: &str) -> Option<Rewritten> {
    if a.to_lowercase() == b && a.to_lowercase() != a {
        return Some(Rewritten::Lower);
    }
    if a.to_uppercase() == b && a.to_uppercase() != a {
        return Some(Rewritten::Upper);
    }
    digits(a, b).or_else(|| moment(a, b))
}

/// Whether two decimal numbers are one that was rounded to other digits: the one with fewer of
/// them is within a unit of its last one from the other. Whole numbers count things, and are never
/// taken for it.
fn digits(a: &str, b: &str) -> Option<Rewritten> {
    if !is_decimal(a) || !is_decimal(b) {
        return None;
    }
    let fraction = |text: &str| {
        let (_, fraction) = text.split_once('.').unwrap_or((text, ""));
        fraction.trim_end_matches('0').len()
    };
    let (of_a, of_b) = (fraction(a), fraction(b));
    // A tenth may be a round one: `19.96` and `20.00`.
    let fewer = of_a.min(of_b).max(1);
    let has_point = a.contains('.') && b.contains('.');
    let is_coarser = has_point && of_a != of_b;
    let (x, y) = (scaled(a)?, scaled(b)?);
    let unit = 10_i128.checked_pow(u32::try_from(PLACES.checked_sub(fewer)?).ok()?)?;
    (x == y || is_coarser && (x - y).abs() < unit).then_some(Rewritten::Digits)
}

fn same_number(a: &str, b: &str) -> bool {
    scaled(a).is_some_and(|a| scaled(b) == Some(a))
}

/// The most digits after the point that are looked at.
const PLACES: usize = 12;

/// A decimal number as a count of its twelfth digits.
fn scaled(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > PLACES {
        return None;
    }
    let all = format!("{whole}{fraction:0<PLACES$}");
    let number: i128 = all.parse().ok()?;
    Some(if text.starts_with('-') {
        -number
    } else {
        number
    })
}

/// Whether a text is a number without an exponent.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 20 && all(whole) && all(fraction)
}

/// Whether a moment is the same one in another form: it is the same instant, or has the digits of
/// the same year, month and day.
fn moment(a: &str, b: &str) -> Option<Rewritten> {
    if whole_token(a, Near::default()) != Some(TokenKind::Timestamp) || written_alike(a, b) {
        return None;
    }
    let read = |kind, text: &str| Some(Instant::read(kind, text)?.at);
    let at = read(TokenKind::Timestamp, a)?;
    let kinds = [
        TokenKind::Timestamp,
        TokenKind::EpochSeconds,
        TokenKind::EpochMillis,
    ];
    let second = |at: i128| at.div_euclid(1_000_000_000);
    let same = kinds
        .into_iter()
        .any(|kind| read(kind, b).is_some_and(|b| second(b) == second(at)));
    (same || shows_day(a, b)).then(|| Rewritten::Moment(form(b)))
}

/// Whether two texts have digits, and all else that is no letter, at the same places.
fn written_alike(a: &str, b: &str) -> bool {
    let mark = |c: char| if c.is_ascii_digit() { '0' } else { c };
    a.chars().map(mark).eq(b.chars().map(mark))
}

/// Whether a text shows the day with which a moment begins, in whatever order and with whatever
/// between its numbers; the month may be a word.
fn shows_day(moment: &str, text: &str) -> bool {
    let Some((year, rest)) = moment.get(..10).and_then(|day| day.split_once('-')) else {
        return false;
    };
    let Some((month, day)) = rest.split_once('-') else {
        return false;
    };
    if text.contains(&format!("{year}{month}{day}")) {
        return true;
    }
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    let mut numbers: Vec<u32> = numbers.filter_map(|digits| digits.parse().ok()).collect();
    let mut takes = |digits: &str| {
        let wanted: Option<u32> = digits.parse().ok();
        let at = wanted.and_then(|wanted| numbers.iter().position(|number| *number == wanted));
        at.map(|at| numbers.remove(at)).is_some()
    };
    let has_word = text
        .split(|c: char| !c.is_alphabetic())
        .any(|word| word.len() >= 3);
    (takes(year) || year.get(2..).is_some_and(&mut takes))
        && takes(day)
        && (has_word || takes(month))
}

/// A text with `0` for numbers and `a` for words.
fn form(text: &str) -> String {
    let mut form = String::new();
    for c in text.chars().take(64) {
        let mark = match c {
            '0'..='9' => '0',
            c if c.is_alphabetic() => 'a',
            other => other,
        };
        if !(form.ends_with(mark) && matches!(mark, '0' | 'a')) {
            form.push(mark);
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use retake_model::{Blame, Number, Path};

    use super::*;

    fn of(baseline: Value, candidate: Value) -> Option<Rewritten> {
        rewritten(&Difference {
            place: Place::Response(Path::root().key("body")),
            kind: DiffKind::Changed,
            baseline: Some(baseline),
            candidate: Some(candidate),
            detail: None,
            blame: Blame::App,
            follows: false,
            cause: 0,
        })
    }

    fn number(text: &str) -> Value {
        Value::Number(Number::parse(text).expect(text))
    }

    #[test]
    fn what_says_the_same_in_another_form_is_told() {
        let check = |a: &str, b: &str, expected: Option<Rewritten>| {
            assert_eq!(of(a.into(), b.into()), expected, "{a} {b}");
        };
        let moment = |form: &str| Some(Rewritten::Moment(form.to_owned()));
        check("OPEN", "open", Some(Rewritten::Lower));
        check("open", "OPEN", Some(Rewritten::Upper));
        check("OPEN", "closed", None);
        check("67.85", "67.80", Some(Rewritten::Digits));
        check("67.85", "67.9", Some(Rewritten::Digits));
        check("67.8", "67.85", Some(Rewritten::Digits));
        check("67.85", "67.8500", Some(Rewritten::Digits));
        check("67.85", "67.95", None);
        check("67.85", "67.7", None);
        check("1.05", "1.00", Some(Rewritten::Digits));
        check("19.99", "21.00", None);
        check("19.99", "20", None);
        check("7", "8", None);
        let day = "2026-03-01T10:20:30+00:00";
        check(day, "01.03.2026 10:20:30", moment("0.0.0 0:0:0"));
        check(day, "2026-03-01T10:20:30Z", moment("0-0-0a0:0:0a"));
        check(
            day,
            "2026-03-01T10:20:30.000+00:00",
            moment("0-0-0a0:0:0.0+0:0"),
        );
        check(day, "1 Mar 2026", moment("0 a 0"));
        check(day, "20260301", moment("0"));
        check(day, "03.03.2026 10:20:30", None);
        check(day, "2026-03-02T10:20:30Z", None);
        check(day, "2026-03-01T11:20:30+00:00", None);
    }

    #[test]
    fn numbers_and_texts_of_the_same_number_are_told() {
        let text = |text: &str| Value::from(text);
        assert_eq!(of(text("36.85"), number("36.85")), Some(Rewritten::Number));
        assert_eq!(of(text("11.50"), number("11.5")), Some(Rewritten::Number));
        assert_eq!(of(number("11.5"), text("11.50")), Some(Rewritten::Text));
        assert_eq!(of(text("36.85"), number("36.84")), None);
        assert_eq!(of(number("3"), number("4")), None);
        let object = |amount: Value| Value::map([("amount", amount), ("unit", text("EUR"))]);
        let held = Rewritten::Object("amount, unit".to_owned());
        assert_eq!(of(text("1.50"), object(text("1.50"))), Some(held));
        assert_eq!(of(text("1.50"), object(text("1.60"))), None);
        let day = "2026-03-01T10:20:30Z";
        let seconds = Rewritten::Moment("0".to_owned());
        assert_eq!(of(text(day), number("1772360430")), Some(seconds));
    }
}
