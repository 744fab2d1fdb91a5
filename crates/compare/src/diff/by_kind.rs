//! What is left to compare of values that the service made: how far moments lie from the time of
//! their test, and what JSON web tokens claim.

use retake_model::{DiffKind, Path, Segment, Value};

use super::differ::Differ;
use super::tokens::ByKind;
use super::web_token::WebToken;
use crate::clocks::Far;

impl Differ<'_> {
    /// Counts values that were compared by kind, and compares what is in them. The two texts are
    /// those that have them.
    pub(super) fn by_kind(&mut self, found: ByKind, expected: &Value, observed: &Value) {
        self.compared_by_kind += found.all;
        self.by_distance += found.by_distance;
        for far in &found.far {
            self.far(far, expected, observed);
        }
        for far in &found.kept {
            let place = self.place();
            self.note(format!(
                "{place}: {} when it was recorded, {} now; no difference, because a moment that \
                 the service keeps from before would explain it",
                far.recorded, far.candidate
            ));
        }
        let several = found.web_tokens.len() > 1;
        for (number, (recorded, candidate)) in found.web_tokens.iter().enumerate() {
            let index = several.then_some(number);
            self.web_token(index, recorded, candidate);
        }
    }

    /// Does something at a place below the present one.
    pub(super) fn at(&mut self, path: &Path, work: impl FnOnce(&mut Self)) {
        for segment in &path.0 {
            match segment {
                Segment::Key(name) => self.walk.enter_key(name),
                Segment::Index(number) => self.walk.enter_index(*number),
            }
            self.path.push(segment.clone());
        }
        work(self);
        for _ in &path.0 {
            self.path.pop();
            self.walk.leave();
        }
    }

    /// A moment that lies elsewhere. It is told by its distances: the moment itself is another one
    /// in each run.
    fn far(&mut self, far: &Far, expected: &Value, observed: &Value) {
        if self.is_hidden(DiffKind::Changed, Some(expected), Some(observed)) {
            return;
        }
        let text = match expected {
            Value::Number(number) => number.as_str().to_owned(),
            Value::String(text) => text.chars().take(200).collect(),
            other => other.type_name().to_owned(),
        };
        let detail = format!("recorded as {text}");
        self.list_it(
            DiffKind::Changed,
            Some(&far.recorded.as_str().into()),
            Some(&far.candidate.as_str().into()),
            Some(detail),
        );
    }

    /// Compares header and claims of two JSON web tokens; their signatures are values that the
    /// service makes. What is no JSON (an encrypted one) is compared by kind.
    fn web_token(&mut self, number: Option<usize>, recorded: &str, candidate: &str) {
        let (a, b) = (WebToken::read(recorded), WebToken::read(candidate));
        let was = std::mem::replace(&mut self.tokens.in_claims, true);
        let mut part = |name: &str, a: Option<&Value>, b: Option<&Value>| {
            let mut path = Path::root().key(name);
            path.0.extend(number.map(Segment::Index));
            self.at(&path, |this| this.either(a, b, Differ::node));
        };
        let (headers, mut claims) = match (&a, b) {
            (None, None) => ((None, None), (None, None)),
            (a, b) => {
                let (headers, claims) = b.map(|b| (b.header, b.claims)).unzip();
                let own = a.as_ref();
                (
                    (own.map(|a| &a.header), headers),
                    (own.map(|a| &a.claims), claims),
                )
            }
        };
        part("header", headers.0, headers.1.as_ref());
        let anew = match (claims.0, claims.1.as_mut()) {
            (Some(a), Some(b)) => WebToken::take_anew(a, b),
            _ => 0,
        };
        part("claims", claims.0, claims.1.as_ref());
        self.compared_by_kind += anew;
        self.tokens.in_claims = was;
    }
}
