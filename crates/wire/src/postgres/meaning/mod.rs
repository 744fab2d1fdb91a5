//! What a statement means to a recording: session set-up or the service's own work, and the
//! trace that it says it belongs to.
//!
//! Only what is certain counts as set-up. A statement that is taken for ordinary is matched as
//! strictly as all others; one that is wrongly taken for set-up would hide a change.

mod select;

use retake_model::TraceId;

use super::sql::{Lexer, Token, is_in_comment};

/// What a statement means. In rising order: a string of several means the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Session set-up, a look at the catalogues, a ping: answered at any time, any number of
    /// times.
    Session,
    /// It decides what later statements mean (a role, a schema search path). It is set-up only
    /// where nothing else was run before it on its connection.
    SetUp,
    /// The service's own work.
    Ordinary,
}

/// What a string of statements means.
pub fn meaning(sql: &str) -> Meaning {
    let mut lexer = Lexer::new(sql);
    let mut whole = Meaning::Session;
    loop {
        whole = whole.max(statement(&mut lexer));
        if whole == Meaning::Ordinary || lexer.is_at_end() {
            return whole;
        }
    }
}

/// Reads one statement, up to its semicolon; not to its end where it is ordinary.
fn statement(lexer: &mut Lexer<'_>) -> Meaning {
    let first = match lexer.next() {
        None | Some(Token::Semicolon) => return Meaning::Session,
        Some(Token::Word(word)) => word,
        Some(_) => return Meaning::Ordinary,
    };
    let is = |keyword: &str| first.eq_ignore_ascii_case(keyword);
    if is("select") || is("with") {
        return select::select(lexer, is("with"));
    }
    let meaning = if is("set") {
        set(lexer)
    } else if is("show") || is("discard") || is("deallocate") || is("unlisten") {
        Meaning::Session
    } else if is("listen") {
        Meaning::SetUp
    } else if is("reset") {
        match lexer.next() {
            Some(Token::Word(what)) => setting(what),
            _ => Meaning::Ordinary,
        }
    } else if is("close") && lexer.next().is_some_and(|what| what.is_word("all")) {
        Meaning::Session
    } else {
        Meaning::Ordinary
    };
    if meaning != Meaning::Ordinary {
        while lexer.next().is_some_and(|token| token != Token::Semicolon) {}
    }
    meaning
}

/// What stands after SET.
fn set(lexer: &mut Lexer<'_>) -> Meaning {
    let Some(Token::Word(mut what)) = lexer.next() else {
        return Meaning::Ordinary;
    };
    let is = |what: &str, keyword: &str| what.eq_ignore_ascii_case(keyword);
    if ["local", "transaction", "constraints"]
        .iter()
        .any(|word| is(what, word))
    {
        return Meaning::Ordinary;
    }
    if is(what, "session") {
        match lexer.next() {
            Some(Token::Word(next)) if is(next, "authorization") => return Meaning::SetUp,
            Some(Token::Word(next)) => what = next,
            _ => return Meaning::Ordinary,
        }
    }
    let mut ahead = lexer.clone();
    match ahead.next() {
        Some(Token::Other('.')) => Meaning::SetUp,
        _ => setting(what),
    }
}

/// What changing the setting of that name means.
fn setting(name: &str) -> Meaning {
    let decides = ["role", "search_path", "schema", "session_authorization"];
    if decides.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        Meaning::SetUp
    } else {
        Meaning::Session
    }
}

/// The trace that a comment of the statement names: `traceparent='00-…'` (W3C trace context,
/// section 3.2, as sqlcommenter writes it).
pub fn trace(sql: &str) -> Option<TraceId> {
    // Where there are none of these there is no comment.
    memchr::memchr2(b'-', b'*', sql.as_bytes())?;
    let mut rest = sql;
    while let Some(at) = rest.find("traceparent") {
        let before = sql.len() - rest.len() + at;
        rest = rest.get(at + "traceparent".len()..)?;
        let value = rest.trim_start_matches(|c: char| "=:'\" ".contains(c));
        if let Some(id) = trace_id(value)
            && is_in_comment(sql, before)
        {
            return Some(id);
        }
    }
    None
}

/// `version-trace_id-parent_id-flags`: 2, 32, 16 and 2 hex digits.
fn trace_id(value: &str) -> Option<TraceId> {
    let mut parts = value.get(..55)?.split('-');
    let mut part = |length: usize| {
        let part = parts.next()?;
        let hex = part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then_some(part)
    };
    let (_, id, _, _) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let zero = id.bytes().all(|b| b == b'0');
    (!zero).then(|| TraceId(id.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
