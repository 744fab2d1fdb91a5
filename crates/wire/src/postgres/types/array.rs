//! Arrays: `{1,NULL,"a b"}`, several dimensions, lower bounds
//! (`array_send` and `array_out`, src/backend/utils/adt/arrayfuncs.c).

use super::cursor::{Cursor, put_field};
use super::{to_binary, to_text};

/// Dimensions at most (`MAXDIM`).
const MAX_DIMENSIONS: usize = 6;
/// `box` alone separates its elements by another character.
const BOX: u32 = 603;

/// One dimension: how many, and the index of the first.
#[derive(Clone, Copy, PartialEq)]
struct Dimension {
    length: usize,
    lower: i32,
}

pub(super) fn array_text(element: u32, binary: &[u8]) -> Option<String> {
    let (dimensions, fields) = read_binary(element, binary)?;
    let mut items = Vec::new();
    for field in fields {
        items.push(match field {
            None => "NULL".to_owned(),
            Some(field) => quoted(to_text(element, field)?, separator(element)),
        });
    }
    if dimensions.is_empty() {
        return Some("{}".to_owned());
    }
    let mut text = String::new();
    if dimensions.iter().any(|d| d.lower != 1) {
        for d in &dimensions {
            let upper = i64::from(d.lower) + i64::try_from(d.length).ok()? - 1;
            text.push_str(&format!("[{}:{upper}]", d.lower));
        }
        text.push('=');
    }
    let separator = separator(element).to_string();
    // The innermost dimension first: each step joins `length` neighbours.
    for d in dimensions.iter().rev() {
        items = items
            .chunks(d.length)
            .map(|inner| format!("{{{}}}", inner.join(&separator)))
            .collect();
    }
    text.push_str(items.first()?);
    Some(text)
}

/// `int2vector` and `oidvector`: arrays from index 0 whose text is the elements with spaces.
pub(super) fn vector_text(element: u32, binary: &[u8]) -> Option<String> {
    let (dimensions, fields) = read_binary(element, binary)?;
    let plain = match dimensions.as_slice() {
        [] => true,
        [d] => d.lower == 0,
        _ => false,
    };
    if !plain {
        return None;
    }
    let items: Option<Vec<String>> = fields.iter().map(|f| to_text(element, (*f)?)).collect();
    Some(items?.join(" "))
}

pub(super) fn vector_binary(element: u32, text: &str) -> Option<Vec<u8>> {
    let items: Vec<Option<String>> = text
        .split(' ')
        .filter(|item| !item.is_empty())
        .map(|item| Some(item.to_owned()))
        .collect();
    // A vector has its one dimension also when it is empty.
    let dimension = Dimension {
        length: items.len(),
        lower: 0,
    };
    write_binary(element, &[dimension], &items)
}

pub(super) fn array_binary(element: u32, text: &str) -> Option<Vec<u8>> {
    let (bounds, body) = match text.strip_prefix('[') {
        Some(_) => {
            let (bounds, body) = text.split_once('=')?;
            (Some(read_bounds(bounds)?), body)
        }
        None => (None, text),
    };
    let mut reader = Reader {
        rest: body,
        separator: separator(element),
        lengths: Vec::new(),
        innermost: None,
        items: Vec::new(),
    };
    reader.level(0)?;
    reader.rest.is_empty().then_some(())?;
    if reader.items.is_empty() {
        let empty = reader.lengths == [0] && bounds.is_none();
        return empty.then(|| write_binary(element, &[], &[]))?;
    }
    let lowers = bounds.unwrap_or_else(|| {
        let plain = |length: &usize| Dimension {
            length: *length,
            lower: 1,
        };
        reader.lengths.iter().map(plain).collect()
    });
    let fits = lowers
        .iter()
        .map(|d| d.length)
        .eq(reader.lengths.iter().copied());
    fits.then(|| write_binary(element, &lowers, &reader.items))?
}

/// The dimensions of an array, and its elements in their order.
type Parts<'a> = (Vec<Dimension>, Vec<Option<&'a [u8]>>);

fn separator(element: u32) -> char {
    if element == BOX { ';' } else { ',' }
}

fn read_binary(element: u32, binary: &[u8]) -> Option<Parts<'_>> {
    let mut cursor = Cursor::new(binary);
    let count = usize::try_from(cursor.i32()?).ok()?;
    let flags = cursor.i32()?;
    let of = cursor.u32()?;
    if count > MAX_DIMENSIONS || !matches!(flags, 0 | 1) || of != element {
        return None;
    }
    let mut dimensions = Vec::new();
    let mut total = usize::from(count > 0);
    for _ in 0..count {
        let (length, lower) = (usize::try_from(cursor.i32()?).ok()?, cursor.i32()?);
        // The last index must be a number of its type; each element takes 4 bytes at least.
        i64::from(lower)
            .checked_add(i64::try_from(length).ok()?)
            .filter(|end| *end <= i64::from(i32::MAX))?;
        total = total
            .checked_mul(length)
            .filter(|total| *total <= cursor.left() / 4)?;
        dimensions.push(Dimension { length, lower });
    }
    let mut fields = Vec::with_capacity(total);
    for _ in 0..total {
        fields.push(cursor.field()?);
    }
    cursor.end()?;
    if total == 0 {
        // Only a vector is sent with a dimension of no elements; as text both are alike.
        dimensions.retain(|_| false);
    }
    Some((dimensions, fields))
}

fn write_binary(
    element: u32,
    dimensions: &[Dimension],
    items: &[Option<String>],
) -> Option<Vec<u8>> {
    let mut out = i32::try_from(dimensions.len()).ok()?.to_be_bytes().to_vec();
    let nulls = i32::from(items.iter().any(Option::is_none));
    out.extend(nulls.to_be_bytes());
    out.extend(element.to_be_bytes());
    for d in dimensions {
        out.extend(i32::try_from(d.length).ok()?.to_be_bytes());
        out.extend(d.lower.to_be_bytes());
    }
    for item in items {
        match item {
            None => put_field(&mut out, None)?,
            Some(text) => put_field(&mut out, Some(&to_binary(element, text)?))?,
        }
    }
    Some(out)
}

/// `[0:2][1:3]`: the bounds of each dimension.
fn read_bounds(text: &str) -> Option<Vec<Dimension>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner
        .split("][")
        .map(|pair| {
            let (lower, upper) = pair.split_once(':')?;
            let lower: i32 = lower.parse().ok()?;
            let upper: i32 = upper.parse().ok()?;
            let length = i64::from(upper) - i64::from(lower) + 1;
            Some(Dimension {
                length: usize::try_from(length).ok()?,
                lower,
            })
        })
        .collect()
}

/// Quotes an element where its text could be read otherwise.
fn quoted(text: String, separator: char) -> String {
    let special = |c: char| matches!(c, '"' | '\\' | '{' | '}') || is_space(c);
    let needs = text.is_empty()
        || text.eq_ignore_ascii_case("null")
        || text.chars().any(|c| special(c) || c == separator);
    if !needs {
        return text;
    }
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// `array_isspace`.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Reads the nested braces of an array's text.
struct Reader<'a> {
    rest: &'a str,
    separator: char,
    /// The length of each dimension, once its first member was read to its end.
    lengths: Vec<usize>,
    /// The depth at which the elements stand, once there was one.
    innermost: Option<usize>,
    items: Vec<Option<String>>,
}

impl Reader<'_> {
    /// One pair of braces at a depth, with everything in it.
    fn level(&mut self, depth: usize) -> Option<()> {
        if depth >= MAX_DIMENSIONS {
            return None;
        }
        self.eat('{').then_some(())?;
        let mut count = 0_usize;
        if !self.eat('}') {
            loop {
                if self.rest.starts_with('{') {
                    self.level(depth.checked_add(1)?)?;
                } else {
                    let innermost = *self.innermost.get_or_insert(depth);
                    (innermost == depth).then_some(())?;
                    let item = self.item()?;
                    self.items.push(item);
                }
                count = count.checked_add(1)?;
                if self.eat('}') {
                    break;
                }
                self.eat(self.separator).then_some(())?;
            }
        }
        // Inner dimensions end first: those that are not known yet stand before this one.
        while self.lengths.len() <= depth {
            self.lengths.push(usize::MAX);
        }
        let known = self.lengths.get_mut(depth)?;
        if *known == usize::MAX {
            *known = count;
        }
        (*known == count).then_some(())
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// One element: quoted, or up to the next separator or brace.
    fn item(&mut self) -> Option<Option<String>> {
        if !self.eat('"') {
            let end = self.rest.find([self.separator, '}', '{', '"', '\\'])?;
            let (item, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            return match item {
                "" => None,
                _ if item.eq_ignore_ascii_case("null") => Some(None),
                _ => Some(Some(item.to_owned())),
            };
        }
        let mut item = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => item.push(chars.next()?),
                c => item.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(Some(item))
    }
}
