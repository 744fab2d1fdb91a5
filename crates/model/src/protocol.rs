//! What a protocol says of itself as data.

/// The name of a protocol, as it stands in YAML: `http`, `postgres`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolId(pub &'static str);

impl std::fmt::Display for ProtocolId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// What identifies a request of a protocol: its fields, and how each is read.
///
/// Fields of the request's tree that are not listed do not identify it; a difference in them is
/// reported, and does not make a miss.
#[derive(Debug)]
pub struct Rules {
    /// The protocol that these are the rules of.
    pub protocol: ProtocolId,
    /// The identifying fields, in the order in which a report explains them.
    pub identity: &'static [Field],
    /// The field names whose values together say the request in one line: `method`, `path`.
    pub summary: &'static [&'static str],
}

/// One field of a request's tree.
#[derive(Debug)]
pub struct Field {
    /// Its name at the top of the request's tree.
    pub name: &'static str,
    /// How it is read.
    pub kind: FieldKind,
}

/// How a field identifies a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// By its value, order and all.
    Exact,
    /// As a SQL statement: comments, white space and made-up names do not count, literals are
    /// lifted out and count as parameters.
    Sql,
    /// As the parameters of the statement in the field before it: a list, counted with the
    /// statement's literals.
    Params,
    /// As an HTTP path with its query: the order of query keys of different names does not count.
    Path,
    /// As a body: a map with one key, the kind (`json`, `form`, `text`, …); members of JSON
    /// objects in any order.
    Body,
}
