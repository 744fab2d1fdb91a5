//! Statements that were read before.

use std::collections::HashMap;
use std::sync::Arc;

use super::Statement;

/// Statements that were read before, by their text: reading one takes microseconds, and a service
/// asks the same few thousand again and again.
#[derive(Debug, Default)]
pub struct Statements {
    read: HashMap<Box<str>, Arc<Statement>>,
    bytes: usize,
}

impl Statements {
    /// How many bytes of statements are held; all are forgotten when it is reached.
    const LIMIT: usize = 16 << 20;

    /// The length in bytes of the longest text that is held.
    const LONGEST: usize = 64 << 10;

    /// The statement of that text.
    pub fn get(&mut self, sql: &str) -> Arc<Statement> {
        if let Some(known) = self.read.get(sql) {
            return Arc::clone(known);
        }
        let statement = Arc::new(Statement::read(sql));
        if sql.len() <= Self::LONGEST {
            // The text, the shape, the folded shape and the literals.
            self.bytes += 4 * sql.len() + 200;
            if self.bytes > Self::LIMIT {
                self.read.clear();
                self.bytes = 4 * sql.len() + 200;
            }
            self.read.insert(sql.into(), Arc::clone(&statement));
        }
        statement
    }
}
