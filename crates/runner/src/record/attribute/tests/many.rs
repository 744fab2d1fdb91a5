//! Whose calls are, of many requests at once: what the values of one say by chance, the others tell.

use retake_model::{Exchange, Message, ProtocolId, Value};

use super::{asked, statement};
use crate::record::attribute::{Attributor, OutboundCall, Placed};

/// A request that was open during these milliseconds, and what its response shows.
fn shows(conn: u64, path: &str, span: (u64, u64), body: &[(&str, &str)]) -> Box<Exchange> {
    let mut exchange = asked(conn, path, span.0, span.1);
    let body = body
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Value::text(*text)));
    let body = Value::map([("json", Value::Map(body.collect()))]);
    exchange.response = Message::Tree(Value::map([("status", 200.into()), ("body", body)]));
    exchange
}

/// A statement that gives one value.
fn gives(conn: u64, at: u64, sql: &str, params: &[&str], value: &str) -> OutboundCall {
    let mut call = statement(conn, 7, at, sql, params);
    let row = Value::List(vec![Value::text(value)]);
    call.exchange.protocol = ProtocolId("postgres");
    call.exchange.response = Message::Tree(Value::map([("rows", Value::List(vec![row]))]));
    call
}

/// For each request, in the order of their connections, what the calls ask and give that it has.
fn kept(mut a: Attributor) -> Vec<Vec<String>> {
    a.finish();
    let mut tests = Vec::new();
    while let Some(placed) = a.poll() {
        let Placed::Test(test) = placed else { continue };
        let said = test.calls.iter().map(|placed| {
            let exchange = &placed.call.exchange;
            let tree = |message: &Message| message.tree().cloned().unwrap_or(Value::Null);
            let sql = tree(&exchange.request);
            let sql = sql.get("sql").and_then(Value::as_str).unwrap_or_default();
            let mut value = String::new();
            if let Some(rows) = tree(&exchange.response)
                .get("rows")
                .and_then(Value::as_list)
            {
                value = format!("{rows:?}");
            }
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            format!("{} {digits}", sql.rsplit(' ').next().unwrap_or_default())
        });
        tests.push((test.exchange.conn, said.collect()));
    }
    tests.sort_by_key(|(conn, _)| *conn);
    tests.into_iter().map(|(_, calls)| calls).collect()
}

#[test]
fn a_count_that_another_place_shows_by_chance_is_no_answer_of_that_request() {
    let mut a = Attributor::default();
    let count = 12;
    let mut expected = Vec::new();
    for n in 0..count {
        // What one shows as its orders the next one shows as its carts.
        let (orders, carts) = (format!("{}", 30 + n), format!("{}", 29 + n));
        let body = [("orders", orders.as_str()), ("carts", carts.as_str())];
        a.inbound(shows(n, "/stats", (10, 100 + n), &body));
        // The later a request, the earlier its answers: in no order of theirs.
        let at = 60 - 2 * n;
        a.outbound(gives(
            50 + n % 3,
            at,
            "select count(*) from orders",
            &[],
            &orders,
        ));
        a.outbound(gives(
            60 + n % 3,
            at + 1,
            "select count(*) from carts",
            &[],
            &carts,
        ));
        expected.push(vec![format!("orders {orders}"), format!("carts {carts}")]);
    }
    assert_eq!(kept(a), expected);
}

#[test]
fn each_of_many_requests_has_what_those_of_its_route_ask_once() {
    let mut a = Attributor::default();
    // Every second one began before the one in front of it had asked; all answers are the same.
    for n in 0..12 {
        a.inbound(shows(
            n,
            "/stats",
            (10 * n, 10 * n + 25),
            &[("orders", "7")],
        ));
        a.outbound(gives(
            50,
            10 * n + 21,
            "select count(*) from orders",
            &[],
            "7",
        ));
    }
    let kept = kept(a);
    assert!(kept.iter().all(|calls| calls.len() == 1), "{kept:?}");
}

#[test]
fn a_connection_that_a_request_holds_tells_whose_the_rest_is() {
    let mut a = Attributor::default();
    for n in 0..12 {
        let (first, second) = (2 * n, 2 * n + 1);
        let at = 100 * n;
        for (conn, began) in [(first, at), (second, at + 2)] {
            let user = format!("user-{conn}");
            a.inbound(shows(
                conn,
                &format!("/users/{user}"),
                (began, at + 60),
                &[],
            ));
            // Two that say whose they are; of what follows nothing else does.
            for (table, after) in [("users", 5), ("rights", 10)] {
                let ask = format!("select 1 from {table} where id = $1");
                let on = 50 + conn % 2;
                a.outbound(gives(on, began + after, &ask, &[&user], ""));
            }
        }
        for (conn, after) in [(second, 20), (first, 22)] {
            let ask = "select now() as day";
            let on = 50 + conn % 2;
            a.outbound(gives(on, at + after, ask, &[], &format!("{conn}")));
        }
    }
    for (conn, calls) in kept(a).iter().enumerate() {
        assert_eq!(calls.last(), Some(&format!("day {conn}")), "{calls:?}");
    }
}

#[test]
fn what_a_transaction_tells_itself_is_no_reason_to_take_it_for_an_earlier_request_s() {
    let mut a = Attributor::default();
    for n in 0..6 {
        let (cart, order) = (2 * n, 2 * n + 1);
        let at = 1_000 * n;
        let sku = format!("sku-{n}");
        let other = 100 + n;
        a.inbound(shows(cart, "/cart", (at, at + 10), &[("sku", &sku)]));
        a.inbound(shows(other, "/ping", (at + 5, at + 60), &[]));
        a.inbound(shows(
            order,
            "/orders",
            (at + 20, at + 60),
            &[("total", "12")],
        ));
        a.outbound(statement(50, 7, at + 30, "begin", &[]));
        a.outbound(gives(50, at + 32, "select sku from lines", &[], &sku));
        a.outbound(statement(
            50,
            7,
            at + 34,
            "update items set n = 1 where sku = $1",
            &[&sku],
        ));
        a.outbound(gives(50, at + 36, "select sum(n) as total", &[], "12"));
        a.outbound(statement(50, 7, at + 38, "commit", &[]));
    }
    let kept = kept(a);
    let expected = |n: usize| if n % 2 == 1 { 5 } else { 0 };
    for (n, calls) in kept.iter().take(12).enumerate() {
        assert_eq!(calls.len(), expected(n), "{n} {kept:?}");
    }
}
