//! What is wrong in what a file says: by those who use it, and by the rest of its set.

mod set;

pub(crate) use set::{is_variable, no_variable};

use std::fmt;

use retake_model::{
    Fault, Made, Mock, NoiseRule, Part, Path, ProtocolId, Segment, SetInfo, TestCase, Value,
};

use crate::Diagnostic;
use crate::v1::action_key;
use crate::yaml::{Problem, cut, did_you_mean, locate, locate_key, nearest, one_of};

/// What those say of a recording who use it, each of what it knows: the store itself knows no
/// protocol. What cannot be used is refused where it is read.
#[derive(Clone, Copy)]
pub struct Checks {
    /// What is wrong in an exchange of that protocol. What may be written in several ways is put
    /// into one.
    pub exchange: fn(ProtocolId, &mut Value, &mut Value) -> Vec<Fault>,
    /// What is wrong with a rule whose place can be read.
    pub rule: fn(&NoiseRule) -> Result<(), RuleFault>,
    /// Every place of a test, and of calls outside of tests, that rules are asked about, with the
    /// value there.
    pub places: fn(Subject<'_>, &mut EachPlace<'_>),
    /// Whether a rule can ever hide something at a place that holds this.
    pub applies: fn(&NoiseRule, &Value) -> Result<(), String>,
}

/// Is told a place, and what stands there.
pub type EachPlace<'e> = dyn FnMut(&Path, &Value) + 'e;

/// Where rules may apply.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'s> {
    /// The response and the calls of a test.
    Test(&'s TestCase),
    /// A call outside of tests.
    Call(&'s Mock),
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFault {
    /// What stands there, as a lowercase fragment.
    pub found: String,
    /// The next step.
    pub hint: String,
}

impl Default for Checks {
    /// Everything is right.
    fn default() -> Self {
        Checks {
            exchange: |_, _, _| Vec::new(),
            rule: |_| Ok(()),
            places: |_, _| {},
            applies: |_, _| Ok(()),
        }
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checks")
    }
}

/// Something that is wrong, and where in the file.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) problem: Problem,
    pub(crate) at: Vec<Segment>,
    /// Whether it is about the name at the end of the place, and not about the value there.
    pub(crate) of_name: bool,
    /// Whether it can be used still, and is probably not meant so.
    pub(crate) usable: bool,
}

impl Found {
    /// The same, of a file with these bytes.
    pub(crate) fn diagnostic(self, file: &std::path::Path, bytes: &[u8]) -> Diagnostic {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (line, column) = place_of(text, &self.at, self.of_name);
        let diagnostic = Diagnostic::new(file, self.problem.at(line, column), bytes);
        match self.usable {
            true => diagnostic.warning(),
            false => diagnostic,
        }
    }

    /// Something that can be used still, and is probably not meant so.
    pub(crate) fn odd(problem: Problem, at: Path) -> Self {
        Found {
            usable: true,
            ..Found::new(problem, at)
        }
    }

    fn new(problem: Problem, at: Path) -> Self {
        Found {
            problem,
            at: at.0,
            of_name: false,
            usable: false,
        }
    }
}

/// What is wrong in a test; its messages are put into the form of recorded ones.
pub(crate) fn test(test: &mut TestCase, info: Option<&SetInfo>, checks: &Checks) -> Vec<Found> {
    let mut found = Vec::new();
    let faults = (checks.exchange)(test.protocol, &mut test.request, &mut test.response);
    found.extend(faults.into_iter().map(|fault| {
        let part = match fault.part {
            Part::Request => "request",
            Part::Response => "response",
        };
        of_fault(fault, Path::root().key(part))
    }));
    found.extend(calls(&mut test.calls, info, checks));
    made(test, &mut found);
    found.extend(rules(&test.rules, &Path::root().key("rules"), checks));
    found
}

/// What is wrong in the calls of a file.
pub(crate) fn calls(calls: &mut [Mock], info: Option<&SetInfo>, checks: &Checks) -> Vec<Found> {
    let mut found = Vec::new();
    for (index, call) in calls.iter_mut().enumerate() {
        let place = |name: &str| Path::root().key("calls").index(index).key(name);
        if let Some(wrong) = info.and_then(|info| dependency(call, info, &place)) {
            // Of another protocol every field would be wrong.
            let is_other = wrong.of_name;
            found.push(wrong);
            if is_other {
                continue;
            }
        }
        let faults = (checks.exchange)(call.protocol, &mut call.request, &mut call.response);
        found.extend(faults.into_iter().map(|fault| {
            let part = match fault.part {
                Part::Request => call.protocol.0,
                Part::Response => "gives",
            };
            of_fault(fault, place(part))
        }));
    }
    found
}

/// The line and the column of a place, else of the nearest one above it that can be found.
fn place_of(text: &str, at: &[Segment], of_name: bool) -> (usize, usize) {
    if of_name && let Some(found) = locate_key(text, at) {
        return found;
    }
    let above = (0..=at.len()).rev();
    let mut found = above.filter_map(|length| locate(text, at.get(..length)?));
    found.next().unwrap_or_default()
}

fn of_fault(fault: Fault, root: Path) -> Found {
    let mut at = root.0;
    at.extend(fault.at.0);
    let word = match at.last() {
        Some(Segment::Key(name)) if fault.of_name => name.clone(),
        // The word that was found stands between backticks.
        _ => fault.found.split('`').nth(1).unwrap_or_default().to_owned(),
    };
    let mut problem = Problem::new(fault.found);
    if !fault.expected.is_empty() {
        problem = problem.expected(fault.expected);
    } else if !fault.known.is_empty() {
        problem = problem.expected(one_of(&fault.known));
    }
    if !fault.hint.is_empty() {
        problem = problem.hint(fault.hint);
    } else if !fault.known.is_empty() {
        problem = problem.hint(did_you_mean(&word, &fault.known));
    }
    Found {
        problem,
        at,
        of_name: fault.of_name,
        usable: fault.usable,
    }
}

/// A call to a dependency that the set does not have.
fn dependency(call: &Mock, info: &SetInfo, place: &dyn Fn(&str) -> Path) -> Option<Found> {
    let Some(dependency) = info.dependencies.iter().find(|d| d.name == call.to) else {
        let names: Vec<&str> = info.dependencies.iter().map(|d| &*d.name).collect();
        let found = format!("`set.yaml` has no dependency `{}`", cut(&call.to));
        let mut problem = Problem::new(found);
        if !names.is_empty() {
            problem = problem.expected(one_of(&names));
        }
        let hint = match nearest(&call.to, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "add it to `dependencies` in set.yaml".to_owned(),
        };
        // Of a recording that was cut off the last dependencies are not known.
        let mut found = Found::new(problem.hint(hint), place("to"));
        found.usable = info.ledger.is_none();
        return Some(found);
    };
    let protocol = dependency
        .protocol
        .filter(|known| *known != call.protocol)?;
    let problem = Problem::new(format!(
        "`{}` speaks {protocol} by `set.yaml`, and {} here",
        call.to, call.protocol
    ));
    let problem = problem.expected(format!("`{protocol}`"));
    let problem = problem.hint("correct one of the two");
    let mut found = Found::new(problem, place(call.protocol.0));
    found.of_name = true;
    Some(found)
}

/// Values that the service made, at places that do not exist or hold something else. One that stands
/// at none of its places is meant otherwise; one that stands at some of them is told still.
fn made(test: &TestCase, found: &mut Vec<Found>) {
    for (index, made) in test.made.iter().enumerate() {
        let all: Vec<Stands> = made.places.iter().map(|p| stands(test, p, made)).collect();
        let is_told = all.contains(&Stands::There);
        for (number, (place, stands)) in made.places.iter().zip(all).enumerate() {
            let at = Path::root().key("made").index(index).key("places");
            let at = at.index(number);
            let value = cut(&made.value);
            match stands {
                Stands::There => {}
                Stands::NotThere => {
                    let problem = Problem::new(format!("the value does not stand at `{place}`"))
                        .expected(format!("`{value}`, or text that has it"))
                        .hint("correct `value`, or remove the place");
                    found.push(match is_told {
                        true => Found::odd(problem, at),
                        false => Found::new(problem, at),
                    });
                }
                Stands::Nowhere => {
                    let problem = Problem::new(format!("there is no place `{place}` in this test"))
                        .expected("a place below `request`, `response` or `calls[n]`")
                        .hint("correct it, or remove it");
                    found.push(Found::new(problem, at));
                }
            }
        }
    }
}

/// Whether a made value stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    /// There is no such place.
    Nowhere,
    NotThere,
    There,
}

/// Looks at a place such as `response.body.json.id`, `calls[0].params[1]` (in the request of a
/// call) or `calls[0].gives.rows[0]` (in its answer).
fn stands(test: &TestCase, place: &Path, made: &Made) -> Stands {
    let is = |segment: Option<&Segment>, name: &str| matches!(segment, Some(Segment::Key(key)) if key == name);
    let all = place.0.as_slice();
    let (tree, below) = if is(all.first(), "request") {
        (&test.request, all.get(1..))
    } else if is(all.first(), "response") {
        (&test.response, all.get(1..))
    } else if is(all.first(), "calls")
        && let Some(Segment::Index(index)) = all.get(1)
        && let Some(call) = test.calls.get(*index)
    {
        match is(all.get(2), "gives") {
            true => (&call.response, all.get(3..)),
            false => (&call.request, all.get(2..)),
        }
    } else {
        return Stands::Nowhere;
    };
    below_in(tree, below.unwrap_or_default(), false, &made.value)
}

/// Looks down a path: a name may stand several times in a map. `in_name` says whether the value
/// stands in the name that led here.
fn below_in(tree: &Value, path: &[Segment], in_name: bool, value: &str) -> Stands {
    let Some((step, rest)) = path.split_first() else {
        return match in_name || holds(tree, value) {
            true => Stands::There,
            false => Stands::NotThere,
        };
    };
    match (step, tree) {
        (Segment::Key(name), Value::Map(fields)) => {
            let named = fields.iter().filter(|(other, _)| other == name);
            named
                .map(|(_, tree)| below_in(tree, rest, name.contains(value), value))
                .max()
                .unwrap_or(Stands::Nowhere)
        }
        (Segment::Index(number), Value::List(items)) => match items.get(*number) {
            Some(item) => below_in(item, rest, false, value),
            None => Stands::Nowhere,
        },
        _ => Stands::Nowhere,
    }
}

/// Whether a value is, or has in its text, what was made.
fn holds(tree: &Value, value: &str) -> bool {
    match tree {
        Value::String(text) => text.contains(value),
        Value::Number(number) => number.as_str().contains(value),
        Value::Null | Value::Bool(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) => false,
    }
}

/// What is wrong in a `set.yaml`.
pub(crate) fn set(info: &SetInfo, checks: &Checks) -> Vec<Found> {
    let mut found = set::check(info);
    found.extend(rules(&info.rules, &Path::root().key("rules"), checks));
    found
}

/// What is wrong with the rules of a file, by those who apply them: each with its number and the
/// key that it is about.
pub(crate) fn rules(rules: &[NoiseRule], root: &Path, checks: &Checks) -> Vec<Found> {
    let each = rules.iter().enumerate();
    each.filter_map(|(number, rule)| {
        let fault = (checks.rule)(rule).err()?;
        let problem = Problem::new(fault.found).hint(fault.hint);
        let at = root.index(number).key(action_key(&rule.action));
        Some(Found::new(problem, at))
    })
    .collect()
}
