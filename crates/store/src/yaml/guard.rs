//! Refuses, before a text is parsed, what YAML allows and the format does not: anchors and
//! aliases (a file of 100 KB could ask for gigabytes), merge keys, several documents, explicit
//! keys, nesting without end; and numbers whose digits the parser would lose.
//!
//! It walks over the text once as the scanner of YAML does (YAML 1.2.2, chapters 5 to 8), keeps
//! a position and a stack of columns, and builds nothing.

mod scalars;

use retake_model::Number;

use super::Problem;
use super::problem::cut;
use super::tree::{Tree, keeps_digits};

/// What is too much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest text, in bytes.
    pub(crate) bytes: usize,
    /// How deep lists and maps may stand in each other.
    pub(crate) depth: usize,
    /// Whether numbers must keep their digits.
    pub(crate) exact_numbers: bool,
}

impl Limits {
    /// For recordings: 256 MiB; 100 levels, where the parser gives up at 128.
    pub(crate) const RECORDING: Limits = Limits {
        bytes: 256 * 1024 * 1024,
        depth: 100,
        exact_numbers: true,
    };

    /// For settings: 4 MiB.
    pub(crate) const SETTINGS: Limits = Limits {
        bytes: 4 * 1024 * 1024,
        depth: 100,
        exact_numbers: false,
    };
}

/// The text of a file, where it can be handed to the parser.
pub(crate) fn guard(bytes: &[u8], limits: Limits) -> Result<&str, Problem> {
    let text = decode(bytes, limits)?;
    check(text, limits)?;
    Ok(text)
}

/// The text of a file, of which nothing is known but that it is text.
pub(crate) fn decode(bytes: &[u8], limits: Limits) -> Result<&str, Problem> {
    if bytes.len() > limits.bytes {
        let (size, most) = (bytes.len() >> 20, limits.bytes >> 20);
        return Err(Problem::new(format!("the file has {size} MiB"))
            .expected(format!("at most {most} MiB"))
            .hint("keep what is large in a blob"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let (line, column) = position(good);
        Problem::new("this is not text in UTF-8")
            .at(line, column)
            .hint("was the file changed by another program, or cut off?")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Whether a text can be handed to the parser.
pub(crate) fn check(text: &str, limits: Limits) -> Checked {
    Scanner::new(text, limits).run()
}

/// The line and column, from 1, of what follows `before`.
fn position(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    let rest = before.get(start..).unwrap_or_default();
    (line, String::from_utf8_lossy(rest).chars().count() + 1)
}

struct Scanner<'t> {
    text: &'t [u8],
    limits: Limits,
    pos: usize,
    /// Where the line begins that `pos` is in.
    line_start: usize,
    /// The line whose indentation was looked at last, by where it begins, and where that ends.
    indent: Option<(usize, usize)>,
    /// How many flow collections are open.
    flow: usize,
    /// The columns of the block collections that are open.
    columns: Vec<usize>,
    /// The column of the scalar that a `:` would make a key.
    key: Option<usize>,
    /// The bytes of the last scalar that stood without quotes or tag, for numbers and `<<`.
    plain: Option<(usize, usize)>,
    /// Whether the scalar that `plain` is stands where a key called `tolerance` put it.
    tolerance: bool,
    /// Whether a tag stands before the next value.
    tagged: bool,
    /// Whether anything but comments and the first `---` was there.
    content: bool,
    /// Whether a `---` was there.
    started: bool,
    /// How many bytes were looked at, each as often as it was.
    #[cfg(test)]
    looked: std::cell::Cell<usize>,
}

type Checked = Result<(), Problem>;

impl<'t> Scanner<'t> {
    fn new(text: &'t str, limits: Limits) -> Self {
        Scanner {
            text: text.as_bytes(),
            limits,
            pos: 0,
            line_start: 0,
            indent: None,
            flow: 0,
            columns: Vec::new(),
            key: None,
            plain: None,
            tolerance: false,
            tagged: false,
            content: false,
            started: false,
            #[cfg(test)]
            looked: std::cell::Cell::default(),
        }
    }

    fn run(&mut self) -> Checked {
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\r' => self.pos += 1,
                b'\n' => {
                    self.key = None;
                    self.newline();
                }
                // The parser takes it for a comment here even without a space before it.
                b'#' => self.skip_line(),
                _ => self.token(byte)?,
            }
        }
        self.number()
    }

    fn token(&mut self, byte: u8) -> Checked {
        let column = self.column();
        if column == 0 && self.flow == 0 && self.document_mark(byte)? {
            return Ok(());
        }
        if self.flow == 0 && self.at_line_start() {
            while self.columns.last().is_some_and(|top| *top > column) {
                self.columns.pop();
            }
        }
        self.content = true;
        if byte == b':' && (self.flow > 0 || self.ends_at(1)) {
            return self.value_follows();
        }
        self.number()?;
        match byte {
            b'&' => Err(self.refused("an anchor (`&`)", "write the value out where it is needed")),
            b'*' => Err(self.refused(
                "an alias (`*`)",
                "write the value out where it is needed; quote text that begins with `*`",
            )),
            b'?' if self.flow > 0 || self.ends_at(1) => Err(self.refused(
                "an explicit key (`?`)",
                "write `key: value`, or `!map [[key, value]]` for long keys",
            )),
            b'-' if self.flow == 0 && self.ends_at(1) => {
                self.open_block(column)?;
                self.pos += 1;
                Ok(())
            }
            b'[' | b'{' => {
                self.key_here();
                self.flow += 1;
                self.pos += 1;
                self.tagged = false;
                self.check_depth()
            }
            b']' | b'}' => {
                self.flow = self.flow.saturating_sub(1);
                self.pos += 1;
                Ok(())
            }
            b',' if self.flow > 0 => {
                self.tolerance = false;
                self.pos += 1;
                Ok(())
            }
            b'!' => {
                self.key_here();
                self.tagged = true;
                self.skip_tag();
                Ok(())
            }
            b'"' => {
                self.key_here();
                self.skip_double_quoted();
                Ok(())
            }
            b'\'' => {
                self.key_here();
                self.skip_single_quoted();
                Ok(())
            }
            b'|' | b'>' if self.flow == 0 => {
                self.skip_block_scalar();
                Ok(())
            }
            _ => {
                self.key_here();
                self.skip_plain();
                Ok(())
            }
        }
    }

    /// `---`, `...` and `%` at a line's beginning. Says whether it was one of these.
    fn document_mark(&mut self, byte: u8) -> Result<bool, Problem> {
        let mark = self.text.get(self.pos..self.pos + 3);
        if byte == b'%' {
            return Err(self.refused("a directive (`%`)", "remove the line"));
        }
        if mark == Some(b"---") && self.ends_at(3) {
            if self.content || self.started {
                return Err(self.refused(
                    "a second document (`---`)",
                    "put each test into a file of its own",
                ));
            }
            self.started = true;
            self.pos += 3;
            return Ok(true);
        }
        if mark == Some(b"...") && self.ends_at(3) {
            return Err(self.refused("an end of the document (`...`)", "remove the line"));
        }
        Ok(false)
    }

    /// What stood before is a key.
    fn value_follows(&mut self) -> Checked {
        let plain = self.plain.take().and_then(|(a, b)| self.text.get(a..b));
        if plain == Some(b"<<") {
            return Err(self.refused(
                "a merge key (`<<`)",
                "write the fields out; quote the key where it is meant as it stands",
            ));
        }
        self.tolerance = plain == Some(b"tolerance");
        if self.flow == 0
            && let Some(column) = self.key.take()
        {
            self.open_block(column)?;
        }
        self.tagged = false;
        self.pos += 1;
        Ok(())
    }

    /// Notes that what begins here may be a key.
    fn key_here(&mut self) {
        if self.key.is_none() {
            self.key = Some(self.column());
        }
        self.plain = None;
    }

    fn open_block(&mut self, column: usize) -> Checked {
        if self.columns.last().is_none_or(|top| *top < column) {
            self.columns.push(column);
        }
        self.key = None;
        self.check_depth()
    }

    fn check_depth(&self) -> Checked {
        if self.columns.len() + self.flow <= self.limits.depth {
            return Ok(());
        }
        let most = self.limits.depth;
        let (line, column) = self.place();
        Err(
            Problem::new(format!("lists and maps nest more than {most} deep here"))
                .at(line, column)
                .expected(format!("at most {most} levels"))
                .hint("keep the body as `text`"),
        )
    }

    /// Refuses a number whose digits would be lost.
    fn number(&mut self) -> Checked {
        let Some((start, end)) = self.plain.take() else {
            return Ok(());
        };
        let word = self.text.get(start..end).unwrap_or_default();
        self.looks_at(word.len());
        let may_be_number = word
            .first()
            .is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
        if !may_be_number || !self.limits.exact_numbers || self.tolerance {
            return Ok(());
        }
        let Ok(word) = std::str::from_utf8(word) else {
            return Ok(());
        };
        if keeps_digits(word) {
            return Ok(());
        }
        let lost = match serde_yaml::from_str(word) {
            Ok(Tree::Number(number)) => number.as_str() != word,
            Ok(_) => false,
            Err(_) => word.len() < 10,
        };
        if !lost {
            return Ok(());
        }
        let (line, column) = position(self.text.get(..start).unwrap_or_default());
        Err(
            Problem::new(format!("the number `{}` would lose its digits", cut(word)))
                .at(line, column)
                .expected("a number as it is read back, or a tag")
                .hint(match Number::parse(word) {
                    Some(_) => {
                        let word = cut(word);
                        format!(
                            "write `!num \"{word}\"` for exactly this number, `\"{word}\"` for text"
                        )
                    }
                    None => format!(
                        "JSON has no such number: write `\"{}\"` for text",
                        cut(word)
                    ),
                }),
        )
    }

    fn refused(&self, what: &str, hint: &str) -> Problem {
        let (line, column) = self.place();
        Problem::new(format!("{what} stands here, which recordings do not use"))
            .at(line, column)
            .hint(hint)
    }

    fn place(&self) -> (usize, usize) {
        position(self.text.get(..self.pos).unwrap_or_default())
    }

    /// Counts bytes that are looked at, so that tests see that their number grows as the text does.
    fn looks_at(&self, _bytes: usize) {
        #[cfg(test)]
        self.looked.set(self.looked.get() + _bytes);
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.looks_at(1);
        self.text.get(self.pos + ahead).copied()
    }

    /// Whether a space, a line's end or, in flow style, structure follows after `ahead` bytes.
    fn ends_at(&self, ahead: usize) -> bool {
        match self.peek(ahead) {
            None | Some(b' ' | b'\t' | b'\n' | b'\r') => true,
            Some(byte) => self.flow > 0 && b",[]{}".contains(&byte),
        }
    }

    fn after_space(&self) -> bool {
        let before = self.pos.checked_sub(1).and_then(|at| self.text.get(at));
        before.is_none_or(u8::is_ascii_whitespace)
    }

    /// Whether nothing but indentation stands before this place. A line's is looked at once,
    /// however many tokens follow it.
    fn at_line_start(&mut self) -> bool {
        let end = match self.indent {
            Some((line, end)) if line == self.line_start => end,
            _ => {
                let line = self.text.get(self.line_start..).unwrap_or_default();
                let spaces = line.iter().take_while(|b| **b == b' ').count();
                self.looks_at(spaces + 1);
                self.line_start + spaces
            }
        };
        self.indent = Some((self.line_start, end));
        self.pos <= end
    }

    fn column(&self) -> usize {
        self.pos - self.line_start
    }

    fn line_end(&self) -> usize {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        let len = rest.iter().position(|b| *b == b'\n');
        let len = len.unwrap_or(rest.len());
        self.looks_at(len);
        self.pos + len
    }

    fn skip_line(&mut self) {
        self.pos = self.line_end();
    }

    fn newline(&mut self) {
        self.pos += 1;
        self.line_start = self.pos;
    }
}

#[cfg(test)]
mod tests;
