//! Exchanges become tests and mocks.

use std::sync::Arc;

use retake_model::{Attribution, Exchange, Message, Mock, Scope, TestCase, Timestamp, Value};
use retake_wire::protocol;

pub(super) fn describe(exchange: &mut Exchange) {
    if let Some(protocol) = protocol(exchange.protocol.0) {
        protocol.describe(exchange);
    }
}

fn into_tree(message: Message) -> Option<Value> {
    match message {
        Message::Tree(tree) => Some(tree),
        Message::Raw(_) => None,
    }
}

pub(super) fn test_case(
    exchange: Exchange,
    port: Option<u16>,
    calls: Vec<Mock>,
) -> Option<TestCase> {
    Some(TestCase {
        name: String::new(),
        protocol: exchange.protocol,
        at: exchange.began,
        took: exchange.ended.since(exchange.began),
        trace: exchange.trace,
        merged: 0,
        port,
        request: into_tree(exchange.request)?,
        response: into_tree(exchange.response)?,
        calls,
        made: Vec::new(),
        rules: Vec::new(),
    })
}

pub(super) fn mock(
    to: Arc<str>,
    exchange: Exchange,
    scope: Scope,
    by: Attribution,
    began: Timestamp,
) -> Option<Mock> {
    Some(Mock {
        to,
        protocol: exchange.protocol,
        scope,
        by,
        after: exchange.began.since(began),
        took: exchange.ended.since(exchange.began),
        request: into_tree(exchange.request)?,
        response: into_tree(exchange.response)?,
        merged: 0,
    })
}
