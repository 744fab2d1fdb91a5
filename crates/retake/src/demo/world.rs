//! The demo's dependencies: a database of four items and a payments service, both built in.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use retake_intercept::Listen;
use retake_model::{Answer, Call, Direction, Miss, ProtocolId, Value};
use retake_proxy::Clock;
use retake_proxy::record::StartError;
use retake_proxy::replay::{MockListen, MockServers, Oracle};
use retake_wire::{Reading, protocol};

/// What the shop sells: SKU, name, price.
const ITEMS: [(&str, &str, &str); 4] = [
    ("A1", "Mug", "19.99"),
    ("B2", "Kettle", "49.50"),
    ("C3", "Tea towel", "7.25"),
    ("D4", "Teapot", "89.00"),
];

/// The running dependencies.
#[derive(Debug)]
pub struct World {
    servers: MockServers,
}

impl World {
    /// Starts both on free ports of this machine.
    pub fn start() -> Result<Self, StartError> {
        let listen = |name: &str, id: &str| MockListen {
            listen: Listen {
                addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                direction: Direction::Outbound,
                dependency: Some(name.into()),
                protocol: protocol(id).map(|p| p.id()),
                upstream: String::new(),
                upstream_tls: false,
                serves_tls: false,
            },
            live: false,
            agrees_to_tls: false,
        };
        let oracle = Arc::new(Shop::default());
        let listens = vec![listen("db", "postgres"), listen("payments", "http")];
        Ok(World {
            servers: MockServers::start(listens, oracle, Clock::new())?,
        })
    }

    /// Where the database listens.
    pub fn database(&self) -> String {
        self.address(0)
    }

    /// Where the payments service listens.
    pub fn payments(&self) -> String {
        self.address(1)
    }

    fn address(&self, number: usize) -> String {
        self.servers
            .listens()
            .get(number)
            .map(|l| l.addr.to_string())
            .unwrap_or_default()
    }
}

/// The state behind both: the orders by id.
#[derive(Debug, Default)]
struct Shop {
    orders: Mutex<BTreeMap<String, Vec<Value>>>,
}

impl Oracle for Shop {
    fn ask(&self, call: Call, _reading: Reading) -> Answer {
        let answer = match call.protocol {
            ProtocolId("postgres") => self.query(&call.request),
            _ => Some(charge(&call.request)),
        };
        match answer {
            Some(answer) => Answer::Serve(Arc::new(answer)),
            None => Answer::Miss(Box::new(Miss {
                test: None,
                to: call.to,
                summary: "a statement that the demo does not know".to_owned(),
                nearest: None,
            })),
        }
    }
}

impl Shop {
    fn query(&self, request: &Value) -> Option<Value> {
        let sql = request.get("sql").and_then(Value::as_str)?;
        let params = request
            .get("params")
            .and_then(Value::as_list)
            .unwrap_or_default();
        let first = params.first().and_then(Value::as_str).unwrap_or_default();
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        match sql.split_whitespace().next() {
            Some("insert") => {
                orders.insert(first.to_owned(), params.to_vec());
                Some(Value::map([("tag", Value::text("INSERT 0 1"))]))
            }
            _ if sql.contains("from orders") => {
                let found = orders.get(first).cloned().map(Value::List);
                Some(rows(
                    &["id", "sku", "qty", "total", "created_at"],
                    found.into_iter().collect(),
                ))
            }
            _ if sql.contains("from items") => {
                let wanted = ITEMS
                    .iter()
                    .filter(|item| !sql.contains("where") || item.0 == first);
                let row = |item: &(&str, &str, &str)| {
                    Value::List([item.0, item.1, item.2].map(Value::text).to_vec())
                };
                Some(rows(&["sku", "name", "price"], wanted.map(row).collect()))
            }
            _ => None,
        }
    }
}

fn rows(columns: &[&str], rows: Vec<Value>) -> Value {
    let columns = columns
        .iter()
        .map(|name| Value::text(format!("{name} text")))
        .collect();
    Value::map([
        ("columns", Value::List(columns)),
        ("rows", Value::List(rows)),
    ])
}

/// Every charge of up to 1,000.00 is accepted.
fn charge(request: &Value) -> Value {
    let amount = request
        .get("body")
        .and_then(|body| body.get("json"))
        .and_then(|json| json.get("amount"))
        .and_then(Value::as_i64);
    let accepted = amount.is_some_and(|cents| cents <= 100_000);
    let status = if accepted { 200 } else { 402 };
    let header = Value::map([("content-type", Value::text("application/json"))]);
    Value::map([
        ("status", Value::from(status)),
        ("headers", Value::List(vec![header])),
        (
            "body",
            Value::map([("json", Value::map([("ok", Value::from(accepted))]))]),
        ),
    ])
}
