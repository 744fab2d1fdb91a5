//! tokio-postgres: binary parameters, portals, pipelined requests, COPY, notifications.

use std::error::Error;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use futures_util::{SinkExt, StreamExt, TryStreamExt, future::join_all, pin_mut, stream};
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage, types::ToSql};
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url = std::env::var("DATABASE_URL")?;
    let (mut client, mut connection) = tokio_postgres::connect(&url, NoTls).await?;
    let (notes, mut heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            match message {
                AsyncMessage::Notice(notice) => println!("notice {}", notice.message()),
                AsyncMessage::Notification(note) => {
                    let _ = notes.send((note.channel().to_owned(), note.payload().to_owned()));
                }
                _ => {}
            }
        }
    });
    client
        .batch_execute(
            "CREATE TABLE items (id int PRIMARY KEY, name text, qty bigint, ratio float8, small float4,
             ok bool, data bytea, made timestamp, seen timestamptz, day date, uid uuid, doc jsonb,
             tags text[], nums int[])",
        )
        .await?;
    types(&client).await?;
    prepared(&client).await?;
    transactions(&mut client).await?;
    errors(&client).await?;
    copy(&client).await?;

    println!("== notify");
    client.batch_execute("LISTEN news").await?;
    let (other, connection) = tokio_postgres::connect(&url, NoTls).await?;
    let other_connection = tokio::spawn(connection);
    other.batch_execute("NOTIFY news, 'first'").await?;
    other
        .execute("SELECT pg_notify('news', $1)", &[&"second"])
        .await?;
    drop(other);
    other_connection.await??;
    for _ in 0..2 {
        println!("notified {:?}", heard.recv().await);
    }

    println!("== several connections");
    let mut clients = Vec::new();
    for _ in 0..4 {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        clients.push(client);
    }
    let asked = (0..20_i32).map(|n| {
        let client = &clients[n as usize % clients.len()];
        async move {
            client
                .query_one("SELECT $1::int * 2, count(*) FROM items", &[&n])
                .await
        }
    });
    for row in join_all(asked).await {
        let row = row?;
        println!("{} {}", row.get::<_, i32>(0), row.get::<_, i64>(1));
    }
    Ok(())
}

async fn types(client: &Client) -> Result<(), Failure> {
    println!("== types");
    let uid = Uuid::from_u128(0x7f3c_0000_0000_4000_8000_0000_0000_0001);
    let made: NaiveDateTime = "2026-03-01T10:20:30.123456".parse()?;
    let seen: DateTime<Utc> = "2026-03-01T08:20:30.5Z".parse()?;
    let day: NaiveDate = "2026-02-28".parse()?;
    let doc = serde_json::json!({"a": "x", "b": [1, 2.5, null]});
    let tags = vec![Some("a"), Some("b c"), None];
    let insert = "INSERT INTO items VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)";
    let full: [&(dyn ToSql + Sync); 14] = [
        &1_i32,
        &"žluťoučký \"kůň\" 'quoted' \\ back",
        &9_007_199_254_740_993_i64,
        &0.1_f64,
        &1.5_f32,
        &true,
        &&[0_u8, 255, 16][..],
        &made,
        &seen,
        &day,
        &uid,
        &doc,
        &tags,
        &vec![1_i32, 2, 3],
    ];
    client.execute(insert, &full).await?;
    client
        .execute(
            "INSERT INTO items (id, name, qty, ratio) VALUES ($1, $2, $3, $4)",
            &[&2_i32, &"", &-1_i64, &f64::NEG_INFINITY],
        )
        .await?;
    for row in client
        .query("SELECT * FROM items WHERE id <= $1 ORDER BY id", &[&3_i32])
        .await?
    {
        println!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?}",
            row.get::<_, i32>("id"),
            row.get::<_, Option<&str>>("name"),
            row.get::<_, Option<i64>>("qty"),
            row.get::<_, Option<f64>>("ratio"),
            row.get::<_, Option<f32>>("small"),
            row.get::<_, Option<bool>>("ok"),
            row.get::<_, Option<Vec<u8>>>("data"),
        );
        println!(
            "  {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            row.get::<_, Option<NaiveDateTime>>("made"),
            row.get::<_, Option<DateTime<Utc>>>("seen"),
            row.get::<_, Option<NaiveDate>>("day"),
            row.get::<_, Option<Uuid>>("uid"),
            row.get::<_, Option<serde_json::Value>>("doc"),
            row.get::<_, Option<Vec<Option<&str>>>>("tags"),
            row.get::<_, Option<Vec<i32>>>("nums"),
        );
    }
    Ok(())
}

async fn prepared(client: &Client) -> Result<(), Failure> {
    println!("== prepared");
    let pick = client
        .prepare("SELECT name FROM items WHERE id = $1")
        .await?;
    println!(
        "{:?} {:?}",
        pick.params(),
        pick.columns().iter().map(|c| c.name()).collect::<Vec<_>>()
    );
    for n in [1_i32, 2, 1, 9] {
        println!(
            "{:?}",
            client
                .query_opt(&pick, &[&n])
                .await?
                .map(|row| row.get::<_, Option<String>>(0))
        );
    }
    println!("== sent without waiting");
    let numbers = [5_i32, 6, 7];
    for row in join_all(numbers.iter().map(|n| async move {
        client
            .query_one("SELECT $1::int + 1, count(*) FROM items", &[n])
            .await
    }))
    .await
    {
        let row = row?;
        println!("{} {}", row.get::<_, i32>(0), row.get::<_, i64>(1));
    }
    Ok(())
}

async fn transactions(client: &mut Client) -> Result<(), Failure> {
    println!("== transactions");
    let mut tx = client.transaction().await?;
    tx.execute("UPDATE items SET qty = $1 WHERE id = 1", &[&10_i64])
        .await?;
    let inner = tx.savepoint("inner_one").await?;
    println!(
        "{:?}",
        code(
            inner
                .execute("INSERT INTO items (id) VALUES ($1)", &[&1_i32])
                .await
        )
    );
    inner.rollback().await?;
    println!(
        "{}",
        tx.query_one(
            "UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING qty",
            &[]
        )
        .await?
        .get::<_, i64>(0)
    );
    println!("== portals");
    let walk = tx
        .bind("SELECT g FROM generate_series(1, $1::int) g", &[&25_i32])
        .await?;
    loop {
        let rows = tx.query_portal(&walk, 10).await?;
        println!(
            "{:?}",
            rows.iter()
                .map(|row| row.get::<_, i32>(0))
                .collect::<Vec<_>>()
        );
        if rows.len() < 10 {
            break;
        }
    }
    tx.commit().await?;
    let tx = client.transaction().await?;
    tx.execute("UPDATE items SET qty = 99 WHERE id = 1", &[])
        .await?;
    tx.rollback().await?;
    println!(
        "{}",
        client
            .query_one("SELECT qty FROM items WHERE id = 1", &[])
            .await?
            .get::<_, i64>(0)
    );
    Ok(())
}

async fn errors(client: &Client) -> Result<(), Failure> {
    println!("== errors");
    println!(
        "{:?}",
        code(client.query("SELECT 1/$1::int", &[&0_i32]).await)
    );
    println!(
        "{:?}",
        code(client.query("SELECT * FROM missing", &[]).await)
    );
    println!(
        "{:?}",
        code(client.simple_query("SELECT 1; SELECT broken").await)
    );
    client
        .batch_execute("DO $$ BEGIN RAISE NOTICE 'four words of notice'; END $$")
        .await?;
    for message in client
        .simple_query("SELECT 1 AS one, NULL AS none; SELECT 'two' AS two")
        .await?
    {
        match message {
            SimpleQueryMessage::Row(row) => {
                println!("row {:?} {:?}", row.columns()[0].name(), row.get(0))
            }
            SimpleQueryMessage::CommandComplete(rows) => println!("complete {rows}"),
            _ => {}
        }
    }
    Ok(())
}

async fn copy(client: &Client) -> Result<(), Failure> {
    println!("== copy");
    let sink = client.copy_in("COPY items (id, name) FROM STDIN").await?;
    pin_mut!(sink);
    sink.send(Bytes::from("200\ttab\\tx\n")).await?;
    sink.send(Bytes::from("201\t\\N\n202\tраз\n")).await?;
    println!("{}", sink.finish().await?);
    let out = client
        .copy_out("COPY (SELECT id, name FROM items WHERE id >= 200 ORDER BY id) TO STDOUT")
        .await?;
    let parts: Vec<Bytes> = out.try_collect().await?;
    println!("{:?}", String::from_utf8(parts.concat()));
    let sink = client.copy_in("COPY items (id) FROM STDIN").await?;
    pin_mut!(sink);
    sink.send(Bytes::from("x\n")).await?;
    println!("{:?}", code(sink.finish().await));
    Ok(())
}

fn code<T>(result: Result<T, tokio_postgres::Error>) -> Option<(String, String)> {
    let error = result.err()?;
    let error = error.as_db_error()?;
    Some((error.code().code().to_owned(), error.message().to_owned()))
}
