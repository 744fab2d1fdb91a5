//! Simple queries and function calls.

use std::sync::Arc;

use retake_model::{Answer, Value};

use super::answer::{self, Malformed, Read};
use super::meaning::{self, Kind};
use super::serve::{Served, in_failed_transaction};
use super::server::{Server, Waiting};
use crate::postgres::message::{Format, FunctionCall};
use crate::{Reading, WireError};

impl Server {
    pub(super) fn query(&mut self, sql: &[u8]) {
        let request = Value::map([
            ("sql", Value::text_or_bytes(sql)),
            ("simple", Value::Bool(true)),
        ]);
        // A simple query ends the unnamed statement and portal.
        self.session.forget_statement(b"");
        self.session.forget_portal(b"");
        let text = String::from_utf8_lossy(sql);
        let statements = meaning::statements(&text);
        let kinds: Vec<Kind> = statements.iter().map(|s| meaning::kind(s)).collect();
        let waiting = Waiting::Query(sql.to_vec());
        let refused = kinds
            .first()
            .is_some_and(|first| self.session.refuses(*first));
        if kinds.contains(&Kind::CopyIn) && !refused {
            // The answers to the statements before a COPY follow its data, which are part of
            // what is asked.
            let copies = statements.iter().zip(&kinds);
            let copies = copies.filter(|(_, kind)| **kind == Kind::CopyIn);
            return self.start_copy(copies.map(|(sql, _)| *sql), request, waiting);
        }
        let set_up = match kinds.as_slice() {
            [one] => one.is_set_up(),
            many => !many.is_empty() && many.iter().all(|kind| kind.is_set_up()),
        };
        let reading = match set_up {
            true => Reading::Probe,
            false => Reading::Call,
        };
        self.ask(request, reading, waiting);
    }

    pub(super) fn queried(&mut self, sql: &[u8], answer: &Answer) -> Result<(), WireError> {
        let text = String::from_utf8_lossy(sql);
        let statements = meaning::statements(&text);
        let tree = match answer {
            Answer::Serve(tree) => tree.clone(),
            Answer::Miss(miss) => match self.own_results(&statements) {
                Some(own) => own,
                None => {
                    let refused = statements
                        .iter()
                        .any(|s| self.session.refuses(meaning::kind(s)));
                    if refused {
                        self.fail(true, in_failed_transaction());
                    } else {
                        self.miss(true, miss);
                    }
                    return Ok(());
                }
            },
        };
        match self.serve_results(&statements, &tree) {
            Ok(()) => Ok(()),
            Err(why) => Err(self.unservable(true, why)),
        }
    }

    /// The answers to a string of statements of which none needs a recording.
    fn own_results(&self, statements: &[&str]) -> Option<Arc<Value>> {
        match statements {
            [] => Some(Arc::new(Value::map([("empty", Value::Bool(true))]))),
            [one] => self.own_answer(meaning::kind(one), one),
            many => {
                let results: Option<Vec<Value>> = many
                    .iter()
                    .map(|s| {
                        self.own_answer(meaning::kind(s), s)
                            .map(|tree| (*tree).clone())
                    })
                    .collect();
                Some(Arc::new(Value::map([("results", Value::List(results?))])))
            }
        }
    }

    fn serve_results(&mut self, statements: &[&str], tree: &Value) -> Read<()> {
        let one = std::slice::from_ref(tree);
        let results = match tree.get("results") {
            None => one,
            Some(results) => results
                .as_list()
                .ok_or_else(|| Malformed("`results` is no list".to_owned()))?,
        };
        for (at, result) in results.iter().enumerate() {
            let statement = statements.get(at).copied().unwrap_or_default();
            let kind = meaning::kind(statement);
            if self.session.refuses(kind) && result.get("error").is_none() {
                self.fail(true, in_failed_transaction());
                return Ok(());
            }
            if let Some(columns) = answer::columns(result)? {
                answer::write_columns(&mut self.out, &columns, &[]);
            }
            let served = Served {
                tree: result,
                kind,
                statement,
                formats: &[],
                from: 0,
                limit: 0,
            };
            if self.serve(&served)?.failed {
                self.after_error(true);
                return Ok(());
            }
        }
        self.ready();
        Ok(())
    }

    pub(super) fn function(&mut self, call: &FunctionCall<'_>) {
        let args = call.args.iter().enumerate();
        let params = args.map(|(at, arg)| match arg {
            None => Value::Null,
            Some(arg) if call.formats.of(at) == Format::Text => Value::text_or_bytes(arg),
            Some(arg) => Value::Bytes(arg.to_vec().into()),
        });
        let request = Value::map([
            ("function", call.oid.into()),
            ("params", Value::List(params.collect())),
        ]);
        self.ask(request, Reading::Call, Waiting::Function);
    }

    pub(super) fn function_ran(&mut self, answer: &Answer) -> Result<(), WireError> {
        let tree = match answer {
            Answer::Serve(tree) => tree,
            Answer::Miss(miss) => {
                self.miss(true, miss);
                return Ok(());
            }
        };
        if let Some(error) = tree.get("error") {
            return match answer::write_report(&mut self.out, b'E', error) {
                Ok(()) => {
                    self.after_error(true);
                    Ok(())
                }
                Err(why) => Err(self.unservable(true, why)),
            };
        }
        let result = tree.get("result").unwrap_or(&Value::Null);
        if !matches!(result, Value::Null) && answer::bytes_of(result).is_none() {
            let why = Malformed("`result` is neither text nor bytes".to_owned());
            return Err(self.unservable(true, why));
        }
        self.out.function_result(answer::bytes_of(result));
        self.ready();
        Ok(())
    }
}
