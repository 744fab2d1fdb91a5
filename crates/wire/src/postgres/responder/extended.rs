//! The extended protocol: Parse, Bind, Execute, Close.

use std::sync::{Arc, OnceLock};

use retake_model::{Answer, Value};

use super::describe::Purpose;
use super::meaning;
use super::serve::{Served, in_failed_transaction};
use super::server::{Server, Waiting};
use super::session::{Description, Portal, Prepared};
use crate::postgres::column::type_tree;
use crate::postgres::message::{Bind, Format, Parse, Target};
use crate::postgres::types;
use crate::{Reading, WireError};

/// A Bind that waits for the types of its parameters.
#[derive(Debug)]
pub(super) struct HeldBind {
    pub(super) prepared: Arc<Prepared>,
    portal: Vec<u8>,
    /// Each parameter in its format; none for NULL.
    params: Vec<Option<(Format, Vec<u8>)>>,
    results: Vec<Format>,
}

impl Server {
    pub(super) fn parse(&mut self, parse: &Parse<'_>) {
        let text = String::from_utf8_lossy(parse.sql);
        let statement = Prepared {
            sql: parse.sql.to_vec(),
            types: parse.types.iter().collect(),
            told: OnceLock::new(),
            kind: meaning::kind(&text),
        };
        match self.session.prepare(parse.name, statement) {
            Ok(()) => self.out.bare(b'1'),
            Err(refused) => self.fail(false, refused),
        }
    }

    pub(super) fn bind(&mut self, bind: &Bind<'_>) {
        let prepared = match self.session.statement(bind.statement) {
            Ok(prepared) => prepared,
            Err(refused) => return self.fail(false, refused),
        };
        let params = bind.params.iter().enumerate();
        let bind = HeldBind {
            portal: bind.portal.to_vec(),
            params: params
                .map(|(at, value)| value.map(|v| (bind.formats.of(at), v.to_vec())))
                .collect(),
            results: bind.results.iter().collect(),
            prepared,
        };
        let known = |at: usize| bind.prepared.type_of(at).is_some();
        let unknown = bind
            .params
            .iter()
            .enumerate()
            .any(|(at, param)| matches!(param, Some((Format::Binary, _))) && !known(at));
        match self.session.description(&bind.prepared.sql) {
            Some(description) => self.bind_held(bind, &description),
            None if unknown => self.ask_description(Purpose::Bind(bind)),
            None => self.bind_held(bind, &Description::default()),
        }
    }

    /// Makes a portal, now that as much is known of the parameters as will be.
    pub(super) fn bind_held(&mut self, bind: HeldBind, description: &Description) {
        let recorded = description.parameters.as_deref().unwrap_or_default();
        let known = |types: &[u32], at: usize| types.get(at).copied().filter(|oid| *oid != 0);
        let types: Vec<u32> = (0..bind.params.len())
            .map(|at| bind.prepared.type_of(at).or_else(|| known(recorded, at)))
            .map(Option::unwrap_or_default)
            .collect();
        let params = bind.params.iter().zip(&types);
        let params = params.map(|(param, oid)| param_tree(param.as_ref(), *oid));
        let portal = Portal {
            params: params.collect(),
            types,
            formats: bind.results,
            prepared: bind.prepared,
            answer: None,
            sent: 0,
            done: false,
        };
        match self.session.open(&bind.portal, portal) {
            Ok(()) => self.out.bare(b'2'),
            Err(refused) => self.fail(false, refused),
        }
    }

    pub(super) fn execute(&mut self, name: &[u8], limit: i32) {
        let describe = self.undescribed.take().is_some();
        let limit = usize::try_from(limit).unwrap_or(0);
        let portal = match self.session.portal(name) {
            Ok(portal) => portal,
            Err(refused) => return self.fail(false, refused),
        };
        if let Some(answer) = portal.answer.clone() {
            let served = self.serve_portal(name, limit, &answer);
            if let Err(why) = served {
                // The rest of an answer whose first rows were served: nobody waits for this.
                let _ = self.unservable(false, why);
            }
            return;
        }
        let (kind, request) = (portal.prepared.kind, portal.request());
        let sql = portal.prepared.text().into_owned();
        let copies = kind == meaning::Kind::CopyIn && !self.session.refuses(kind);
        let waiting = Waiting::Execute {
            portal: name.to_vec(),
            limit,
            describe: describe && !copies,
        };
        if copies {
            if describe {
                self.out.bare(b'n');
            }
            self.start_copy([sql.as_str()], request, waiting);
            return;
        }
        self.ask(request, reading(kind), waiting);
    }

    pub(super) fn executed(
        &mut self,
        name: &[u8],
        limit: usize,
        describe: bool,
        answer: &Answer,
    ) -> Result<(), WireError> {
        let Ok(portal) = self.session.portal(name) else {
            return Ok(());
        };
        let prepared = portal.prepared.clone();
        let tree = match answer {
            Answer::Serve(tree) => tree.clone(),
            Answer::Miss(miss) => match self.own_answer(prepared.kind, &prepared.text()) {
                Some(own) => own,
                None if self.session.refuses(prepared.kind) => {
                    self.fail(false, in_failed_transaction());
                    return Ok(());
                }
                None => {
                    self.miss(false, miss);
                    return Ok(());
                }
            },
        };
        if self.session.refuses(prepared.kind) && tree.get("error").is_none() {
            self.fail(false, in_failed_transaction());
            return Ok(());
        }
        if describe {
            match super::answer::columns(&tree) {
                Err(why) => return Err(self.unservable(false, why)),
                // An error without columns came before there was anything to describe.
                Ok(None) if tree.get("error").is_some() => {}
                Ok(columns) => {
                    let formats = self.portal_formats(name);
                    self.write_description(columns.as_deref(), &formats);
                }
            }
        }
        if let Ok(portal) = self.session.portal(name) {
            portal.answer = Some(tree.clone());
        }
        self.serve_portal(name, limit, &tree)
            .map_err(|why| self.unservable(false, why))
    }

    /// Sends the next rows of a portal that was executed.
    fn serve_portal(
        &mut self,
        name: &[u8],
        limit: usize,
        tree: &Arc<Value>,
    ) -> super::answer::Read<()> {
        let Ok(portal) = self.session.portal(name) else {
            return Ok(());
        };
        let (prepared, formats) = (portal.prepared.clone(), portal.formats.clone());
        let (sent, done) = (portal.sent, portal.done);
        if done {
            // Nothing is left: a query gives no more rows, anything else cannot be run again.
            self.out.command_complete("SELECT 0");
            return Ok(());
        }
        let served = Served {
            tree,
            kind: prepared.kind,
            statement: &prepared.text(),
            formats: &formats,
            from: sent,
            limit,
        };
        let end = self.serve(&served)?;
        if let Ok(portal) = self.session.portal(name) {
            portal.sent = end.sent;
            portal.done = !end.suspended;
        }
        if end.failed {
            self.after_error(false);
        }
        Ok(())
    }

    fn portal_formats(&mut self, name: &[u8]) -> Vec<Format> {
        self.session
            .portal(name)
            .map(|portal| portal.formats.clone())
            .unwrap_or_default()
    }

    pub(super) fn close(&mut self, target: Target<'_>) {
        match target {
            Target::Statement(name) => self.session.forget_statement(name),
            Target::Portal(name) => self.session.forget_portal(name),
        }
        self.out.bare(b'3');
    }
}

impl Portal {
    /// The request as the recording side says it.
    fn request(&self) -> Value {
        let mut request = Value::map([("sql", Value::text_or_bytes(&self.prepared.sql))]);
        if !self.params.is_empty() {
            request.push("params", Value::List(self.params.clone()));
        }
        if self.types.iter().any(|oid| *oid != 0) {
            let types = self.types.iter().map(|oid| type_tree(*oid)).collect();
            request.push("types", Value::List(types));
        }
        request
    }
}

/// How a statement counts that the recording may not have.
pub(super) fn reading(kind: meaning::Kind) -> Reading {
    if kind.is_set_up() {
        Reading::Probe
    } else {
        Reading::Call
    }
}

/// A parameter in the text format where its type is known.
fn param_tree(param: Option<&(Format, Vec<u8>)>, oid: u32) -> Value {
    match param {
        None => Value::Null,
        Some((Format::Text, text)) => Value::text_or_bytes(text),
        Some((Format::Binary, binary)) => match types::to_text(oid, binary) {
            Some(text) => Value::String(text),
            None => Value::Bytes(binary.clone().into()),
        },
    }
}
