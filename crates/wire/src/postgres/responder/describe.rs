//! What statements and portals take and give.

use std::sync::Arc;

use retake_model::{Answer, Value};

use super::answer::{self, Read};
use super::extended::HeldBind;
use super::server::{Inbound, Server, Waiting};
use super::session::{Description, Prepared};
use crate::postgres::column::{Column, type_tree};
use crate::postgres::message::{Format, Target};
use crate::{Reading, WireError};

/// What a description is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Describe of a statement.
    Statement(Arc<Prepared>),
    /// The same, asked again as a call, so that the miss counts.
    Unknown(Arc<Prepared>),
    /// Describe of a portal that is not executed right behind it.
    Portal(Arc<Prepared>, Vec<Format>),
    /// Describe of a cursor that SQL declared.
    Cursor(Arc<Prepared>),
    /// Bind with binary parameters of unknown types.
    Bind(HeldBind),
}

impl Purpose {
    fn statement(&self) -> &Arc<Prepared> {
        match self {
            Purpose::Statement(statement)
            | Purpose::Unknown(statement)
            | Purpose::Cursor(statement)
            | Purpose::Portal(statement, _) => statement,
            Purpose::Bind(bind) => &bind.prepared,
        }
    }
}

impl Server {
    pub(super) fn describe(&mut self, target: Target<'_>) {
        match target {
            Target::Statement(name) => match self.session.statement(name) {
                Ok(statement) => self.ask_description(Purpose::Statement(statement)),
                Err(refused) => self.fail(false, refused),
            },
            Target::Portal(name) => match self.session.portal(name) {
                Ok(_) => self.undescribed = Some(name.to_vec()),
                Err(refused) => match self.session.cursor(name) {
                    Some(declared) => self.ask_description(Purpose::Cursor(declared)),
                    None => self.fail(false, refused),
                },
            },
        }
    }

    /// Describes the portal whose Describe came before this message. False where that asks for
    /// something: the message has to wait.
    pub(super) fn describe_first(&mut self, next: &Inbound) -> bool {
        let Some(name) = self.undescribed.take() else {
            return true;
        };
        let Ok(portal) = self.session.portal(&name) else {
            return true;
        };
        if let Some(recorded) = portal.answer.clone() {
            let formats = portal.formats.clone();
            // An answer that was served has columns that can be read.
            let columns = answer::columns(&recorded).unwrap_or_default();
            self.write_description(columns.as_deref(), &formats);
            return true;
        }
        if let Inbound::Message(b'E', body) = next
            && body
                .strip_prefix(name.as_slice())
                .is_some_and(|rest| rest.starts_with(&[0]))
        {
            self.undescribed = Some(name);
            return true;
        }
        let purpose = Purpose::Portal(portal.prepared.clone(), portal.formats.clone());
        self.ask_description(purpose);
        false
    }

    /// Asks what a statement takes and gives, unless that is known.
    pub(super) fn ask_description(&mut self, purpose: Purpose) {
        let statement = purpose.statement().clone();
        if let Some(description) = self.session.description(&statement.sql) {
            self.use_description(purpose, &description);
            return;
        }
        // A description is never part of the verdict, so one that nothing answers is asked for
        // again as the call that it would have led to.
        let (field, reading) = match purpose {
            Purpose::Unknown(_) => ("sql", Reading::Call),
            _ => ("describe", Reading::Probe),
        };
        let mut request = Value::map([(field, Value::text_or_bytes(&statement.sql))]);
        if statement.types.iter().any(|oid| *oid != 0) {
            let types = statement.types.iter().map(|oid| type_tree(*oid)).collect();
            request.push("types", Value::List(types));
        }
        self.ask(request, reading, Waiting::Describe(purpose));
    }

    pub(super) fn described(&mut self, purpose: Purpose, answer: &Answer) -> Result<(), WireError> {
        let statement = purpose.statement().clone();
        let tree = match answer {
            Answer::Serve(tree) => tree,
            Answer::Miss(miss) => {
                match purpose {
                    Purpose::Bind(bind) => self.bind_held(bind, &Description::default()),
                    Purpose::Unknown(_) => self.miss(false, miss),
                    Purpose::Cursor(_) => self.miss(false, miss),
                    // A server says this of what is answered without a recording.
                    _ if statement.kind.own_tag(&statement.text(), false).is_some() => {
                        self.use_description(purpose, &Description::default());
                    }
                    _ => self.ask_description(Purpose::Unknown(statement)),
                }
                return Ok(());
            }
        };
        let binds = matches!(purpose, Purpose::Bind(_));
        if let Some(error) = tree.get("error").filter(|_| !binds) {
            return match answer::write_report(&mut self.out, b'E', error) {
                Ok(()) => {
                    self.after_error(false);
                    Ok(())
                }
                Err(why) => Err(self.unservable(false, why)),
            };
        }
        if self.session.refuses(statement.kind) && !binds {
            self.fail(false, super::serve::in_failed_transaction());
            return Ok(());
        }
        let description = match read_description(tree) {
            Ok(description) => Arc::new(description),
            Err(why) => return Err(self.unservable(false, why)),
        };
        if tree.get("error").is_none() {
            self.session.describe(&statement.sql, description.clone());
        }
        self.use_description(purpose, &description);
        Ok(())
    }

    fn use_description(&mut self, purpose: Purpose, description: &Description) {
        match purpose {
            Purpose::Statement(statement) | Purpose::Unknown(statement) => {
                let types = description.parameter_types(&statement);
                self.out.parameter_description(&types);
                // Told again: the same.
                let _ = statement.told.set(types);
                // Before Bind nothing is known of the formats: all are said to be text.
                self.write_description(description.columns.as_deref(), &[]);
            }
            Purpose::Cursor(_) => match &description.columns {
                Some(columns) => self.write_description(Some(columns), &[]),
                // A cursor always has columns, and a client may crash where it is told of none:
                // psycopg 3.3 does.
                None => {
                    let what = "retake: the columns of this cursor were not recorded";
                    self.fail(false, (super::MISS, what.to_owned()));
                }
            },
            Purpose::Portal(_, formats) => {
                self.write_description(description.columns.as_deref(), &formats);
            }
            Purpose::Bind(bind) => self.bind_held(bind, description),
        }
    }

    /// RowDescription, or NoData where there are no rows.
    pub(super) fn write_description(&mut self, columns: Option<&[Column]>, formats: &[Format]) {
        match columns {
            Some(columns) => answer::write_columns(&mut self.out, columns, formats),
            None => self.out.bare(b'n'),
        }
    }
}

fn read_description(tree: &Value) -> Read<Description> {
    Ok(Description {
        parameters: answer::parameter_types(tree)?,
        columns: answer::columns(tree)?,
    })
}
