//! What a JSON text looked like, so that it can be written so again.

use crate::Value;

/// What a JSON text looks like beyond its meaning. The default is compact, ends with the value,
/// and escapes only what must be escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Style {
    /// White space between values.
    pub layout: Layout,
    /// White space around the colon.
    pub colon: Colon,
    /// What follows the value.
    pub end: End,
    /// Characters beyond ASCII are written as `\uXXXX`, as Python does.
    pub ascii: bool,
    /// The hexadecimal digits of `\uXXXX` are upper-case, as .NET and Jackson write them.
    pub upper: bool,
    /// `/` is written as `\/`, as PHP does.
    pub slash: bool,
    /// ASCII characters that are written as `\uXXXX` although a shorter form exists: bit `n` for
    /// the character `n`. Go writes `<`, `>` and `&` so.
    pub escape: u128,
    /// U+2028 and U+2029 are written as `\uXXXX`, as what was meant for JavaScript does.
    pub separators: bool,
}

/// White space between the values of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Layout {
    /// None: `[1,2]`.
    #[default]
    Compact,
    /// A space after each comma: `[1, 2]`.
    Spaced,
    /// Each value on its own line.
    Indent(Indent),
}

/// How lines are indented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Indent {
    /// Tabs in place of spaces.
    pub tab: bool,
    /// How many of them for each level.
    pub width: u8,
    /// Lines end with CR LF.
    pub crlf: bool,
}

/// White space around the colon of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Colon {
    /// None: `"a":1`.
    #[default]
    Tight,
    /// A space after it: `"a": 1`.
    After,
    /// A space on both sides: `"a" : 1`.
    Both,
}

/// What follows the value of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum End {
    /// Nothing.
    #[default]
    Nothing,
    /// A line feed.
    Lf,
    /// CR LF.
    CrLf,
}

impl Layout {
    /// The colon that goes with this layout in most writers.
    fn usual_colon(self) -> Colon {
        match self {
            Layout::Compact => Colon::Tight,
            Layout::Spaced | Layout::Indent(_) => Colon::After,
        }
    }
}

impl Style {
    /// The style as it stands in YAML: a map of what differs from the default; none where nothing
    /// does. The fields are `spaced` or `indent` (a number of spaces, or text such as `\t`),
    /// `crlf`, `colon` (where it is not the layout's usual), `end` (the text), `ascii`, `upper`,
    /// `slash` and `escape` (the characters).
    pub fn to_value(&self) -> Option<Value> {
        let mut map = Vec::new();
        let mut put = |name: &str, value: Value| map.push((name.to_owned(), value));
        match self.layout {
            Layout::Compact => {}
            Layout::Spaced => put("spaced", true.into()),
            Layout::Indent(indent) => {
                put(
                    "indent",
                    if indent.tab {
                        "\t".repeat(indent.width.into()).into()
                    } else {
                        indent.width.into()
                    },
                );
                if indent.crlf {
                    put("crlf", true.into());
                }
            }
        }
        if self.colon != self.layout.usual_colon() {
            put("colon", self.colon.as_str().into());
        }
        if self.end != End::Nothing {
            put("end", self.end.as_str().into());
        }
        for (name, set) in [
            ("ascii", self.ascii),
            ("upper", self.upper),
            ("slash", self.slash),
        ] {
            if set {
                put(name, true.into());
            }
        }
        let mut escape: String = (0u8..128)
            .filter(|c| self.escapes(*c))
            .map(char::from)
            .collect();
        if self.separators {
            escape.push_str("\u{2028}\u{2029}");
        }
        if !escape.is_empty() {
            put("escape", escape.into());
        }
        (!map.is_empty()).then_some(Value::Map(map))
    }

    /// The style of that form, see [`Style::to_value`]; none where it is not of that form.
    pub fn from_value(value: &Value) -> Option<Self> {
        let mut style = Style::default();
        let mut colon = None;
        let mut crlf = false;
        for (name, value) in value.as_map()? {
            match (name.as_str(), value) {
                ("spaced", Value::Bool(true)) => style.layout = Layout::Spaced,
                ("indent", value) => style.layout = Layout::Indent(Indent::from_value(value)?),
                ("crlf", Value::Bool(truth)) => crlf = *truth,
                ("colon", Value::String(text)) => colon = Some(Colon::from_str(text)?),
                ("end", Value::String(text)) => style.end = End::from_str(text)?,
                ("ascii", Value::Bool(truth)) => style.ascii = *truth,
                ("upper", Value::Bool(truth)) => style.upper = *truth,
                ("slash", Value::Bool(truth)) => style.slash = *truth,
                ("escape", Value::String(text)) => {
                    for c in text.chars() {
                        style.add_escape(c)?;
                    }
                }
                _ => return None,
            }
        }
        if let Layout::Indent(indent) = &mut style.layout {
            indent.crlf = crlf;
        }
        style.colon = colon.unwrap_or(style.layout.usual_colon());
        Some(style)
    }

    /// Whether that ASCII character is written as `\uXXXX` although a shorter form exists.
    pub(super) fn escapes(&self, c: u8) -> bool {
        c < 128 && self.escape >> c & 1 == 1
    }

    /// Notes that a character was written as `\uXXXX`; none for one of which a style cannot say
    /// so alone.
    pub(super) fn add_escape(&mut self, c: char) -> Option<()> {
        match u32::from(c) {
            code @ 0..128 => self.escape |= 1 << code,
            0x2028 | 0x2029 => self.separators = true,
            _ => return None,
        }
        Some(())
    }

    /// The style of a text in which this white space was seen first: after the bracket that opens
    /// the root, after a comma, before and after a colon, and after the root.
    pub(super) fn set_space(
        &mut self,
        open: Option<&str>,
        comma: Option<&str>,
        colon: Option<(&str, &str)>,
        end: &str,
    ) {
        let colon = colon.map(|around| match around {
            (_, "") => Colon::Tight,
            ("", _) => Colon::After,
            _ => Colon::Both,
        });
        self.layout = match (open.and_then(Indent::of_line), comma) {
            (Some(indent), _) => Layout::Indent(indent),
            (None, Some(" ")) => Layout::Spaced,
            (None, None) if colon == Some(Colon::After) => Layout::Spaced,
            (None, _) => Layout::Compact,
        };
        self.colon = colon.unwrap_or(self.layout.usual_colon());
        self.end = End::from_str(end).unwrap_or_default();
    }
}

impl Indent {
    /// The indentation of the first line below the root: `"\n  "`.
    fn of_line(space: &str) -> Option<Self> {
        let (crlf, line) = match space.strip_prefix('\n') {
            Some(line) => (false, line),
            None => (true, space.strip_prefix("\r\n")?),
        };
        let tab = line.starts_with('\t');
        let width = u8::try_from(line.len()).ok()?;
        Some(Indent { tab, width, crlf })
    }

    fn from_value(value: &Value) -> Option<Self> {
        let (tab, width) = match value {
            Value::String(text) if text.bytes().all(|b| b == b'\t') => (true, text.len()),
            value => (false, usize::try_from(value.as_i64()?).ok()?),
        };
        Some(Indent {
            tab,
            width: u8::try_from(width).ok()?,
            crlf: false,
        })
    }
}

impl Colon {
    /// The colon with its white space.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Colon::Tight => ":",
            Colon::After => ": ",
            Colon::Both => " : ",
        }
    }

    fn from_str(text: &str) -> Option<Self> {
        [Colon::Tight, Colon::After, Colon::Both]
            .into_iter()
            .find(|colon| colon.as_str() == text)
    }
}

impl End {
    /// The text that follows the value.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            End::Nothing => "",
            End::Lf => "\n",
            End::CrLf => "\r\n",
        }
    }

    fn from_str(text: &str) -> Option<Self> {
        [End::Nothing, End::Lf, End::CrLf]
            .into_iter()
            .find(|end| end.as_str() == text)
    }
}
