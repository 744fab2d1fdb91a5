// postgres.js: prepared by default, pipelined, transactions on reserved connections, cursors, COPY, LISTEN.
const postgres = require("postgres");
const { pipeline } = require("node:stream/promises");
const { Readable } = require("node:stream");

const show = (label, value) => console.log(label, JSON.stringify(value));
const options = { onnotice: (n) => show("notice", [n.severity, n.message]) };

async function failing(promise) {
  try {
    await promise;
    console.log("no error");
  } catch (error) {
    show("error", [error.code, error.message, error.constraint_name]);
  }
}

async function main() {
  const sql = postgres(process.env.DATABASE_URL, { ...options, max: 1 });
  await sql`CREATE TABLE items (
    id int PRIMARY KEY, name text, qty bigint, price numeric, ratio float8, ok bool, data bytea,
    made timestamp, seen timestamptz, day date, span interval, uid uuid, doc jsonb,
    tags text[], nums int[])`;
  const row = {
    id: 1, name: `žluťoučký "kůň" 'quoted' \\ back`, qty: "9007199254740993", price: "12.5000", ratio: 0.1,
    ok: true, data: Buffer.from([0, 255, 16]), made: new Date("2026-03-01T10:20:30.123Z"),
    seen: new Date("2026-03-01T10:20:30.5+02:00"), day: "2026-02-28", span: "3 days 04:00:01.5",
    uid: "7f3c0000-0000-4000-8000-000000000001", doc: sql.json({ b: [1, 2.5, null], a: "x" }),
    tags: ["a", "b c", null], nums: [1, 2, 3],
  };
  await sql`INSERT INTO items ${sql(row)}`;
  await sql`INSERT INTO items ${sql([{ id: 2, name: "", qty: -1 }, { id: 3, name: null, qty: null }])}`;

  console.log("== types");
  for (const item of await sql`SELECT * FROM items ORDER BY id`)
    for (const [name, value] of Object.entries(item)) show(name, value);
  show("raw", (await sql`SELECT id, name FROM items ORDER BY id`.raw()).map((r) => r.map((v) => v && v.toString())));

  console.log("== prepared");
  for (const n of [1, 2, 3, 2, 1, 9]) show("row", await sql`SELECT name FROM items WHERE id = ${n}`);
  show("described", (await sql`SELECT id, name FROM items WHERE id = ${1}`.describe()).columns.map((c) => c.name));
  show("in", await sql`SELECT name FROM items WHERE id IN ${sql([1, 2])} ORDER BY id`);
  show("unprepared", await sql.unsafe("SELECT $1::int AS n", [4]));
  show("simple", await sql.unsafe("SELECT 1 AS one; SELECT 2 AS two"));

  console.log("== transactions");
  await sql.begin((tx) => tx`UPDATE items SET qty = 10 WHERE id = 1`);
  await failing(sql.begin(async (tx) => {
    await tx`UPDATE items SET qty = 99 WHERE id = 1`;
    await tx`SELECT 1/0`;
  }));
  await sql.begin("isolation level serializable", async (tx) => {
    await failing(tx.savepoint((inner) => inner`INSERT INTO items (id) VALUES (1)`));
    show("updated", await tx`UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING qty`);
  });

  console.log("== errors");
  await failing(sql`SELECT 1/${0}::int`);
  await failing(sql`SELECT * FROM missing`);
  await sql`DO $$ BEGIN RAISE NOTICE 'four words of notice'; END $$`;

  console.log("== cursors");
  await sql`SELECT g FROM generate_series(1, 25) g`.cursor(10, (rows) => show("read", rows.map((r) => r.g)));
  for await (const [one] of sql`SELECT g FROM generate_series(1, 1000) g`.cursor()) {
    show("one", one.g);
    if (one.g === 3) break;
  }
  let count = 0;
  await sql`SELECT g FROM generate_series(1, 50) g`.forEach(() => count++);
  show("each", count);

  console.log("== pipelined");
  show("answers", await Promise.all([5, 6, 7].map((n) => sql`SELECT ${n}::int AS n, count(*) FROM items`)));

  console.log("== copy");
  await pipeline(Readable.from(["200\ttab\\tx\n", "201\t\\N\n202\tраз\n"]),
    await sql`COPY items (id, name) FROM STDIN`.writable());
  const parts = [];
  for await (const part of await sql`COPY (SELECT id, name FROM items WHERE id >= 200 ORDER BY id) TO STDOUT`.readable())
    parts.push(part);
  show("out", Buffer.concat(parts).toString());

  console.log("== notify");
  const heard = [];
  let done;
  const two = new Promise((resolve) => { done = resolve; });
  await sql.listen("news", (payload) => { heard.push(payload); if (heard.length === 2) done(); });
  await sql.notify("news", "first");
  await sql.notify("news", "second");
  await two;
  show("notified", heard);
  await sql.end();

  console.log("== pool");
  const pool = postgres(process.env.DATABASE_URL, { ...options, max: 4 });
  for (const rows of await Promise.all(Array.from({ length: 20 }, (_, n) =>
    pool`SELECT ${n}::int * 2 AS twice, count(*) FROM items`))) show("row", rows[0]);
  await pool.end();
}

main().catch((error) => { console.error(error); process.exit(1); });
