//! Which SELECTs are set-up: those that read nothing but the catalogues or the session itself.

use super::Meaning;
use super::lexer::{Lexer, Token};

/// Functions that tell of the session or the server, and give the same whenever they are asked.
const SESSION_FUNCTIONS: &[&str] = &[
    "version",
    "current_schema",
    "current_schemas",
    "current_database",
    "current_catalog",
    "current_setting",
    "current_user",
    "session_user",
    "current_role",
    "user",
    "pg_backend_pid",
    "pg_is_in_recovery",
    "pg_advisory_unlock_all",
    "inet_server_addr",
    "inet_server_port",
    "pg_encoding_to_char",
    "to_regtype",
    "to_regclass",
];

/// Words that need no brackets and give another answer each time.
const CLOCKS: &[&str] = &[
    "current_timestamp",
    "current_time",
    "current_date",
    "localtime",
    "localtimestamp",
];

/// Functions that do something, or give another answer each time; those that begin so.
const EFFECTS: &[&str] = &[
    "pg_notify",
    "pg_advisory",
    "pg_try_advisory",
    "pg_sleep",
    "pg_terminate",
    "pg_cancel",
    "pg_logical",
    "pg_replication",
    "pg_create",
    "pg_drop",
    "pg_export",
    "pg_reload",
    "pg_current_xact",
    "txid_",
    "nextval",
    "currval",
    "lastval",
    "setval",
    "lo_",
    "dblink",
    "random",
    "gen_random",
    "uuid_",
    "now",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
];

/// What was seen of a statement.
#[derive(Debug, Default)]
struct Seen<'a> {
    /// Common table expressions.
    ctes: Vec<&'a str>,
    catalogue: bool,
    session_function: bool,
    other_function: bool,
    set_config: bool,
    parameter: bool,
    /// Tokens, the first few of them counting as a ping or not.
    tokens: usize,
    literal_first: bool,
    alias_second: bool,
}

/// What a SELECT means, after its first keyword.
pub(super) fn select(lexer: &mut Lexer<'_>, with: bool) -> Meaning {
    let mut seen = Seen::default();
    // For each open bracket: the name before it, and whether a list of relations was open in it.
    let mut brackets: Vec<(Option<&str>, bool)> = Vec::new();
    let mut in_from = false;
    let mut expect_relation = false;
    let mut last_name: Option<&str> = None;
    let mut expression: Option<&str> = None;
    loop {
        let token = match lexer.next() {
            None | Some(Token::Semicolon) => return seen.meaning(with),
            Some(token) => token,
        };
        seen.count(&token);
        let candidate = expression.take();
        match token {
            Token::Word(_) | Token::Quoted(_) if expect_relation => {
                if ["only", "lateral"].iter().any(|word| token.is_word(word)) {
                    continue;
                }
                expect_relation = false;
                last_name = None;
                if !relation(lexer, token, &mut seen) {
                    return Meaning::Ordinary;
                }
            }
            Token::Word(word) => {
                let is = |keyword: &&str| word.eq_ignore_ascii_case(keyword);
                if ["from", "join"].iter().any(is) {
                    (in_from, expect_relation) = (true, true);
                } else if [
                    "where",
                    "group",
                    "order",
                    "limit",
                    "union",
                    "select",
                    "having",
                    "except",
                    "intersect",
                ]
                .iter()
                .any(is)
                {
                    in_from = false;
                } else if ["into", "insert", "update", "delete", "merge", "share"]
                    .iter()
                    .any(is)
                    || CLOCKS.iter().any(is)
                {
                    return Meaning::Ordinary;
                } else if is(&"as") {
                    expression = last_name;
                    continue;
                } else if ["not", "materialized"].iter().any(is) {
                    expression = candidate;
                    continue;
                } else if SESSION_FUNCTIONS.iter().any(is) {
                    seen.session_function = true;
                }
                last_name = Some(word);
            }
            Token::Quoted(name) => last_name = Some(name),
            Token::Other('(') => {
                if let Some(name) = candidate {
                    seen.ctes.push(name);
                } else if let Some(name) = last_name
                    && !seen.call(name)
                {
                    return Meaning::Ordinary;
                }
                brackets.push((last_name.take(), in_from));
                let query = ["select", "with", "values"];
                let next = lexer.clone().next();
                let query = next.is_some_and(|next| query.iter().any(|word| next.is_word(word)));
                // Brackets in the place of a relation hold a query, or relations that are joined.
                expect_relation &= !query;
                in_from = expect_relation;
            }
            Token::Other(')') => {
                (last_name, in_from) = brackets.pop().unwrap_or_default();
                expect_relation = false;
            }
            Token::Other(',') => {
                expect_relation = in_from;
                last_name = None;
            }
            // A schema's name before a function's: its own catalogue, or somebody else's.
            Token::Other('.') => {
                let own = last_name.is_none_or(|name| name.eq_ignore_ascii_case("pg_catalog"));
                last_name = None;
                if !own && function_follows(lexer) {
                    return Meaning::Ordinary;
                }
            }
            _ => last_name = None,
        }
    }
}

/// Reads the name of a relation, or the call of a function in its place. False where it is none
/// of the catalogue.
fn relation<'a>(lexer: &mut Lexer<'a>, first: Token<'a>, seen: &mut Seen<'a>) -> bool {
    let name_of = |token: Token<'a>| match token {
        Token::Word(name) | Token::Quoted(name) => Some(name),
        _ => None,
    };
    let (mut schema, mut name) = (None, name_of(first).unwrap_or_default());
    let mut ahead = lexer.clone();
    while ahead.next() == Some(Token::Other('.')) {
        let Some(part) = ahead.next().and_then(name_of) else {
            return false;
        };
        (schema, name) = (Some(name), part);
        *lexer = ahead.clone();
    }
    let of_catalogue = |schema: &str| {
        schema.eq_ignore_ascii_case("pg_catalog")
            || schema.eq_ignore_ascii_case("information_schema")
    };
    if lexer.clone().next() == Some(Token::Other('(')) {
        return schema.is_none_or(of_catalogue) && seen.call(name);
    }
    match schema {
        None if seen.ctes.contains(&name) => true,
        None if starts_with(name, "pg_") => {
            seen.catalogue = true;
            true
        }
        Some(schema) if of_catalogue(schema) => {
            seen.catalogue = true;
            true
        }
        _ => false,
    }
}

/// Whether a name and an opening bracket come next.
fn function_follows(lexer: &Lexer<'_>) -> bool {
    let mut ahead = lexer.clone();
    matches!(ahead.next(), Some(Token::Word(_) | Token::Quoted(_)))
        && ahead.next() == Some(Token::Other('('))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|front| front.eq_ignore_ascii_case(start))
}

impl<'a> Seen<'a> {
    fn count(&mut self, token: &Token<'_>) {
        self.tokens += 1;
        let constant = *token == Token::Literal || token.is_word("null") || token.is_word("true");
        match self.tokens {
            1 => self.literal_first = constant,
            2 => self.alias_second = token.is_word("as"),
            _ => {}
        }
        self.parameter |= *token == Token::Parameter;
    }

    /// A name before a bracket. False where it is a function that does something.
    fn call(&mut self, name: &str) -> bool {
        let is = |known: &&str| name.eq_ignore_ascii_case(known);
        if is(&"set_config") {
            self.set_config = true;
        } else if SESSION_FUNCTIONS.iter().any(is) {
            self.session_function = true;
        } else if EFFECTS.iter().any(|effect| starts_with(name, effect)) {
            return false;
        } else if ![
            "in", "any", "all", "some", "exists", "values", "cast", "as", "and", "or", "on",
            "array", "select", "filter", "over", "by", "when", "then", "else", "row",
        ]
        .iter()
        .any(is)
        {
            self.other_function = true;
        }
        true
    }

    fn meaning(&self, with: bool) -> Meaning {
        if self.set_config {
            return Meaning::SetUp;
        }
        if self.catalogue {
            return Meaning::Session;
        }
        let own = self.session_function && !self.other_function && !self.parameter;
        let ping = self.literal_first
            && (self.tokens == 1 || self.tokens == 3 && self.alias_second || self.tokens == 0);
        if !with && (own || ping) {
            Meaning::Session
        } else {
            Meaning::Ordinary
        }
    }
}
