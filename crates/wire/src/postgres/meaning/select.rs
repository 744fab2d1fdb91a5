//! Which SELECTs are set-up: those that read nothing but the catalogues or the session itself.

use super::super::sql::{Lexer, Token};
use super::Meaning;

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

/// Keywords after which no list of relations is open.
const ENDS_FROM: &[&str] = &[
    "where",
    "group",
    "order",
    "limit",
    "union",
    "select",
    "having",
    "except",
    "intersect",
];

/// Keywords of statements that write or lock.
const WRITES: &[&str] = &["into", "insert", "update", "delete", "merge", "share"];

/// Keywords that may stand before a bracket and are no functions.
const NO_FUNCTIONS: &[&str] = &[
    "in", "any", "all", "some", "exists", "values", "cast", "as", "and", "or", "on", "array",
    "select", "filter", "over", "by", "when", "then", "else", "row",
];

/// What a SELECT means, after its first keyword.
pub(super) fn select(lexer: &mut Lexer<'_>, with: bool) -> Meaning {
    let mut scan = Scan {
        lexer,
        seen: Seen::default(),
        brackets: Vec::new(),
        in_from: false,
        expect_relation: false,
        last_name: None,
        expression: None,
    };
    loop {
        match scan.lexer.next() {
            None | Some(Token::Semicolon) => return scan.seen.meaning(with),
            Some(token) => {
                scan.seen.count(&token);
                if scan.token(token).is_none() {
                    return Meaning::Ordinary;
                }
            }
        }
    }
}

/// A statement on its way through the lexer. Its methods give none where it is ordinary.
struct Scan<'l, 'a> {
    lexer: &'l mut Lexer<'a>,
    seen: Seen<'a>,
    /// For each open bracket: the name before it, and whether a list of relations was open.
    brackets: Vec<(Option<&'a str>, bool)>,
    /// Whether a list of relations is open, in which a comma is followed by another one.
    in_from: bool,
    /// Whether a relation comes next.
    expect_relation: bool,
    /// The name that came last.
    last_name: Option<&'a str>,
    /// The name before AS: a common table expression, where a bracket follows.
    expression: Option<&'a str>,
}

impl<'a> Scan<'_, 'a> {
    fn token(&mut self, token: Token<'a>) -> Option<()> {
        let expression = self.expression.take();
        match token {
            Token::Word(_) | Token::Quoted(_) if self.expect_relation => {
                if is_one_of(&token, &["only", "lateral"]) {
                    return Some(());
                }
                self.expect_relation = false;
                self.last_name = None;
                self.relation(token)
            }
            Token::Word(word) => self.word(word, expression),
            Token::Quoted(name) => {
                self.last_name = Some(name);
                Some(())
            }
            Token::Other(other) => self.other(other, expression),
            _ => {
                self.last_name = None;
                Some(())
            }
        }
    }

    fn word(&mut self, word: &'a str, expression: Option<&'a str>) -> Option<()> {
        let token = Token::Word(word);
        if is_one_of(&token, WRITES) || is_one_of(&token, CLOCKS) {
            return None;
        }
        if token.is_word("as") {
            self.expression = self.last_name;
            return Some(());
        }
        if is_one_of(&token, &["not", "materialized"]) {
            self.expression = expression;
            return Some(());
        }
        if is_one_of(&token, &["from", "join"]) {
            (self.in_from, self.expect_relation) = (true, true);
        } else if is_one_of(&token, ENDS_FROM) {
            self.in_from = false;
        } else if is_one_of(&token, SESSION_FUNCTIONS) {
            self.seen.session_function = true;
        }
        self.last_name = Some(word);
        Some(())
    }

    fn other(&mut self, other: char, expression: Option<&'a str>) -> Option<()> {
        match other {
            '(' => {
                if let Some(name) = expression {
                    self.seen.ctes.push(name);
                } else if let Some(name) = self.last_name {
                    self.seen.call(name)?;
                }
                self.brackets.push((self.last_name.take(), self.in_from));
                // Brackets in the place of a relation hold a query, or relations that are joined.
                let next = self.lexer.clone().next();
                let query = next.is_some_and(|t| is_one_of(&t, &["select", "with", "values"]));
                self.expect_relation &= !query;
                self.in_from = self.expect_relation;
            }
            ')' => {
                (self.last_name, self.in_from) = self.brackets.pop().unwrap_or_default();
                self.expect_relation = false;
            }
            ',' => {
                self.expect_relation = self.in_from;
                self.last_name = None;
            }
            // A schema's name before a function's: the catalogue's own, or somebody else's.
            '.' => {
                let own = self.last_name.take().is_none_or(is_catalogue);
                if !own && function_follows(self.lexer) {
                    return None;
                }
            }
            _ => self.last_name = None,
        }
        Some(())
    }

    /// Reads the name of a relation, or the call of a function in its place.
    fn relation(&mut self, first: Token<'a>) -> Option<()> {
        let (mut schema, mut name) = (None, name_of(first)?);
        let mut ahead = self.lexer.clone();
        while ahead.next() == Some(Token::Other('.')) {
            (schema, name) = (Some(name), name_of(ahead.next()?)?);
            *self.lexer = ahead.clone();
        }
        let catalogue = schema.is_none_or(is_catalogue);
        if self.lexer.clone().next() == Some(Token::Other('(')) {
            return if catalogue {
                self.seen.call(name)
            } else {
                None
            };
        }
        if schema.is_none() && self.seen.ctes.contains(&name) {
            return Some(());
        }
        let of_catalogue = catalogue && (schema.is_some() || starts_with(name, "pg_"));
        self.seen.catalogue |= of_catalogue;
        of_catalogue.then_some(())
    }
}

fn name_of(token: Token<'_>) -> Option<&str> {
    match token {
        Token::Word(name) | Token::Quoted(name) => Some(name),
        _ => None,
    }
}

fn is_one_of(token: &Token<'_>, words: &[&str]) -> bool {
    words.iter().any(|word| token.is_word(word))
}

fn is_catalogue(schema: &str) -> bool {
    schema.eq_ignore_ascii_case("pg_catalog") || schema.eq_ignore_ascii_case("information_schema")
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
    /// How many tokens there were, and whether the first ones are those of a ping.
    tokens: usize,
    literal_first: bool,
    alias_second: bool,
}

impl Seen<'_> {
    fn count(&mut self, token: &Token<'_>) {
        self.tokens += 1;
        let constant = *token == Token::Literal || is_one_of(token, &["null", "true"]);
        match self.tokens {
            1 => self.literal_first = constant,
            2 => self.alias_second = token.is_word("as"),
            _ => {}
        }
        self.parameter |= matches!(token, Token::Parameter(_));
    }

    /// A name before a bracket. None where it is a function that does something.
    fn call(&mut self, name: &str) -> Option<()> {
        let token = Token::Word(name);
        if token.is_word("set_config") {
            self.set_config = true;
        } else if is_one_of(&token, SESSION_FUNCTIONS) {
            self.session_function = true;
        } else if EFFECTS.iter().any(|effect| starts_with(name, effect)) {
            return None;
        } else if !is_one_of(&token, NO_FUNCTIONS) {
            self.other_function = true;
        }
        Some(())
    }

    fn meaning(&self, with: bool) -> Meaning {
        let own = self.session_function && !self.other_function && !self.parameter;
        let ping =
            self.literal_first && (self.tokens == 1 || self.tokens == 3 && self.alias_second);
        if self.set_config {
            Meaning::SetUp
        } else if self.catalogue || !with && (own || ping) {
            Meaning::Session
        } else {
            Meaning::Ordinary
        }
    }
}
