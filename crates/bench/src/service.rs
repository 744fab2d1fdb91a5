//! The service: HTTP/1.1 without a framework, so that the client and its tool are what is measured.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::{Client, NoTls, Statement};

use crate::document;

/// The queries of one request; each asks by the number of the item.
const QUERIES: [&str; 5] = [
    "SELECT name FROM bench_item WHERE id = $1",
    "SELECT price::text FROM bench_item WHERE id = $1",
    "SELECT tag FROM bench_tag WHERE item = $1 ORDER BY tag",
    "SELECT berlin, paris FROM bench_stock WHERE item = $1",
    "SELECT active FROM bench_item WHERE id = $1",
];

/// The longest head of a request, in bytes.
const HEAD: usize = 64 << 10;

/// Serves until it is ended. Without `DATABASE_URL` it makes the documents itself.
pub fn serve(address: &str) -> Result<()> {
    runtime()?.block_on(async {
        let database = match std::env::var("DATABASE_URL") {
            Ok(url) => Some(Arc::new(Database::connect(&url).await?)),
            Err(_) => None,
        };
        let listener = TcpListener::bind(address).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            let database = database.clone();
            tokio::spawn(async move {
                if let Err(error) = connection(stream, database.as_deref()).await {
                    eprintln!("{error:#}");
                }
            });
        }
    })
}

/// Fills the tables of the database in `DATABASE_URL` with items 0 to `rows`.
pub fn prepare(rows: usize) -> Result<()> {
    runtime()?.block_on(async {
        let client = connect(&std::env::var("DATABASE_URL")?).await?;
        let sql = format!(
            "DROP TABLE IF EXISTS bench_item, bench_tag, bench_stock;
             CREATE TABLE bench_item AS SELECT id, 'item ' || id AS name, (id / 100.0)::numeric(10,2) AS price,
                 id % 2 = 0 AS active FROM generate_series(0, {rows}) AS id;
             CREATE TABLE bench_tag AS SELECT id AS item, tag FROM generate_series(0, {rows}) AS id,
                 LATERAL (VALUES ('new'), ('size ' || id % 7)) AS tags (tag);
             CREATE TABLE bench_stock AS SELECT id AS item, id % 13 AS berlin, id % 17 AS paris
                 FROM generate_series(0, {rows}) AS id;
             CREATE UNIQUE INDEX ON bench_item (id);
             CREATE INDEX ON bench_tag (item);
             CREATE UNIQUE INDEX ON bench_stock (item);
             ANALYZE bench_item; ANALYZE bench_tag; ANALYZE bench_stock;"
        );
        client.batch_execute(&sql).await?;
        Ok(())
    })
}

/// One thread: what is measured is one request after the other.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("the database: {error}");
        }
    });
    Ok(client)
}

struct Database {
    client: Client,
    statements: [Statement; 5],
}

impl Database {
    async fn connect(url: &str) -> Result<Self> {
        let client = connect(url).await?;
        let [a, b, c, d, e] = QUERIES;
        let statements = [
            client.prepare(a).await?,
            client.prepare(b).await?,
            client.prepare(c).await?,
            client.prepare(d).await?,
            client.prepare(e).await?,
        ];
        Ok(Database { client, statements })
    }

    /// The document of an item, read by five queries, one after the other.
    async fn body(&self, number: usize) -> Result<String> {
        let id = i32::try_from(number)?;
        let [name, price, tags, stock, active] = &self.statements;
        let name: String = self.client.query_one(name, &[&id]).await?.try_get(0)?;
        let price: String = self.client.query_one(price, &[&id]).await?.try_get(0)?;
        let tags = self.client.query(tags, &[&id]).await?;
        let tags = tags
            .iter()
            .map(|row| Ok(format!("\"{}\"", row.try_get::<_, String>(0)?)))
            .collect::<Result<Vec<_>>>()?;
        let stock = self.client.query_one(stock, &[&id]).await?;
        let (berlin, paris): (i32, i32) = (stock.try_get(0)?, stock.try_get(1)?);
        let active: bool = self.client.query_one(active, &[&id]).await?.try_get(0)?;
        Ok(format!(
            r#"{{"id":{id},"name":"{name}","price":"{price}","tags":[{}],"stock":{{"berlin":{berlin},"paris":{paris}}},"active":{active}}}"#,
            tags.join(",")
        ))
    }
}

async fn connection(mut stream: TcpStream, database: Option<&Database>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut head = Vec::with_capacity(4096);
    loop {
        let end = loop {
            if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if head.len() > HEAD || stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        };
        let number = number(head.get(..end).unwrap_or_default());
        head.drain(..end);
        let (status, body) = match (number, database) {
            (None, _) => ("404 Not Found", "{}".to_owned()),
            (Some(number), None) => ("200 OK", document::body(number)),
            (Some(number), Some(database)) => {
                let body = database.body(number).await;
                ("200 OK", body.with_context(|| format!("item {number}"))?)
            }
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// The number in `GET /items/17 HTTP/1.1`.
fn number(head: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(head).ok()?;
    let path = text.strip_prefix("GET /items/")?;
    path.split(' ').next()?.parse().ok()
}
