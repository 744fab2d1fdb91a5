//! A body of another kind follows from the content type that says so.

use retake_model::{DiffKind, Difference, Path, Place, Segment};

/// Where the content type is another one, the body as a whole is, too: that is one change.
pub(super) fn gather(response: &mut [Difference]) {
    let is_type = |names: &[&str]| names == ["headers", "content-type"];
    let said = |d: &&Difference| d.kind == DiffKind::Changed && at(d, is_type);
    let Some(cause) = response.iter().find(said).map(|d| d.cause) else {
        return;
    };
    for body in response.iter_mut().filter(|d| at(d, |at| at == ["body"])) {
        body.cause = cause;
        super::follow(body, "the content type");
    }
}

fn at(difference: &Difference, is_it: impl Fn(&[&str]) -> bool) -> bool {
    let Place::Response(Path(segments)) = &difference.place else {
        return false;
    };
    let names = segments.iter().map(|segment| match segment {
        Segment::Key(name) => name.as_str(),
        Segment::Index(_) => "",
    });
    is_it(&names.collect::<Vec<&str>>())
}

#[cfg(test)]
mod tests {
    use retake_model::{Blame, Value};

    use super::*;

    #[test]
    fn a_body_of_another_kind_follows_from_the_content_type() {
        let check = |first: &str, second: &str, expected: bool| {
            let one = |cause: u64, path: &str| Difference {
                place: Place::Response(Path::parse(path).expect(path)),
                kind: DiffKind::Changed,
                baseline: Some(Value::from("a")),
                candidate: Some(Value::from("b")),
                detail: None,
                blame: Blame::App,
                follows: false,
                cause,
            };
            let mut all = [one(1, first), one(2, second)];
            gather(&mut all);
            assert_eq!(all[1].follows, expected, "{first} {second}");
            assert_eq!(all[1].cause == 1, expected, "{first} {second}");
        };
        check("headers.content-type", "body", true);
        check("headers.content-type", "body.json.total", false);
        check("headers.server", "body", false);
    }
}
