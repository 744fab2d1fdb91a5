//! Places in a tree, and patterns of places.

use crate::Value;

/// One step into a tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Into the field of that name.
    Key(String),
    /// Into the element of that number, from 0.
    Index(usize),
}

/// A place in a tree, written `response.body.json.items[0].id`. Names that are not made of
/// letters, digits, `_` and `-` are quoted: `response.headers["x.y"]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<Segment>);

impl Path {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// The place below this one with that name.
    pub fn key(&self, name: impl Into<String>) -> Self {
        self.then(Segment::Key(name.into()))
    }

    /// The place below this one with that number.
    pub fn index(&self, number: usize) -> Self {
        self.then(Segment::Index(number))
    }

    /// The place one step below this one.
    pub fn then(&self, segment: Segment) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment);
        Path(segments)
    }

    /// Reads the written form. Wildcards are no part of a path; see [`PathPattern`].
    ///
    /// # Errors
    /// [`PatternError`] with the byte at which the text stops being a path.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let steps = parse(text, usize::MAX)?;
        let mut path = Vec::with_capacity(steps.len());
        for step in steps {
            match step {
                Step::Exactly(segment) => path.push(segment),
                Step::AnyOne | Step::AnyDepth => {
                    return Err(PatternError {
                        at: 0,
                        expected: "a path without wildcards",
                    });
                }
            }
        }
        Ok(Path(path))
    }

    /// The value at this place.
    pub fn find<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0
            .iter()
            .try_fold(root, |value, segment| match segment {
                Segment::Key(name) => value.get(name),
                Segment::Index(number) => value.as_list()?.get(*number),
            })
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(name) if is_bare(name) => {
                    write!(f, "{}{name}", if i == 0 { "" } else { "." })?;
                }
                Segment::Key(name) => write!(f, "[{name:?}]")?,
                Segment::Index(number) => write!(f, "[{number}]")?,
            }
        }
        Ok(())
    }
}

/// A pattern of places: a path in which `*` stands for any one name, `[*]` for any element and
/// `**` for any number of steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Exactly(Segment),
    AnyOne,
    AnyDepth,
}

/// Why a text is no path or no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a path: expected {expected} at byte {at}")]
pub struct PatternError {
    /// The byte at which it stops being one, from 0.
    pub at: usize,
    /// What would have been right there.
    pub expected: &'static str,
}

impl PathPattern {
    /// Reads the written form.
    ///
    /// # Errors
    /// [`PatternError`] with the byte at which the text stops being a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Ok(PathPattern {
            text: text.to_owned(),
            steps: parse(text, MAX_STEPS)?,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern stands for that place.
    pub fn matches(&self, path: &Path) -> bool {
        let end = path
            .0
            .iter()
            .fold(self.start(), |state, segment| match segment {
                Segment::Key(name) => self.enter_key(state, name),
                Segment::Index(number) => self.enter_index(state, *number),
            });
        self.accepts(end)
    }

    /// The state at the root of a tree, for a walk that goes down step by step.
    pub fn start(&self) -> PatternState {
        self.close(1)
    }

    /// The state in the field of that name.
    pub fn enter_key(&self, state: PatternState, name: &str) -> PatternState {
        self.step(
            state,
            |segment| matches!(segment, Segment::Key(key) if key == name),
        )
    }

    /// The state in the element of that number.
    pub fn enter_index(&self, state: PatternState, number: usize) -> PatternState {
        self.step(
            state,
            |segment| matches!(segment, Segment::Index(index) if *index == number),
        )
    }

    /// Whether the pattern stands for the place of that state.
    pub fn accepts(&self, state: PatternState) -> bool {
        state.0 & (1 << self.steps.len()) != 0
    }

    /// One step of the walk: a set of positions in the pattern, so that several `**` cost no more
    /// than one.
    fn step(&self, state: PatternState, is: impl Fn(&Segment) -> bool) -> PatternState {
        let mut next = 0_u64;
        for (i, step) in self.steps.iter().enumerate() {
            if state.0 & (1 << i) == 0 {
                continue;
            }
            next |= match step {
                Step::AnyDepth => 1 << i,
                Step::AnyOne => 1 << (i + 1),
                Step::Exactly(segment) if is(segment) => 1 << (i + 1),
                Step::Exactly(_) => 0,
            };
        }
        self.close(next)
    }

    /// `**` may also stand for no step at all.
    fn close(&self, mut state: u64) -> PatternState {
        for (i, step) in self.steps.iter().enumerate() {
            if *step == Step::AnyDepth && state & (1 << i) != 0 {
                state |= 1 << (i + 1);
            }
        }
        PatternState(state)
    }
}

/// How far a walk down a tree has come in a pattern: which of its steps may be next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatternState(u64);

impl PatternState {
    /// Whether nothing at or below this place can be meant.
    pub fn is_dead(self) -> bool {
        self.0 == 0
    }
}

/// The most steps that a pattern may have: a walk keeps a bit for each.
const MAX_STEPS: usize = 63;

fn is_bare(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Reads at most so many steps.
fn parse(text: &str, most: usize) -> Result<Vec<Step>, PatternError> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let fail = |expected| PatternError { at, expected };
        if steps.len() == most {
            return Err(fail("at most 63 steps"));
        }
        if let Some(inner) = rest.strip_prefix("[\"") {
            let (name, after) = quoted(inner).ok_or_else(|| fail("a quoted name and `\"]`"))?;
            steps.push(Step::Exactly(Segment::Key(name)));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (inside, after) = inner.split_once(']').ok_or_else(|| fail("`]`"))?;
            steps.push(match inside {
                "*" => Step::AnyOne,
                number => Step::Exactly(Segment::Index(
                    number
                        .parse()
                        .map_err(|_| fail("a number or `*` in brackets"))?,
                )),
            });
            rest = after;
        } else {
            let name = match rest.strip_prefix('.') {
                Some(name) if !steps.is_empty() => name,
                None if steps.is_empty() => rest,
                _ => return Err(fail("`.` or `[` between steps")),
            };
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (word, after) = name.split_at(end);
            steps.push(match word {
                "*" => Step::AnyOne,
                "**" => Step::AnyDepth,
                word if is_bare(word) => Step::Exactly(Segment::Key(word.to_owned())),
                _ => return Err(fail("a name")),
            });
            rest = after;
        }
    }
    Ok(steps)
}

/// The name up to `"]`, with the escapes of Rust's `{:?}` undone, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((name, text.get(i..)?.strip_prefix("\"]")?)),
            '\\' => match chars.next()?.1 {
                'n' => name.push('\n'),
                't' => name.push('\t'),
                'r' => name.push('\r'),
                '0' => name.push('\0'),
                'u' => {
                    let mut hex = String::new();
                    for (_, h) in chars.by_ref().skip(1).take_while(|(_, h)| *h != '}') {
                        hex.push(h);
                    }
                    name.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
                }
                other => name.push(other),
            },
            c => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_back_as_written() {
        for text in [
            "",
            "a",
            "a.b[0].c",
            "response.headers[\"x.y\"]",
            "[3][4]",
            "[\"a\\\"]\\nb\"]",
        ] {
            let path = Path::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(path.to_string(), text);
        }
        let odd = Path::root().key("tab\there \u{7f}\u{200b} \"q\" ]");
        assert_eq!(Path::parse(&odd.to_string()), Ok(odd));
    }

    #[test]
    fn patterns_match_by_name_element_and_depth() {
        let check = |pattern: &str, path: &str, expected: bool| {
            let pattern = PathPattern::parse(pattern).expect(pattern);
            let path = Path::parse(path).expect(path);
            assert_eq!(
                pattern.matches(&path),
                expected,
                "{} {path}",
                pattern.as_str()
            );
        };
        check("a.b", "a.b", true);
        check("a.b", "a.b.c", false);
        check("a.*", "a.b", true);
        check("a[*].id", "a[7].id", true);
        check("**.id", "a[7].b.id", true);
        check("**", "", true);
        check("a.**", "a.b[1].c", true);
        check("a.**.d", "a.b[1].c", false);
        check("a.**.c", "a.b[1].c", true);
        check("a.**.c.**", "a.b[1].c", true);
        check("**.**.**.x", "a.b.c.d.e", false);
        check("a[1]", "a[2]", false);
    }

    #[test]
    fn a_path_has_as_many_steps_as_a_tree_is_deep() {
        let deep = Path(vec![Segment::Key("a".into()); 500]);
        assert_eq!(Path::parse(&deep.to_string()), Ok(deep.clone()));
        assert_eq!(
            PathPattern::parse(&deep.to_string()).map_err(|e| e.expected),
            Err("at most 63 steps")
        );
    }

    #[test]
    fn a_bad_pattern_says_where() {
        for (text, at) in [("a..b", 1), ("a[x]", 1), ("a[", 1), ("a b", 0), (".a", 0)] {
            assert_eq!(
                PathPattern::parse(text).map_err(|e| e.at),
                Err(at),
                "{text}"
            );
        }
    }
}
