//! Exchanges as lines that a table of expectations can hold.

use retake_model::{Exchange, Flaw, Message, Value, json};

/// Method, path, status, and what else the trees have of bodies, trailers, framing, interim
/// responses, and the flaw.
pub fn line(exchange: &Exchange) -> String {
    let mut out = Vec::new();
    for (message, first) in [
        (&exchange.request, &["method", "path"][..]),
        (&exchange.response, &["status", "reason"]),
    ] {
        let Message::Tree(tree) = message else {
            out.push("?".to_owned());
            continue;
        };
        for name in first {
            out.extend(tree.get(name).map(show));
        }
        for name in ["version", "body", "trailers", "framing", "interim"] {
            out.extend(tree.get(name).map(|v| format!("{name}={}", show(v))));
        }
    }
    match &exchange.flaw {
        None => {}
        Some(Flaw::Undecodable(_)) => out.push("undecodable".to_owned()),
        Some(flaw) => out.push(format!("{flaw:?}")),
    }
    out.join(" ")
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => {
            let text = json::write(&shortened(value), &json::Style::default());
            String::from_utf8_lossy(&text.unwrap_or_default()).into_owned()
        }
    }
}

/// Bytes and long texts by their length.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Bytes(bytes) => Value::from(format!("<{} bytes>", bytes.len())),
        Value::String(text) if text.len() > 150 => {
            Value::from(format!("{}<{}>", &text[..5], text.len()))
        }
        Value::List(items) => Value::List(items.iter().map(shortened).collect()),
        Value::Map(fields) => Value::map(fields.iter().map(|(k, v)| (k.as_str(), shortened(v)))),
        value => value.clone(),
    }
}
