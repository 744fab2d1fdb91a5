//! Geometry: numbers of 8 bytes with brackets around them
//! (src/backend/utils/adt/geo_ops.c).

use super::cursor::Cursor;
use super::float::{float8_binary, float8_text};

/// What stands around the numbers of a type: `(x,y)` and the like.
pub(super) struct Shape {
    open: &'static str,
    close: &'static str,
    /// How many numbers there are before the rest, which stand in pairs.
    pairs: usize,
    /// How many numbers stand behind the pairs.
    singles: usize,
}

pub(super) const POINT: Shape = shape("", "", 1, 0);
pub(super) const LSEG: Shape = shape("[", "]", 2, 0);
pub(super) const BOX: Shape = shape("", "", 2, 0);
pub(super) const LINE: Shape = shape("{", "}", 0, 3);
pub(super) const CIRCLE: Shape = shape("<", ">", 1, 1);

const fn shape(open: &'static str, close: &'static str, pairs: usize, singles: usize) -> Shape {
    Shape {
        open,
        close,
        pairs,
        singles,
    }
}

pub(super) fn to_text(shape: &Shape, binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let mut parts = points(&mut cursor, shape.pairs)?;
    for _ in 0..shape.singles {
        parts.push(float8_text(cursor.take(8)?)?);
    }
    cursor.end()?;
    Some(format!("{}{}{}", shape.open, parts.join(","), shape.close))
}

pub(super) fn to_binary(shape: &Shape, text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix(shape.open)?.strip_suffix(shape.close)?;
    let (pairs, singles) = read(inner)?;
    let fits = pairs.len() == shape.pairs && singles.len() == shape.singles;
    fits.then(|| [pairs.concat(), singles.concat()].concat())
}

/// A path: whether it is closed, the count of its points, the points.
pub(super) fn path_text(binary: &[u8]) -> Option<String> {
    let (closed, points) = binary.split_first()?;
    let inner = polygon_inner(points)?;
    match closed {
        0 => Some(format!("[{inner}]")),
        1 => Some(format!("({inner})")),
        _ => None,
    }
}

pub(super) fn path_binary(text: &str) -> Option<Vec<u8>> {
    let (closed, inner) = match text.strip_prefix('[') {
        Some(rest) => (0, rest.strip_suffix(']')?),
        None => (1, text.strip_prefix('(')?.strip_suffix(')')?),
    };
    Some([vec![closed], counted(inner)?].concat())
}

/// A polygon: the count of its points, the points.
pub(super) fn polygon_text(binary: &[u8]) -> Option<String> {
    Some(format!("({})", polygon_inner(binary)?))
}

pub(super) fn polygon_binary(text: &str) -> Option<Vec<u8>> {
    counted(text.strip_prefix('(')?.strip_suffix(')')?)
}

fn polygon_inner(binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let count = usize::try_from(cursor.i32()?).ok()?;
    if count > cursor.left() / 16 {
        return None;
    }
    let points = points(&mut cursor, count)?;
    cursor.end()?;
    Some(points.join(","))
}

fn counted(inner: &str) -> Option<Vec<u8>> {
    let (points, singles) = read(inner)?;
    let count = i32::try_from(points.len()).ok()?.to_be_bytes().to_vec();
    singles
        .is_empty()
        .then(|| [count, points.concat()].concat())
}

fn points(cursor: &mut Cursor<'_>, count: usize) -> Option<Vec<String>> {
    let mut points = Vec::new();
    for _ in 0..count {
        let x = float8_text(cursor.take(8)?)?;
        let y = float8_text(cursor.take(8)?)?;
        points.push(format!("({x},{y})"));
    }
    Some(points)
}

/// Points and numbers in binary.
type Numbers = (Vec<Vec<u8>>, Vec<Vec<u8>>);

/// Reads points, then single numbers, with commas between them.
fn read(inner: &str) -> Option<Numbers> {
    let (mut pairs, mut singles) = (Vec::new(), Vec::new());
    let mut rest = inner;
    loop {
        if let Some(point) = rest.strip_prefix('(') {
            let (numbers, behind) = point.split_once(')')?;
            let (x, y) = numbers.split_once(',')?;
            pairs.push([float8_binary(x)?, float8_binary(y)?].concat());
            // A point behind a single number would be another type's.
            singles.is_empty().then_some(())?;
            rest = behind;
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let (number, behind) = rest.split_at_checked(end)?;
            singles.push(float8_binary(number)?);
            rest = behind;
        }
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None if rest.is_empty() => return Some((pairs, singles)),
            None => return None,
        }
    }
}
