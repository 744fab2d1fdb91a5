//! sqlx: statement cache, transactions with made-up savepoint names, streams, COPY, a pool.

use std::error::Error;

use futures_util::{TryStreamExt, future::try_join_all};
use sqlx::postgres::{PgListener, PgPoolCopyExt, PgPoolOptions};
use sqlx::types::chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use sqlx::types::{BigDecimal, Json, Uuid};
use sqlx::{Acquire, Executor, PgPool, Row, Statement};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url = std::env::var("DATABASE_URL")?;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect(&url)
        .await?;
    pool.execute(
        "CREATE TABLE items (id int PRIMARY KEY, name text, qty bigint, price numeric, ratio float8, ok bool,
         data bytea, made timestamp, seen timestamptz, day date, uid uuid, doc jsonb, tags text[], nums int[])",
    )
    .await?;
    types(&pool).await?;
    statements(&pool).await?;
    transactions(&pool).await?;
    copy_and_notify(&pool).await?;
    pool.close().await;

    println!("== pool");
    let pool = PgPoolOptions::new()
        .min_connections(2)
        .max_connections(4)
        .connect(&url)
        .await?;
    let asked = (0..20_i32).map(|n| {
        sqlx::query_as::<_, (i32, i64)>("SELECT $1::int * 2, count(*) FROM items")
            .bind(n)
            .fetch_one(&pool)
    });
    for row in try_join_all(asked).await? {
        println!("{row:?}");
    }
    pool.close().await;
    Ok(())
}

async fn types(pool: &PgPool) -> Result<(), Failure> {
    println!("== types");
    sqlx::query("INSERT INTO items VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)")
        .bind(1_i32)
        .bind("žluťoučký \"kůň\" 'quoted' \\ back")
        .bind(9_007_199_254_740_993_i64)
        .bind("12.5000".parse::<BigDecimal>()?)
        .bind(0.1_f64)
        .bind(true)
        .bind(&[0_u8, 255, 16][..])
        .bind("2026-03-01T10:20:30.123456".parse::<NaiveDateTime>()?)
        .bind("2026-03-01T08:20:30.5Z".parse::<DateTime<Utc>>()?)
        .bind("2026-02-28".parse::<NaiveDate>()?)
        .bind(Uuid::from_u128(0x7f3c_0000_0000_4000_8000_0000_0000_0001))
        .bind(Json(serde_json::json!({"a": "x", "b": [1, 2.5, null]})))
        .bind(vec![Some("a"), Some("b c"), None])
        .bind(vec![1_i32, 2, 3])
        .execute(pool)
        .await?;
    sqlx::query("INSERT INTO items (id, name, qty, ratio) VALUES ($1, $2, $3, $4)")
        .bind(2_i32)
        .bind("")
        .bind(None::<i64>)
        .bind(f64::NEG_INFINITY)
        .execute(pool)
        .await?;
    for row in sqlx::query("SELECT * FROM items WHERE id <= $1 ORDER BY id")
        .bind(3_i32)
        .fetch_all(pool)
        .await?
    {
        println!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?}",
            row.get::<i32, _>("id"),
            row.get::<Option<&str>, _>("name"),
            row.get::<Option<i64>, _>("qty"),
            row.get::<Option<BigDecimal>, _>("price")
                .map(|n| n.to_string()),
            row.get::<Option<f64>, _>("ratio"),
            row.get::<Option<bool>, _>("ok"),
            row.get::<Option<Vec<u8>>, _>("data"),
        );
        println!(
            "  {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            row.get::<Option<NaiveDateTime>, _>("made"),
            row.get::<Option<DateTime<Utc>>, _>("seen"),
            row.get::<Option<NaiveDate>, _>("day"),
            row.get::<Option<Uuid>, _>("uid"),
            row.get::<Option<serde_json::Value>, _>("doc"),
            row.get::<Option<Vec<Option<String>>>, _>("tags"),
            row.get::<Option<Vec<i32>>, _>("nums"),
        );
    }
    Ok(())
}

async fn statements(pool: &PgPool) -> Result<(), Failure> {
    println!("== prepared");
    for persistent in [true, false] {
        for n in [1_i32, 2, 1, 9] {
            let found: Option<(String,)> = sqlx::query_as("SELECT name FROM items WHERE id = $1")
                .bind(n)
                .persistent(persistent)
                .fetch_optional(pool)
                .await?;
            println!("{found:?}");
        }
    }
    let statement = pool.prepare("SELECT qty FROM items WHERE id = $1").await?;
    println!(
        "{:?}",
        statement
            .query()
            .bind(1_i32)
            .fetch_one(pool)
            .await?
            .get::<i64, _>(0)
    );
    let mut stream = sqlx::query("SELECT g FROM generate_series(1, $1::int) g")
        .bind(25_i32)
        .fetch(pool);
    let mut sum = 0_i32;
    while let Some(row) = stream.try_next().await? {
        sum += row.get::<i32, _>(0);
    }
    drop(stream);
    println!("sum {sum}");
    // Dropped half way: the rest must be read before the connection is used again.
    let mut early = sqlx::query("SELECT g FROM generate_series(1, 1000) g").fetch(pool);
    println!(
        "{:?}",
        early.try_next().await?.map(|row| row.get::<i32, _>(0))
    );
    drop(early);
    let several = sqlx::raw_sql("SELECT 1 AS one; SELECT 2 AS two")
        .fetch_all(pool)
        .await?;
    println!(
        "{:?}",
        several
            .iter()
            .map(|row| row.get::<i32, _>(0))
            .collect::<Vec<_>>()
    );

    println!("== errors");
    println!(
        "{:?}",
        code(
            sqlx::query("SELECT 1/$1::int")
                .bind(0_i32)
                .execute(pool)
                .await
        )
    );
    println!(
        "{:?}",
        code(sqlx::query("SELECT * FROM missing").execute(pool).await)
    );
    println!(
        "{:?}",
        code(
            sqlx::query("INSERT INTO items (id) VALUES (1)")
                .execute(pool)
                .await
        )
    );
    let (one,): (i32,) = sqlx::query_as("SELECT 1").fetch_one(pool).await?;
    println!("{one}");
    Ok(())
}

async fn transactions(pool: &PgPool) -> Result<(), Failure> {
    println!("== transactions");
    let mut tx = pool.begin().await?;
    sqlx::query("UPDATE items SET qty = $1 WHERE id = 1")
        .bind(10_i64)
        .execute(&mut *tx)
        .await?;
    let mut inner = tx.begin().await?;
    println!(
        "{:?}",
        code(
            sqlx::query("INSERT INTO items (id) VALUES ($1)")
                .bind(1_i32)
                .execute(&mut *inner)
                .await
        )
    );
    println!(
        "{:?}",
        code(sqlx::query("SELECT 1").execute(&mut *inner).await)
    );
    inner.rollback().await?;
    let (qty,): (i64,) =
        sqlx::query_as("UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING qty")
            .fetch_one(&mut *tx)
            .await?;
    println!("{qty}");
    tx.commit().await?;
    let mut dropped = pool.begin().await?;
    sqlx::query("UPDATE items SET qty = 99 WHERE id = 1")
        .execute(&mut *dropped)
        .await?;
    drop(dropped);
    let (qty,): (i64,) = sqlx::query_as("SELECT qty FROM items WHERE id = 1")
        .fetch_one(pool)
        .await?;
    println!("{qty}");
    Ok(())
}

async fn copy_and_notify(pool: &PgPool) -> Result<(), Failure> {
    println!("== copy");
    let mut sink = pool.copy_in_raw("COPY items (id, name) FROM STDIN").await?;
    sink.send(&b"200\ttab\\tx\n201\t\\N\n"[..]).await?;
    sink.send("202\tраз\n".as_bytes()).await?;
    println!("{}", sink.finish().await?);
    let out = pool
        .copy_out_raw("COPY (SELECT id, name FROM items WHERE id >= 200 ORDER BY id) TO STDOUT")
        .await?;
    let parts: Vec<_> = out.try_collect().await?;
    println!("{:?}", String::from_utf8(parts.concat()));

    println!("== notify");
    let url = std::env::var("DATABASE_URL")?;
    let mut listener = PgListener::connect(&url).await?;
    listener.listen("news").await?;
    sqlx::query("NOTIFY news, 'first'").execute(pool).await?;
    sqlx::query("SELECT pg_notify('news', $1)")
        .bind("second")
        .execute(pool)
        .await?;
    for _ in 0..2 {
        let note = listener.recv().await?;
        println!("notified {} {}", note.channel(), note.payload());
    }
    Ok(())
}

fn code<T>(result: Result<T, sqlx::Error>) -> Option<(String, String)> {
    let error = result.err()?;
    let error = error.as_database_error()?;
    Some((error.code()?.into_owned(), error.message().to_owned()))
}
