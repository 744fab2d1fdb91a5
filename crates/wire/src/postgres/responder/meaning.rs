//! What a statement does to its session, by its first words.
//!
//! Only what the answer of a session depends on is told apart: transactions, settings,
//! prepared statements and COPY. Everything else is the recording's business.

#[cfg(test)]
mod tests;

use crate::postgres::sql::{Lexer, Token, skip_space, strip_word};

/// What a statement does to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Begin,
    Commit,
    Rollback,
    RollbackTo,
    /// SAVEPOINT and RELEASE.
    Savepoint,
    /// A setting that does not change what later statements mean.
    Setting,
    /// LISTEN and UNLISTEN.
    Listen,
    Deallocate,
    Discard,
    CopyIn,
    Other,
}

impl Kind {
    /// Whether the statement is carried out in a transaction that failed.
    pub(super) fn ends_failure(self) -> bool {
        matches!(self, Kind::Commit | Kind::Rollback | Kind::RollbackTo)
    }

    /// Whether a server's answer is known without a recording. `failed`: the transaction did.
    pub(super) fn own_tag(self, statement: &str, failed: bool) -> Option<&'static str> {
        let first = words(statement).next().unwrap_or_default();
        let is = |word: &str| first.eq_ignore_ascii_case(word);
        Some(match self {
            Kind::Begin if is("start") => "START TRANSACTION",
            Kind::Begin => "BEGIN",
            Kind::Commit if !failed => "COMMIT",
            Kind::Commit | Kind::Rollback | Kind::RollbackTo => "ROLLBACK",
            Kind::Savepoint if is("release") => "RELEASE",
            Kind::Savepoint => "SAVEPOINT",
            Kind::Setting if is("reset") => "RESET",
            Kind::Setting => "SET",
            Kind::Listen if is("unlisten") => "UNLISTEN",
            Kind::Listen => "LISTEN",
            Kind::Deallocate if deallocated(statement) == Some(None) => "DEALLOCATE ALL",
            Kind::Deallocate => "DEALLOCATE",
            Kind::Discard => "DISCARD ALL",
            Kind::CopyIn | Kind::Other => return None,
        })
    }

    /// Whether the statement belongs to the set-up of a session, as the recording side scopes it.
    pub(super) fn is_set_up(self) -> bool {
        matches!(self, Kind::Setting | Kind::Deallocate | Kind::Discard)
    }
}

/// What one statement does.
pub(super) fn kind(statement: &str) -> Kind {
    let mut words = words(statement).map(str::to_ascii_lowercase);
    let mut next = || words.next().unwrap_or_default();
    match next().as_str() {
        "begin" => Kind::Begin,
        "start" if next() == "transaction" => Kind::Begin,
        "commit" | "end" if next() != "prepared" => Kind::Commit,
        "abort" => Kind::Rollback,
        "rollback" => rollback(&mut next),
        // The transaction is over for this session; the tag says PREPARE TRANSACTION.
        "prepare" if next() == "transaction" => Kind::Other,
        "savepoint" | "release" => Kind::Savepoint,
        "set" => setting(&mut next),
        "reset" => match next().as_str() {
            "all" | "role" | "session" | "search_path" => Kind::Other,
            name if name.contains('.') => Kind::Other,
            _ => Kind::Setting,
        },
        "listen" | "unlisten" => Kind::Listen,
        "deallocate" => Kind::Deallocate,
        "discard" if next() == "all" => Kind::Discard,
        "copy" if copies_in(statement) => Kind::CopyIn,
        _ => Kind::Other,
    }
}

/// The name of a setting and its new value: `SET name TO value`.
pub(super) fn setting_of(statement: &str) -> Option<(String, String)> {
    let rest = strip_word(statement, "set")?;
    let rest = strip_word(rest, "session").unwrap_or(rest);
    if let Some(zone) = strip_word(rest, "time").and_then(|rest| strip_word(rest, "zone")) {
        return Some(("TimeZone".to_owned(), unquote(zone)));
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    let (name, rest) = rest.split_at_checked(end)?;
    let rest = skip_space(rest);
    let value = rest.strip_prefix('=').or_else(|| strip_word(rest, "to"))?;
    Some((name.to_owned(), unquote(value)))
}

/// The prepared statement that DEALLOCATE names; the inner none for all of them.
pub(super) fn deallocated(statement: &str) -> Option<Option<String>> {
    let rest = strip_word(statement, "deallocate")?;
    let rest = strip_word(rest, "prepare").unwrap_or(rest);
    let name = rest.trim_end_matches([';', ' ', '\n', '\t']);
    Some(
        match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
            Some(quoted) => Some(quoted.replace("\"\"", "\"")),
            None if name.eq_ignore_ascii_case("all") => None,
            None => Some(name.to_ascii_lowercase()),
        },
    )
}

/// The prepared statement that a statement runs or explains: `EXECUTE name`, `EXPLAIN … EXECUTE
/// name`.
pub(in crate::postgres) fn executed(sql: &str) -> Option<String> {
    let mut rest = skip_space(sql);
    if let Some(explained) = strip_word(rest, "explain") {
        rest = match explained.strip_prefix('(') {
            Some(options) => skip_space(options.split_once(')')?.1),
            None => explained,
        };
        while let Some(behind) = ["analyze", "verbose"]
            .iter()
            .find_map(|w| strip_word(rest, w))
        {
            rest = behind;
        }
    }
    name(strip_word(rest, "execute")?)
}

/// The name and the text of the statement that PREPARE prepares.
pub(in crate::postgres) fn prepared(sql: &str) -> Option<(String, &str)> {
    let rest = strip_word(sql, "prepare")?;
    let named = name(rest)?;
    let mut lexer = Lexer::new(rest);
    lexer.next();
    // Types may have brackets of their own: `numeric(10,2)`.
    let mut depth = 0_usize;
    loop {
        match lexer.next()? {
            Token::Other('(') => depth = depth.saturating_add(1),
            Token::Other(')') => depth = depth.saturating_sub(1),
            token if depth == 0 => {
                return token
                    .is_word("as")
                    .then(|| (named, skip_space(lexer.rest())));
            }
            _ => {}
        }
    }
}

/// What LISTEN and UNLISTEN say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listened {
    To(String),
    NoMoreTo(String),
    ToNothing,
}

/// The channel that LISTEN or UNLISTEN names.
pub(super) fn listened(statement: &str) -> Option<Listened> {
    if let Some(rest) = strip_word(statement, "listen") {
        return name(rest).map(Listened::To);
    }
    let rest = strip_word(statement, "unlisten")?;
    match rest.starts_with('*') {
        true => Some(Listened::ToNothing),
        false => name(rest).map(Listened::NoMoreTo),
    }
}

/// The name that a text begins with, as a server knows it.
fn name(text: &str) -> Option<String> {
    match Lexer::new(text).next()? {
        Token::Quoted(name) => Some(name.replace("\"\"", "\"")),
        Token::Word(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    }
}

/// The cursors that a string of statements declares: the name, and the statement that does it.
pub(in crate::postgres) fn cursors(sql: &str) -> Vec<(String, &str)> {
    let declared = |statement: &str| name(strip_word(statement, "declare")?);
    statements(sql)
        .into_iter()
        .filter_map(|statement| Some((declared(statement)?, statement)))
        .collect()
}

fn rollback(next: &mut dyn FnMut() -> String) -> Kind {
    let mut word = next();
    if matches!(word.as_str(), "work" | "transaction") {
        word = next();
    }
    match word.as_str() {
        "to" => Kind::RollbackTo,
        "prepared" => Kind::Other,
        _ => Kind::Rollback,
    }
}

/// Settings that decide what later statements mean (a role, a search path, the application's
/// own names with a dot) are not taken for granted.
fn setting(next: &mut dyn FnMut() -> String) -> Kind {
    let mut word = next();
    if word == "session" {
        word = next();
        if matches!(word.as_str(), "authorization" | "characteristics") {
            return Kind::Other;
        }
    }
    match word.as_str() {
        "local" | "role" | "transaction" | "constraints" | "search_path" | "schema" => Kind::Other,
        name if name.contains('.') => Kind::Other,
        _ => Kind::Setting,
    }
}

/// Whether a COPY reads from the client.
fn copies_in(statement: &str) -> bool {
    let words: Vec<String> = words(statement).map(str::to_ascii_lowercase).collect();
    words.windows(2).any(|pair| pair == ["from", "stdin"])
}

/// The words of a statement, without comments, names in quotes and texts; names with dots are
/// one word (`app.user`).
fn words(statement: &str) -> impl Iterator<Item = &str> {
    let mut lexer = Lexer::new(statement);
    std::iter::from_fn(move || {
        loop {
            let Token::Word(first) = lexer.next()? else {
                continue;
            };
            let start = lexer.rest();
            let mut behind = start;
            while let Some(dotted) = behind.strip_prefix('.') {
                let mut part = Lexer::new(dotted);
                if dotted != skip_space(dotted) || !matches!(part.next(), Some(Token::Word(_))) {
                    break;
                }
                lexer = part;
                behind = lexer.rest();
            }
            // The word and what its dots join lie in the statement next to each other.
            let from = statement.len() - start.len() - first.len();
            return statement.get(from..statement.len() - behind.len());
        }
    })
}

/// The statements of a string, without the empty ones.
pub(super) fn statements(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut lexer = Lexer::new(sql);
    let mut start = 0;
    let mut empty = true;
    loop {
        let end = match lexer.next() {
            Some(Token::Semicolon) => sql.len() - lexer.rest().len() - 1,
            None => sql.len(),
            Some(_) => {
                empty = false;
                continue;
            }
        };
        if !empty {
            found.extend(sql.get(start..end));
        }
        if end == sql.len() {
            return found;
        }
        start = end + 1;
        empty = true;
    }
}

/// The highest number of a parameter (`$1`) in a statement.
pub(super) fn parameter_count(statement: &str) -> usize {
    let mut lexer = Lexer::new(statement);
    let mut highest = 0;
    while let Some(token) = lexer.next() {
        if let Token::Parameter(Some(number)) = token {
            highest = highest.max(usize::from(number));
        }
    }
    highest
}

/// A value without the quotes around it.
fn unquote(value: &str) -> String {
    let value = value.trim().trim_end_matches(';').trim_end();
    match value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
        Some(text) => text.replace("''", "'"),
        None => value.trim_matches('"').to_owned(),
    }
}
