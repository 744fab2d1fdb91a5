//! The demo service: a shop that asks its database and a payments service.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use anyhow::Context;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::postgres::Client;

/// The largest request body that the shop reads, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Which of its two builds runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Build {
    /// As it was recorded.
    Good,
    /// With a regression: from two pieces on, the total loses its cents.
    Changed,
}

/// Where the shop finds what it needs.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Where it listens.
    pub listen: String,
    /// Its database.
    pub database: String,
    /// The payments service.
    pub payments: String,
}

#[derive(Debug)]
struct Shop {
    build: Build,
    payments: String,
    database: Mutex<Client>,
}

/// Serves until the process ends.
pub async fn serve(build: Build, addresses: Addresses) -> anyhow::Result<()> {
    let database = Client::connect(&addresses.database)
        .await
        .context("failed to reach the database")?;
    let shop = Arc::new(Shop {
        build,
        payments: addresses.payments,
        database: Mutex::new(database),
    });
    let listener = TcpListener::bind(&addresses.listen)
        .await
        .context("failed to listen")?;
    loop {
        let (stream, _) = listener.accept().await?;
        let shop = shop.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(shop.clone(), request));
            // A client that goes away is no business of the shop.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    shop: Arc<Shop>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match shop.route(request).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::BAD_GATEWAY, json!({"error": error.to_string()})),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, json);
    Ok(response)
}

impl Shop {
    async fn route(&self, request: Request<Incoming>) -> anyhow::Result<(StatusCode, Value)> {
        let path = request.uri().path().to_owned();
        match (
            request.method(),
            path.trim_matches('/')
                .split('/')
                .collect::<Vec<_>>()
                .as_slice(),
        ) {
            (&Method::GET, ["health"]) => Ok((StatusCode::OK, json!({"ok": true}))),
            (&Method::GET, ["items"]) => self.items().await,
            (&Method::GET, ["items", sku]) => self.item(sku).await,
            (&Method::GET, ["orders", id]) => self.order(id).await,
            (&Method::POST, ["orders"]) => {
                let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
                let body = body.map_err(io::Error::other)?.to_bytes();
                self.place_order(serde_json::from_slice(&body).unwrap_or_default())
                    .await
            }
            _ => Ok((StatusCode::NOT_FOUND, json!({"error": "no such page"}))),
        }
    }

    async fn items(&self) -> anyhow::Result<(StatusCode, Value)> {
        let rows = self
            .query("select sku, name, price from items order by sku", &[])
            .await?;
        Ok((
            StatusCode::OK,
            json!({"items": rows.iter().map(|row| item(row)).collect::<Vec<_>>()}),
        ))
    }

    async fn item(&self, sku: &str) -> anyhow::Result<(StatusCode, Value)> {
        let rows = self
            .query("select sku, name, price from items where sku = $1", &[sku])
            .await?;
        Ok(match rows.first() {
            Some(row) => (StatusCode::OK, item(row)),
            None => (
                StatusCode::NOT_FOUND,
                json!({"error": "no such item", "sku": sku}),
            ),
        })
    }

    async fn order(&self, id: &str) -> anyhow::Result<(StatusCode, Value)> {
        let sql = "select id, sku, qty, total, created_at from orders where id = $1";
        let rows = self.query(sql, &[id]).await?;
        Ok(match rows.first().map(Vec::as_slice) {
            Some([id, sku, qty, total, created_at]) => (
                StatusCode::OK,
                json!({"id": id, "sku": sku, "qty": qty, "total": total, "created_at": created_at}),
            ),
            _ => (StatusCode::NOT_FOUND, json!({"error": "no such order"})),
        })
    }

    async fn place_order(&self, order: Value) -> anyhow::Result<(StatusCode, Value)> {
        let (Some(sku), Some(qty @ 1..)) = (
            order.get("sku").and_then(Value::as_str),
            order.get("qty").and_then(Value::as_u64),
        ) else {
            let error = json!({"error": "an order needs a sku and a qty of 1 or more"});
            return Ok((StatusCode::BAD_REQUEST, error));
        };
        let rows = self
            .query("select sku, name, price from items where sku = $1", &[sku])
            .await?;
        let Some(price) = rows.first().and_then(|row| cents(row.get(2)?.as_deref()?)) else {
            return Ok((
                StatusCode::NOT_FOUND,
                json!({"error": "no such item", "sku": sku}),
            ));
        };
        let mut total = price * qty;
        if self.build == Build::Changed && qty >= 2 {
            total -= total % 100;
        }
        if !self.charge(sku, total).await? {
            return Ok((
                StatusCode::PAYMENT_REQUIRED,
                json!({"error": "payment refused"}),
            ));
        }
        let id = uuid()?;
        let total = format!("{}.{:02}", total / 100, total % 100);
        let created_at = jiff::Timestamp::now().to_string();
        let sql =
            "insert into orders (id, sku, qty, total, created_at) values ($1, $2, $3, $4, $5)";
        self.query(sql, &[&id, sku, &qty.to_string(), &total, &created_at])
            .await?;
        let order =
            json!({"id": id, "sku": sku, "qty": qty, "total": total, "created_at": created_at});
        Ok((StatusCode::CREATED, order))
    }

    async fn query(&self, sql: &str, params: &[&str]) -> io::Result<super::postgres::Rows> {
        self.database.lock().await.query(sql, params).await
    }

    /// Whether the payments service accepted the charge.
    async fn charge(&self, sku: &str, amount: u64) -> anyhow::Result<bool> {
        let stream = TcpStream::connect(&self.payments).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let body = json!({"amount": amount, "for": sku}).to_string();
        let request = Request::post("/charge")
            .header("host", &self.payments)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        Ok(sender.send_request(request).await?.status() == StatusCode::OK)
    }
}

/// One page of the shop, as its customers' programs ask for it; gives status and body.
pub async fn visit(
    address: &str,
    method: Method,
    path: &str,
    order: Option<Value>,
) -> anyhow::Result<Value> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "shop.test");
    let response = match order {
        Some(order) => {
            let request = request.header("content-type", "application/json");
            let body = Full::new(Bytes::from(order.to_string()));
            sender.send_request(request.body(body.boxed())?).await?
        }
        None => {
            sender
                .send_request(request.body(Empty::new().boxed())?)
                .await?
        }
    };
    let body = response.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}

fn item(row: &[Option<String>]) -> Value {
    json!({"sku": row.first(), "name": row.get(1), "price": row.get(2)})
}

/// A price with two decimals, in cents.
fn cents(price: &str) -> Option<u64> {
    let (whole, cents) = price.split_once('.')?;
    Some(whole.parse::<u64>().ok()? * 100 + cents.parse::<u64>().ok()?)
}

/// A random UUID (RFC 9562, section 5.4).
fn uuid() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let hex = u128::from_be_bytes(bytes);
    let text = format!("{hex:032x}");
    let part = |range| text.get(range).unwrap_or_default();
    Ok([
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-"))
}
