"""psycopg2: values are put into the SQL text; named cursors, execute_values, COPY, LISTEN/NOTIFY, a pool."""

import io
import os
import select
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import psycopg2
import psycopg2.errors
import psycopg2.extras
from psycopg2.pool import ThreadedConnectionPool

psycopg2.extras.register_uuid()
URL = os.environ["DATABASE_URL"]
ROW = (
    1, "žluťoučký \"kůň\" 'quoted' \\ back", 9007199254740993, Decimal("12.5000"), 0.1, True,
    b"\x00\xff\x10", datetime(2026, 3, 1, 10, 20, 30, 123456),
    datetime(2026, 3, 1, 10, 20, 30, 500000, timezone(timedelta(hours=2))), date(2026, 2, 28),
    timedelta(days=3, hours=4, seconds=1.5), uuid.UUID("7f3c0000-0000-4000-8000-000000000001"),
    psycopg2.extras.Json({"b": [1, 2.5, None], "a": "x"}), ["a", "b c", None], [1, 2, 3],
)
INSERT = f"INSERT INTO items VALUES ({', '.join(['%s'] * len(ROW))})"


def shown(value):
    return bytes(value) if isinstance(value, memoryview) else value


conn = psycopg2.connect(URL)
cur = conn.cursor()
cur.execute("""CREATE TABLE items (
  id int PRIMARY KEY, name text, qty bigint, price numeric, ratio float8, ok bool, data bytea,
  made timestamp, seen timestamptz, day date, span interval, uid uuid, doc jsonb,
  tags text[], nums int[])""")
cur.execute(INSERT, ROW)
cur.execute(INSERT, (2, "", -1, Decimal("NaN"), float("-inf"), False, b"", *[None] * 8))
cur.execute(INSERT, (3, *[None] * 14))
conn.commit()

print("== types")
cur.execute("SELECT * FROM items WHERE id <= %s ORDER BY id", (3,))
names = [column.name for column in cur.description]
for row in cur.fetchall():
    for name, value in zip(names, row):
        print(name, repr(shown(value)))

print("== again and again")
for n in (1, 2, 3, 2, 1, 9):
    cur.execute("SELECT name FROM items WHERE id = %s", (n,))
    print(cur.fetchone())
cur.execute("PREPARE pick AS SELECT id, name FROM items WHERE id = $1")
for n in (1, 3, 1):
    cur.execute("EXECUTE pick (%s)", (n,))
    print(cur.fetchall())

print("== transactions")
cur.execute("UPDATE items SET qty = 10 WHERE id = 1")
conn.commit()
cur.execute("UPDATE items SET qty = 99 WHERE id = 1")
conn.rollback()
cur.execute("SAVEPOINT inner_one")
try:
    cur.execute("INSERT INTO items (id) VALUES (1)")
except psycopg2.errors.UniqueViolation as error:
    print("error", error.pgcode, error.diag.constraint_name)
try:
    cur.execute("SELECT 1")
except psycopg2.errors.InFailedSqlTransaction as error:
    print("error", error.pgcode)
cur.execute("ROLLBACK TO SAVEPOINT inner_one")
cur.execute("UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING qty")
print(cur.fetchone())
conn.commit()
try:
    cur.execute("SELECT 1/0")
except psycopg2.Error as error:
    print("error", error.pgcode, error.diag.message_primary)
conn.rollback()
cur.execute("DO $$ BEGIN RAISE NOTICE 'four words of notice'; END $$")
print(conn.notices)

print("== cursors")
with conn.cursor("walk") as walk:
    walk.itersize = 10
    walk.execute("SELECT g FROM generate_series(1, 25) g")
    print([row[0] for row in walk])
with conn.cursor("scrolling", scrollable=True) as walk:
    walk.execute("SELECT g FROM generate_series(1, 25) g")
    walk.scroll(10)
    print(walk.fetchmany(3))
    walk.scroll(0, mode="absolute")
    print(walk.fetchone())
conn.commit()

print("== batches")
psycopg2.extras.execute_values(cur, "INSERT INTO items (id, name) VALUES %s", [(n, f"many {n}") for n in range(100, 120)])
print(cur.rowcount)
psycopg2.extras.execute_batch(cur, "UPDATE items SET qty = id WHERE id = %s", [(n,) for n in range(100, 120)], page_size=7)
cur.execute("SELECT sum(qty) FROM items WHERE id = ANY(%s)", (list(range(100, 120)),))
print(cur.fetchone())
cur.execute("SELECT 1; SELECT 2 AS two")
print(cur.fetchall())

print("== copy")
cur.copy_from(io.StringIO("200\ttab\\tx\n201\t\\N\n202\tраз\n"), "items", columns=("id", "name"))
out = io.StringIO()
cur.copy_expert("COPY (SELECT id, name FROM items WHERE id >= 200 ORDER BY id) TO STDOUT WITH CSV", out)
print(repr(out.getvalue()))
conn.commit()

print("== notify")
conn.set_session(autocommit=True)
cur.execute("LISTEN news")
other = psycopg2.connect(URL)
with other, other.cursor() as sender:
    sender.execute("NOTIFY news, 'first'")
    sender.execute("SELECT pg_notify('news', %s)", ("second",))
other.close()
while len(conn.notifies) < 2 and select.select([conn], [], [], 10)[0]:
    conn.poll()
for note in conn.notifies:
    print("notified", note.channel, note.payload)
conn.close()

print("== pool")
pool = ThreadedConnectionPool(2, 4, URL)


def ask(n):
    conn = pool.getconn()
    try:
        with conn, conn.cursor() as cur:
            cur.execute("SELECT %s * 2, count(*) FROM items", (n,))
            return n, cur.fetchone()
    finally:
        pool.putconn(conn)


with ThreadPoolExecutor(4) as threads:
    for line in sorted(threads.map(ask, range(20))):
        print(line)
pool.closeall()
