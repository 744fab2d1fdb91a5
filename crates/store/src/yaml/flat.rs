//! What nests deeper than YAML readers follow: `!deep`, the tree written out in one flat list.
//!
//! Each element is a leaf, or the head of a list `[list, 2]` or of a map `[map, key, key]` whose
//! elements follow, each with what is below it.

use std::borrow::Cow;

use retake_model::Value;
use serde::de;

use super::Node;
use super::problem::custom;
use super::tree::{BlobOf, TooDeep, Tree, leaf_node};

/// The deepest tree that is kept, in levels below the place where `!deep` stands.
const DEEPEST: usize = 512;

/// What is to be written for `value`.
pub(super) fn flatten<'v>(
    value: &'v Value,
    blobs: &mut Vec<BlobOf<'v>>,
) -> Result<Node<'v>, TooDeep> {
    let mut flat = Vec::new();
    let mut todo = vec![(value, 0)];
    while let Some((value, depth)) = todo.pop() {
        if depth > DEEPEST {
            return Err(TooDeep);
        }
        match value {
            Value::List(items) => {
                let count = Node::bare(items.len().to_string());
                flat.push(Node::List(vec![Node::text("list"), count]));
                todo.extend(items.iter().rev().map(|item| (item, depth + 1)));
            }
            Value::Map(fields) => {
                let keys = fields.iter().map(|(key, _)| Node::Text(Cow::Borrowed(key)));
                let head = std::iter::once(Node::text("map")).chain(keys);
                flat.push(Node::List(head.collect()));
                todo.extend(fields.iter().rev().map(|(_, item)| (item, depth + 1)));
            }
            leaf => flat.push(leaf_node(leaf, blobs)),
        }
    }
    Ok(Node::Tagged("deep", Box::new(Node::List(flat))))
}

/// A list or map whose elements are still coming.
enum Open {
    List(Vec<Tree>, usize),
    Map(Vec<(String, Tree)>, std::vec::IntoIter<String>),
}

/// The tree of what [`flatten`] wrote.
pub(super) fn unflatten<E: de::Error>(flat: Vec<Tree>) -> Result<Tree, E> {
    let fail = |what: &str| {
        custom(
            format!("this `!deep` {what}"),
            "leaves, and heads `[list, count]` and `[map, key, …]` before what is in them",
            Some("keep such a body as `text`: hands do not write this form".to_owned()),
        )
    };
    let mut open: Vec<Open> = Vec::new();
    let mut tokens = flat.into_iter();
    loop {
        let token = tokens.next().ok_or_else(|| fail("ends too early"))?;
        let mut done = match token {
            Tree::List(head) => {
                let new = head_of(head).ok_or_else(|| fail("has a head that is none"))?;
                match finish(new) {
                    Ok(tree) => tree,
                    Err(still) if open.len() < DEEPEST + 1 => {
                        open.push(still);
                        continue;
                    }
                    Err(_) => return Err(fail("nests too deep")),
                }
            }
            Tree::Map(_) => return Err(fail("has a map where a leaf or a head should be")),
            leaf => leaf,
        };
        // Whatever is done goes into what was opened last, which may be done with it.
        loop {
            match open.pop() {
                None => {
                    return match tokens.next() {
                        None => Ok(done),
                        Some(_) => Err(fail("goes on after its end")),
                    };
                }
                Some(mut parent) => {
                    match &mut parent {
                        Open::List(items, _) => items.push(done),
                        Open::Map(fields, keys) => {
                            fields.push((keys.next().unwrap_or_default(), done));
                        }
                    }
                    match finish(parent) {
                        Ok(tree) => done = tree,
                        Err(still) => {
                            open.push(still);
                            break;
                        }
                    }
                }
            }
        }
    }
}

fn head_of(head: Vec<Tree>) -> Option<Open> {
    let mut head = head.into_iter();
    match (head.next()?, head.len()) {
        (Tree::Text(word), 1) if word == "list" => match head.next()? {
            Tree::Number(count) => Some(Open::List(Vec::new(), count.as_str().parse().ok()?)),
            _ => None,
        },
        (Tree::Text(word), _) if word == "map" => {
            let keys = head.map(|key| match key {
                Tree::Text(key) => Some(key),
                _ => None,
            });
            let keys: Option<Vec<String>> = keys.collect();
            Some(Open::Map(Vec::new(), keys?.into_iter()))
        }
        _ => None,
    }
}

/// The tree, where all its elements have come.
fn finish(open: Open) -> Result<Tree, Open> {
    match open {
        Open::List(items, count) if items.len() >= count => Ok(Tree::List(items)),
        Open::Map(fields, keys) if keys.len() == 0 => Ok(Tree::Map(fields)),
        still => Err(still),
    }
}
