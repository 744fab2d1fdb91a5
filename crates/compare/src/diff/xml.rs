//! XML as trees that can be compared: attributes without order, white space between elements not
//! significant.
//!
//! An element becomes a map: attributes as `@name`, child elements by their name, text as `#text`.
//! An element that has text alone, wherever it stands in both documents, becomes that text. Child
//! elements become lists where any element of either document repeats them, so that both sides
//! have one form. Comments, processing instructions and the declaration are not compared.

use std::collections::{HashMap, HashSet};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use retake_model::Value;

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 256;

/// Two documents in one form.
pub(super) struct Both {
    pub(super) expected: Value,
    pub(super) observed: Value,
    /// False where the same elements follow each other in another order.
    pub(super) same_order: bool,
}

/// Reads two documents; none where one of them is no XML that can be read.
pub(super) fn read_both(expected: &str, observed: &str) -> Option<Both> {
    let (a, b) = (read(expected)?, read(observed)?);
    let mut forms = Forms::default();
    forms.learn(&a);
    forms.learn(&b);
    let (mut names_a, mut names_b) = (Vec::new(), Vec::new());
    a.names(0, &mut names_a);
    b.names(0, &mut names_b);
    let root = |element: &Element| Value::map([(element.name.clone(), forms.value(element))]);
    Some(Both {
        expected: root(&a),
        observed: root(&b),
        same_order: names_a == names_b || !same_when_sorted(names_a, names_b),
    })
}

fn same_when_sorted(mut a: Vec<(usize, &str)>, mut b: Vec<(usize, &str)>) -> bool {
    a.sort_unstable();
    b.sort_unstable();
    a == b
}

#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    /// Runs of text, in order, split by child elements.
    text: Vec<String>,
    /// Whether a child element came after the last run of text.
    split: bool,
}

impl Element {
    fn names<'e>(&'e self, depth: usize, out: &mut Vec<(usize, &'e str)>) {
        out.push((depth, &self.name));
        for child in &self.children {
            child.names(depth + 1, out);
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.text.last_mut() {
            Some(last) if !self.split => last.push_str(text),
            _ => self.text.push(text.to_owned()),
        }
        self.split = false;
    }

    /// White space between elements says nothing, unless there is other text beside it.
    fn settle(&mut self) {
        let blank = self.text.iter().all(|text| text.trim().is_empty());
        if blank && !self.children.is_empty() {
            self.text.clear();
        }
    }
}

/// What form the elements of a name have, over both documents.
#[derive(Debug, Default)]
struct Forms {
    /// Elements that have attributes or children somewhere.
    complex: HashSet<String>,
    /// Elements (parent and child) of which a parent has several.
    repeated: HashSet<(String, String)>,
}

impl Forms {
    fn learn(&mut self, element: &Element) {
        if !element.attributes.is_empty() || !element.children.is_empty() {
            self.complex.insert(element.name.clone());
        }
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for child in &element.children {
            *counts.entry(&child.name).or_default() += 1;
            self.learn(child);
        }
        for (name, count) in counts {
            if count > 1 {
                self.repeated
                    .insert((element.name.clone(), name.to_owned()));
            }
        }
    }

    fn value(&self, element: &Element) -> Value {
        if !self.complex.contains(&element.name) {
            return Value::String(element.text.concat());
        }
        let mut fields: Vec<(String, Value)> = Vec::new();
        for (name, value) in &element.attributes {
            fields.push((format!("@{name}"), value.as_str().into()));
        }
        match element.text.as_slice() {
            [] => {}
            [text] => fields.push(("#text".to_owned(), text.trim().into())),
            several => {
                let several = several.iter().map(|text| text.as_str().into()).collect();
                fields.push(("#text".to_owned(), Value::List(several)));
            }
        }
        let mut lists: HashMap<&str, usize> = HashMap::new();
        for child in &element.children {
            let value = self.value(child);
            let pair = (element.name.clone(), child.name.clone());
            if !self.repeated.contains(&pair) {
                fields.push((child.name.clone(), value));
                continue;
            }
            let at = *lists.entry(&child.name).or_insert(fields.len());
            match fields.get_mut(at) {
                Some((_, Value::List(items))) => items.push(value),
                _ => fields.push((child.name.clone(), Value::List(vec![value]))),
            }
        }
        Value::Map(fields)
    }
}

/// The root element of a document.
fn read(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(_) if open.len() >= MAX_DEPTH || root.is_some() => return None,
            Event::Start(start) => open.push(element(&start)?),
            Event::Empty(start) => close(element(&start)?, &mut open, &mut root)?,
            Event::End(_) => close(open.pop()?, &mut open, &mut root)?,
            Event::Text(text) => push(&mut open, &text)?,
            Event::CData(data) => push(&mut open, &data)?,
            Event::GeneralRef(name) => {
                let resolved = match name.resolve_char_ref().ok()? {
                    Some(c) => c.to_string(),
                    None => entity(&name),
                };
                push(&mut open, &resolved)?;
            }
            Event::Eof => return if open.is_empty() { root } else { None },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn element(start: &BytesStart<'_>) -> Option<Element> {
    let name = start.name().into_inner().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let raw = attribute.value.as_ref();
        let value = quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_owned(), Into::into);
        attributes.push((attribute.key.into_inner().to_owned(), value));
    }
    Some(Element {
        name,
        attributes,
        ..Element::default()
    })
}

fn close(mut element: Element, open: &mut [Element], root: &mut Option<Element>) -> Option<()> {
    element.settle();
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(element);
            parent.split = true;
        }
        None if root.is_none() => *root = Some(element),
        None => return None,
    }
    Some(())
}

/// Text outside the root may only be white space.
fn push(open: &mut [Element], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.push_text(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

/// The text of a named entity; one that XML itself does not define stays as it is written.
fn entity(name: &str) -> String {
    match name {
        "lt" => "<".into(),
        "gt" => ">".into(),
        "amp" => "&".into(),
        "apos" => "'".into(),
        "quot" => "\"".into(),
        other => format!("&{other};"),
    }
}
