//! What the service answers: a small document for each number, the same in every run.

/// The path of a request.
pub fn path(number: usize) -> String {
    format!("/items/{number}")
}

/// The body of its answer.
pub fn body(number: usize) -> String {
    format!(
        r#"{{"id":{number},"name":"item {number}","price":"{}.{:02}","tags":["new","size {}"],"stock":{{"berlin":{},"paris":{}}},"active":{}}}"#,
        number / 100,
        number % 100,
        number % 7,
        number % 13,
        number % 17,
        number.is_multiple_of(2),
    )
}
