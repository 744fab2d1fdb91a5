// node-postgres (pg): text parameters, named statements, cursors, COPY streams, LISTEN/NOTIFY, a pool.
const { Client, Pool } = require("pg");
const Cursor = require("pg-cursor");
const copy = require("pg-copy-streams");
const { pipeline } = require("node:stream/promises");
const { Readable, Writable } = require("node:stream");

const connectionString = process.env.DATABASE_URL;
const show = (label, value) =>
  console.log(label, JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}n` : v)));

async function failing(promise) {
  try {
    await promise;
    console.log("no error");
  } catch (error) {
    show("error", [error.code, error.message, error.constraint]);
  }
}

async function main() {
  const client = new Client({ connectionString });
  await client.connect();
  client.on("notice", (notice) => show("notice", [notice.severity, notice.message]));
  await client.query(`CREATE TABLE items (
    id int PRIMARY KEY, name text, qty bigint, price numeric, ratio float8, ok bool, data bytea,
    made timestamp, seen timestamptz, day date, span interval, uid uuid, doc jsonb,
    tags text[], nums int[])`);
  const marks = Array.from({ length: 15 }, (_, n) => `$${n + 1}`).join(", ");
  const insert = `INSERT INTO items VALUES (${marks})`;
  await client.query(insert, [
    1, `žluťoučký "kůň" 'quoted' \\ back`, "9007199254740993", "12.5000", 0.1, true,
    Buffer.from([0, 255, 16]), "2026-03-01 10:20:30.123456", new Date("2026-03-01T10:20:30.5+02:00"),
    "2026-02-28", "3 days 04:00:01.5", "7f3c0000-0000-4000-8000-000000000001",
    { b: [1, 2.5, null], a: "x" }, ["a", "b c", null], [1, 2, 3],
  ]);
  await client.query(insert, [2, "", -1, "NaN", "-Infinity", false, Buffer.alloc(0), ...Array(8).fill(null)]);
  await client.query(insert, [3, ...Array(14).fill(null)]);

  console.log("== types");
  const all = await client.query("SELECT * FROM items WHERE id <= $1 ORDER BY id", [3]);
  show("fields", all.fields.map((f) => [f.name, f.dataTypeID, f.format]));
  for (const row of all.rows) for (const [name, value] of Object.entries(row)) show(name, value);
  show("array mode", (await client.query({ text: "SELECT id, name FROM items ORDER BY id", rowMode: "array" })).rows);
  show("binary", (await client.query({ text: "SELECT id, ok FROM items ORDER BY id", binary: true, values: [] })).rows);

  console.log("== prepared");
  for (const n of [1, 2, 3, 2, 1, 9])
    show("row", (await client.query({ name: "pick", text: "SELECT name FROM items WHERE id = $1", values: [n] })).rows);

  console.log("== transactions");
  await client.query("BEGIN");
  await client.query("UPDATE items SET qty = 10 WHERE id = 1");
  await client.query("COMMIT");
  await client.query("BEGIN");
  await client.query("UPDATE items SET qty = 99 WHERE id = 1");
  await client.query("ROLLBACK");
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  await client.query("SAVEPOINT s1");
  await failing(client.query("INSERT INTO items (id) VALUES ($1)", [1]));
  await failing(client.query("SELECT 1"));
  await client.query("ROLLBACK TO SAVEPOINT s1");
  show("updated", (await client.query("UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING qty")).rows);
  await client.query("COMMIT");

  console.log("== errors");
  await failing(client.query("SELECT 1/$1::int", [0]));
  await failing(client.query("SELECT * FROM missing"));
  await failing(client.query({ name: "bad", text: "SELECT broken FROM items WHERE id = $1", values: [1] }));
  await failing(client.query("SELECT $1::int", ["not a number"]));
  await client.query("DO $$ BEGIN RAISE NOTICE 'four words of notice'; END $$");
  show("several", (await client.query("SELECT 1 AS one; SELECT 'two' AS two; UPDATE items SET qty = 11 WHERE id = 1"))
    .map((r) => [r.command, r.rowCount, r.rows]));

  console.log("== cursors");
  const cursor = client.query(new Cursor("SELECT g FROM generate_series(1, $1::int) g", [25]));
  for (let rows = await cursor.read(10); rows.length; rows = await cursor.read(10))
    show("read", rows.map((r) => r.g));
  await cursor.close();
  const early = client.query(new Cursor("SELECT g FROM generate_series(1, 1000) g"));
  show("early", (await early.read(3)).map((r) => r.g));
  await early.close();

  console.log("== sent without waiting");
  const answers = await Promise.all(
    [5, 6, 7].map((n) => client.query("SELECT $1::int AS n, count(*) FROM items", [n])));
  show("answers", answers.map((a) => a.rows));

  console.log("== copy");
  await pipeline(Readable.from(["200\ttab\\tx\n", "201\t\\N\n202\tраз\n"]),
    client.query(copy.from("COPY items (id, name) FROM STDIN")));
  const parts = [];
  await pipeline(client.query(copy.to("COPY (SELECT id, name FROM items WHERE id >= 200 ORDER BY id) TO STDOUT")),
    new Writable({ write(part, _, done) { parts.push(part); done(); } }));
  show("out", Buffer.concat(parts).toString());
  await failing(pipeline(Readable.from(["x\n"]), client.query(copy.from("COPY items (id) FROM STDIN"))));

  console.log("== notify");
  const heard = [];
  const two = new Promise((done) => client.on("notification", (n) => {
    heard.push([n.channel, n.payload]);
    if (heard.length === 2) done();
  }));
  await client.query("LISTEN news");
  const other = new Client({ connectionString });
  await other.connect();
  await other.query("NOTIFY news, 'first'");
  await other.query("SELECT pg_notify('news', $1)", ["second"]);
  await other.end();
  await two;
  show("notified", heard);
  await client.end();

  console.log("== pool");
  const pool = new Pool({ connectionString, max: 4 });
  const found = await Promise.all(Array.from({ length: 20 }, (_, n) =>
    pool.query("SELECT $1::int * 2 AS twice, count(*) FROM items", [n])));
  for (const f of found) show("row", f.rows[0]);
  await pool.end();
}

main().catch((error) => { console.error(error); process.exit(1); });
