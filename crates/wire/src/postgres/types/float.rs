//! Floating point in the shortest digits that give the same number back, as PostgreSQL writes it
//! since version 12 (`double_to_shortest_decimal_buf`, src/common/d2s.c, and f2s.c).

/// A finite number as `mantissa * 2^exponent`.
struct Binary {
    mantissa: u64,
    exponent: i32,
    /// The number is a power of two: the numbers below it lie twice as close.
    is_power: bool,
}

macro_rules! float {
    ($text:ident, $binary:ident, $t:ty, $mantissa_bits:literal, $wide:literal) => {
        pub(super) fn $text(binary: &[u8]) -> Option<String> {
            let number = <$t>::from_be_bytes(binary.try_into().ok()?);
            if number.is_nan() {
                return Some("NaN".to_owned());
            }
            if number.is_infinite() {
                let text = if number < 0.0 {
                    "-Infinity"
                } else {
                    "Infinity"
                };
                return Some(text.to_owned());
            }
            let bits = u64::from(number.abs().to_bits());
            let (field, fraction) = (bits >> $mantissa_bits, bits & ((1 << $mantissa_bits) - 1));
            let implied = if field == 0 { 0 } else { 1 << $mantissa_bits };
            let bias = <$t>::MIN_EXP - 2 - $mantissa_bits;
            let parts = Binary {
                mantissa: fraction | implied,
                exponent: i32::try_from(field.max(1)).ok()? + bias,
                is_power: fraction == 0 && field > 1,
            };
            let shortest = format!("{number:e}");
            let digits = shortest.bytes().take_while(|b| *b != b'e');
            let after = digits.filter(u8::is_ascii_digit).count().saturating_sub(1);
            let good = |text: &String| {
                text.parse::<$t>().ok() == Some(number) && !parts.has_midpoint(text)
            };
            // The nearest with so many digits (ties to even), unless it lies outside of what
            // reads as this number (below a power of two), else with more digits. 17 give any
            // number back.
            let nearest = |after: usize| format!("{number:.after$e}");
            let longer = (after.saturating_add(1)..=16).map(nearest);
            let mut all = [nearest(after), shortest].into_iter().chain(longer);
            layout(&all.find(good)?, $wide)
        }

        pub(super) fn $binary(text: &str) -> Option<Vec<u8>> {
            let number = match text {
                "NaN" => <$t>::NAN,
                "Infinity" => <$t>::INFINITY,
                "-Infinity" => <$t>::NEG_INFINITY,
                // Rust also reads `inf`, `infinity` and `nan`, which are no output of a server.
                _ if text.bytes().any(|b| b.is_ascii_alphabetic() && b != b'e') => return None,
                _ => text.parse().ok().filter(|number: &$t| number.is_finite())?,
            };
            Some(number.to_be_bytes().to_vec())
        }
    };
}
float!(float4_text, float4_binary, f32, 23, 6);
float!(float8_text, float8_binary, f64, 52, 15);

impl Binary {
    /// Whether a decimal lies exactly between this number and a neighbour. Reading it back
    /// depends on the reader's way of rounding, so a server never writes one.
    fn has_midpoint(&self, decimal: &str) -> bool {
        let Some((mantissa, exponent)) = decimal.split_once('e') else {
            return false;
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: String = [whole.trim_start_matches('-'), fraction].concat();
        let (Ok(digits), Ok(exponent), Ok(scale)) = (
            digits.parse::<u128>(),
            exponent.parse::<i32>(),
            i32::try_from(fraction.len()),
        ) else {
            return false;
        };
        let Some(decimal) = odd_part(digits, exponent - scale) else {
            return false;
        };
        let mantissa = u128::from(self.mantissa);
        let below = if self.is_power {
            (4 * mantissa - 1, self.exponent - 2)
        } else {
            ((2 * mantissa).saturating_sub(1), self.exponent - 1)
        };
        decimal == (2 * mantissa + 1, self.exponent - 1) || decimal == below
    }
}

/// `digits * 10^exponent` as an odd number times a power of two; none where it is no such
/// number, or one of more than 128 bits (no midpoint has more than 55).
fn odd_part(digits: u128, exponent: i32) -> Option<(u128, i32)> {
    if digits == 0 {
        return None;
    }
    let twos = digits.trailing_zeros();
    let odd = digits >> twos;
    let fives = 5_u128.checked_pow(exponent.unsigned_abs())?;
    let odd = if exponent >= 0 {
        odd.checked_mul(fives)?
    } else {
        odd.is_multiple_of(fives).then_some(odd / fives)?
    };
    Some((odd, i32::try_from(twos).ok()?.checked_add(exponent)?))
}

/// Digits as a server lays them out: with an exponent where that is below -4 or at least `wide`.
fn layout(scientific: &str, wide: i32) -> Option<String> {
    let (mantissa, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    if digits == "0" {
        return Some(format!("{sign}0"));
    }
    if exponent < -4 || exponent >= wide {
        let e = if exponent < 0 { '-' } else { '+' };
        let size = exponent.unsigned_abs();
        return Some(format!("{sign}{mantissa}e{e}{size:02}"));
    }
    let Ok(whole) = usize::try_from(exponent) else {
        let leading = usize::try_from(exponent.unsigned_abs()).ok()?;
        let zeros = "0".repeat(leading.saturating_sub(1));
        return Some(format!("{sign}0.{zeros}{digits}"));
    };
    let whole = whole.saturating_add(1);
    match digits.split_at_checked(whole) {
        Some((all, "")) => Some(format!("{sign}{all}")),
        Some((front, back)) => Some(format!("{sign}{front}.{back}")),
        None => {
            let zeros = "0".repeat(whole.saturating_sub(digits.len()));
            Some(format!("{sign}{digits}{zeros}"))
        }
    }
}
