//! Bodies that are no JSON, and what stands around bodies.

use bytes::Bytes;

use super::*;

#[test]
fn changed_bodies_are_red() {
    let text = |text: &str| of_kind("text", text.into());
    let bytes = |bytes: &'static [u8]| of_kind("bytes", Value::Bytes(Bytes::from_static(bytes)));
    let form = |name: &str, value: &str| {
        of_kind(
            "form",
            Value::List(vec![Value::List(vec![name.into(), value.into()])]),
        )
    };
    let xml = |text: &str| of_kind("xml", text.into());
    let rows = vec![
        (
            "no body",
            text("a"),
            answers(Value::map([
                ("status", 200.into()),
                ("headers", Value::List(vec![])),
            ])),
        ),
        (
            "text for JSON",
            of_kind("json", 1.into()),
            text("1 and more"),
        ),
        ("a line more", text("a\nb\n"), text("a\nb\n\n")),
        ("other ends of lines", text("a\nb\n"), text("a\r\nb\r\n")),
        ("a mark of byte order", text("a"), text("\u{feff}a")),
        (
            "trailing data",
            of_kind("json", 1.into()),
            text("1\n{\"error\":\"late\"}"),
        ),
        ("a byte", bytes(b"\x00\x01"), bytes(b"\x00\x02")),
        ("cut bytes", bytes(b"\x00\x01"), bytes(b"\x00")),
        ("a field of a form", form("a", "1"), form("a", "2")),
        (
            "an attribute of XML",
            xml("<a b=\"1\"/>"),
            xml("<a b=\"2\"/>"),
        ),
        (
            "a name space of XML",
            xml("<a xmlns=\"x\"/>"),
            xml("<a xmlns=\"y\"/>"),
        ),
        ("the text of XML", xml("<a>1</a>"), xml("<a>2</a>")),
        (
            "the order of XML",
            xml("<r><a/><b/></r>"),
            xml("<r><b/><a/></r>"),
        ),
        (
            "an interim response",
            answers(Value::map([
                ("status", 200.into()),
                (
                    "interim",
                    Value::List(vec![Value::map([("status", 103.into())])]),
                ),
            ])),
            answers(Value::map([("status", 200.into())])),
        ),
        (
            "a trailer",
            answers(Value::map([
                ("status", 200.into()),
                (
                    "trailers",
                    Value::List(vec![Value::map([("x-sum", "1".into())])]),
                ),
            ])),
            answers(Value::map([("status", 200.into())])),
        ),
    ];
    assert_eq!(green(rows), [""; 0]);
}
