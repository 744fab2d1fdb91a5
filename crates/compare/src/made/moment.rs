//! Moments as text: RFC 3339, HTTP dates, and what databases write.

/// Seconds of a day.
pub(super) const DAY: i128 = 86_400;

/// Nanoseconds of a second.
pub(super) const SECOND: i128 = 1_000_000_000;

/// The length of the moment that the bytes begin with: `2026-03-01T10:20:30.5Z`, `2026-03-01
/// 10:20:30+00`, `20260301T102030Z`; also with `:` and `+` as they stand in a URL (`%3A`, `%2B`).
pub(super) fn written(bytes: &[u8]) -> Option<usize> {
    read(bytes).map(|moment| moment.length)
}

/// The length of an HTTP date (RFC 9110, section 5.6.7), `Sun, 01 Mar 2026 10:20:30 GMT`, or of one of
/// mails and feeds (RFC 5322, section 3.3): with `UTC` or `+0100` in its place.
pub(super) fn http_date(bytes: &[u8]) -> Option<usize> {
    read_http(bytes).map(|date| date.length)
}

/// The seconds since 1970 of a moment that is all of the text; a time without a zone is taken as
/// UTC.
pub(super) fn seconds_of(text: &str) -> Option<i128> {
    instant_of(text).map(|(nanos, _)| nanos.div_euclid(SECOND))
}

/// The nanoseconds since 1970 of a moment that is all of the text, and how many of them its last
/// digit stands for; a time without a zone is taken as UTC.
pub(super) fn instant_of(text: &str) -> Option<(i128, i128)> {
    let bytes = text.as_bytes();
    match read(bytes) {
        Some(moment) if moment.length == bytes.len() => Some((
            moment.seconds * SECOND + moment.fraction.0,
            moment.fraction.1,
        )),
        _ => match read_http(bytes) {
            Some(date) => Some((date.seconds * SECOND, SECOND)),
            None => Some((midnight_of(text)? * SECOND, DAY * SECOND)),
        },
    }
}

/// The second since 1970 in which a moment is, written as a text or as a count.
pub(super) fn second_of(text: &str) -> Option<i128> {
    let whole = text.split('.').next().unwrap_or(text);
    let per_second = match whole.len() {
        _ if !whole.bytes().all(|b| b.is_ascii_digit()) => return seconds_of(text),
        10 => 1,
        13 => 1_000,
        16 => 1_000_000,
        _ => return None,
    };
    whole.parse::<i128>().ok().map(|count| count / per_second)
}

/// Whether a moment is told to the second alone: then a service may make many that are written
/// alike.
pub(super) fn is_whole_second(text: &str) -> bool {
    let count = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit());
    let is_date = || read_http(text.as_bytes()).is_some();
    let told_finer = || text.contains('.') || text.contains(',') && !is_date();
    count || text.len() > 10 && seconds_of(text).is_some() && !told_finer()
}

/// The digits behind the point as nanoseconds, and how many of these the last one stands for.
pub(super) fn fraction_of(digits: &[u8]) -> (i128, i128) {
    let digits = digits.iter().take(9);
    digits.fold((0, SECOND), |(nanos, unit), digit| {
        let unit = unit / 10;
        (nanos + i128::from(digit.saturating_sub(b'0')) * unit, unit)
    })
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar.
pub(crate) fn civil(day: i128) -> (i128, i128, i128) {
    // Years begin in March, so that the leap day is the last one.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12 + 1;
    (year + era * 400 + i128::from(month <= 2), month, of_month)
}

/// The seconds since 1970 of a date that is all of the text: `2026-03-01`.
pub(super) fn midnight_of(text: &str) -> Option<i128> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
    };
    let (year, month, day) = reader.date(true)?;
    (reader.at == text.len()).then(|| days(year, month, day) * DAY)
}

/// A number for the way in which a moment is written: what stands between date and time, how the
/// zone is told, and which it is. The digits after the second do not count: writers drop trailing
/// zeros.
pub(super) fn style(text: &str) -> u64 {
    let bytes = text.as_bytes();
    if let Some(date) = read_http(bytes) {
        return date.style;
    }
    read(bytes).map_or(0, |moment| moment.style)
}

struct Moment {
    length: usize,
    seconds: i128,
    /// Nanoseconds after that, and how many of them the last digit stands for.
    fraction: (i128, i128),
    style: u64,
}

/// A date with the names of its day and month.
struct Named {
    length: usize,
    seconds: i128,
    /// How the zone is told.
    style: u64,
}

fn read(bytes: &[u8]) -> Option<Moment> {
    let mut reader = Reader { bytes, at: 0 };
    let spaced = bytes.get(4) == Some(&b'-');
    let (year, month, day) = reader.date(spaced)?;
    let mut style = if spaced { 2 } else { 4 };
    if reader.any(&[b"T", b"t"]).is_some() {
        style += 1;
    } else {
        reader.any(&[b" ", b"+", b"%20"]).filter(|_| spaced)?;
    }
    let hour = reader.digits(2)?;
    if spaced {
        reader.colon()?;
    }
    let minute = reader.digits(2)?;
    if spaced {
        reader.colon()?;
    }
    let second = reader.digits(2)?;
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let fraction = reader.fraction();
    let (zone, offset) = reader.zone();
    Some(Moment {
        length: reader.at,
        seconds: days(year, month, day) * DAY + i128::from(hour * 3600 + minute * 60 + second)
            - i128::from(offset),
        fraction,
        // An offset is less than two days; a writer's zone is the same in every run.
        style: u64::try_from(offset + 1_000_000).unwrap_or_default() << 8
            | (style * 4 + u64::from(zone)),
    })
}

fn read_http(bytes: &[u8]) -> Option<Named> {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let mut reader = Reader { bytes, at: 0 };
    reader.any(&WEEKDAYS)?;
    reader.any(&[b", "])?;
    let day = reader.digits(2)?;
    reader.any(&[b" ", b"-"])?;
    let month = u32::try_from(reader.any(&MONTHS)?).ok()? + 1;
    reader.any(&[b" ", b"-"])?;
    let year = reader.digits(4)?;
    reader.any(&[b" "])?;
    let hour = reader.digits(2)?;
    reader.any(&[b":"])?;
    let minute = reader.digits(2)?;
    reader.any(&[b":"])?;
    let second = reader.digits(2)?;
    let (zone, ahead) = match reader.any(&[b" GMT", b" UTC", b" +", b" -"])? {
        zone @ (0 | 1) => (zone, 0),
        sign => {
            let (hours, minutes) = (reader.digits(2)?, reader.digits(2)?);
            let ahead = i128::from(hours * 3600 + minutes * 60);
            (2, if sign == 2 { ahead } else { -ahead })
        }
    };
    let time = i128::from(hour * 3600 + minute * 60 + second);
    Some(Named {
        length: reader.at,
        seconds: days(year, month, day) * DAY + time - ahead,
        style: u64::try_from(zone).ok()? << 8 | 1,
    })
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn digits(&mut self, count: usize) -> Option<u32> {
        let end = self.at.checked_add(count)?;
        let number = self
            .bytes
            .get(self.at..end)?
            .iter()
            .try_fold(0u32, |n, b| Some(n * 10 + char::from(*b).to_digit(10)?))?;
        self.at = end;
        Some(number)
    }

    /// Steps over the first of the words that stands here, and tells which it was.
    fn any(&mut self, words: &[&[u8]]) -> Option<usize> {
        let rest = self.bytes.get(self.at..)?;
        let found = words.iter().position(|word| rest.starts_with(word))?;
        self.at += words.get(found)?.len();
        Some(found)
    }

    fn colon(&mut self) -> Option<usize> {
        self.any(&[b":", b"%3A", b"%3a"])
    }

    fn date(&mut self, hyphens: bool) -> Option<(u32, u32, u32)> {
        let year = self.digits(4)?;
        if hyphens {
            self.any(&[b"-"])?;
        }
        let month = self.digits(2)?;
        if hyphens {
            self.any(&[b"-"])?;
        }
        let day = self.digits(2)?;
        let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && year > 0;
        valid.then_some((year, month, day))
    }

    /// Steps over `.` (or `,`) and at least one digit, where they stand here; what they say, as
    /// [`fraction_of`] does.
    fn fraction(&mut self) -> (i128, i128) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if let [b'.' | b',', digits @ ..] = rest {
            let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
            if count > 0 {
                self.at += count + 1;
                return fraction_of(digits.get(..count).unwrap_or_default());
            }
        }
        (0, SECOND)
    }

    /// Steps over the zone, where one stands here: how it is told, and its seconds east.
    fn zone(&mut self) -> (u8, i64) {
        if self.any(&[b"Z", b"z"]).is_some() {
            return (1, 0);
        }
        let start = self.at;
        // A space is what is left of a plus sign in a URL; it is not read as one.
        let Some(sign) = self.any(&[b"+", b"-", b"%2B", b"%2b"]) else {
            return (0, 0);
        };
        let Some(hours) = self.digits(2).filter(|h| *h <= 15) else {
            self.at = start;
            return (0, 0);
        };
        let before_minutes = self.at;
        let _ = self.colon();
        let minutes = match self.digits(2).filter(|m| *m <= 59) {
            Some(minutes) => minutes,
            None => {
                self.at = before_minutes;
                0
            }
        };
        let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
        (2, if sign == 1 { -seconds } else { seconds })
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days(year: u32, month: u32, day: u32) -> i128 {
    // Years begin in March, so that the leap day is the last one.
    let year = i128::from(year) - i128::from(month <= 2);
    let month = i128::from((month + 9) % 12);
    let of_year = (153 * month + 2) / 5 + i128::from(day) - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_counted_as_the_calendar_does() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-03-01T10:20:30.5+01:00", 1_772_356_830),
            ("2026-03-01 09:20:30", 1_772_356_830),
            ("20260301T092030Z", 1_772_356_830),
            ("Sun, 01 Mar 2026 09:20:30 GMT", 1_772_356_830),
            ("Sun, 01 Mar 2026 09:20:30 UTC", 1_772_356_830),
            ("Sun, 01 Mar 2026 11:20:30 +0200", 1_772_356_830),
            ("Sun, 01 Mar 2026 04:50:30 -0430", 1_772_356_830),
        ] {
            assert_eq!(seconds_of(text), Some(expected), "{text}");
        }
        assert_eq!(midnight_of("2026-03-01"), Some(1_772_323_200));
        assert_eq!(midnight_of("2026-13-01"), None);
    }

    #[test]
    fn a_moment_told_to_the_second_is_told_from_finer_ones() {
        for (text, whole) in [
            ("Sun, 01 Mar 2026 09:20:30 GMT", true),
            ("Sun, 01 Mar 2026 09:20:30 UTC", true),
            ("2026-03-01T09:20:30Z", true),
            ("1772356830", true),
            ("2026-03-01T09:20:30.5Z", false),
            ("1772356830.5", false),
            ("1772356830500", false),
        ] {
            assert_eq!(is_whole_second(text), whole, "{text}");
            assert_eq!(second_of(text), Some(1_772_356_830), "{text}");
        }
        assert!(!is_whole_second("2026-03-01"));
    }

    #[test]
    fn days_are_told_as_the_calendar_does() {
        for (text, expected) in [
            ("1970-01-01", (1970, 1, 1)),
            ("2000-02-29", (2000, 2, 29)),
            ("2026-03-01", (2026, 3, 1)),
            ("2026-12-31", (2026, 12, 31)),
        ] {
            let day = midnight_of(text).map(|seconds| seconds / DAY);
            assert_eq!(day.map(civil), Some(expected));
        }
    }

    #[test]
    fn the_last_digit_tells_how_exact_a_moment_is() {
        for (text, expected) in [
            ("1970-01-01T00:00:01.25Z", (1_250_000_000, 10_000_000)),
            ("1970-01-01T00:00:01Z", (SECOND, SECOND)),
            ("1970-01-02", (DAY * SECOND, DAY * SECOND)),
        ] {
            assert_eq!(instant_of(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_style_is_that_of_separator_and_zone() {
        assert_eq!(
            style("2026-03-01T09:20:30Z"),
            style("2026-03-01T09:20:30.123Z")
        );
        assert_ne!(style("2026-03-01T09:20:30Z"), style("2026-03-01 09:20:30Z"));
        assert_ne!(
            style("2026-03-01T09:20:30Z"),
            style("2026-03-01T09:20:30+00:00")
        );
        assert_ne!(style("2026-03-01T09:20:30Z"), style("2026-03-01T09:20:30"));
        assert_ne!(
            style("2026-03-01T09:20:30+00:00"),
            style("2026-03-01T11:20:30+02:00")
        );
    }
}
