"""psycopg 3: text and binary, server-side cursors, pipeline mode, COPY, LISTEN/NOTIFY, a pool."""

import os
import threading
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

URL = os.environ["DATABASE_URL"]
TABLE = """CREATE TABLE items (
  id int PRIMARY KEY, name text, qty bigint, price numeric, ratio float8, ok bool, data bytea,
  made timestamp, seen timestamptz, day date, span interval, uid uuid, doc jsonb,
  tags text[], nums int[])"""
ROW = (
    1, "žluťoučký \"kůň\" 'quoted' \\ back", 9007199254740993, Decimal("12.5000"), 0.1, True,
    b"\x00\xff\x10", datetime(2026, 3, 1, 10, 20, 30, 123456),
    datetime(2026, 3, 1, 10, 20, 30, 500000, timezone(timedelta(hours=2))), date(2026, 2, 28),
    timedelta(days=3, hours=4, seconds=1.5), uuid.UUID("7f3c0000-0000-4000-8000-000000000001"),
    Jsonb({"b": [1, 2.5, None], "a": "x"}), ["a", "b c", None], [1, 2, 3],
)
INSERT = f"INSERT INTO items VALUES ({', '.join(['%s'] * len(ROW))})"


def failing(conn, sql, *args):
    try:
        conn.execute(sql, *args)
    except psycopg.Error as error:
        print("error", error.sqlstate, error.diag.message_primary)


with psycopg.connect(URL, autocommit=True) as conn:
    conn.add_notice_handler(lambda d: print("notice", d.severity, d.message_primary))
    conn.execute(TABLE)
    conn.execute(INSERT, ROW)
    conn.execute(INSERT, (2, "", -1, Decimal("NaN"), float("-inf"), False, b"", *[None] * 8))
    conn.execute(INSERT, (3, *[None] * 14))

    print("== types")
    for binary in (False, True):
        cur = conn.cursor(row_factory=dict_row, binary=binary)
        for row in cur.execute("SELECT * FROM items WHERE id <= %s ORDER BY id", (3,)):
            for name, value in row.items():
                print(binary, name, repr(value))
    for value in (0, -32768, 70000, 2**40, Decimal("1E-20"), 1e300, "x", b"\\", [[1, 2], [3, 4]], date.max):
        print(repr(conn.execute("SELECT %b", (value,)).fetchone()))

    print("== prepared")
    for n in (1, 2, 3, 2, 1, 1, 1, 9):
        print(conn.execute("SELECT name FROM items WHERE id = %s", (n,), prepare=True).fetchone())

    print("== transactions")
    with conn.transaction():
        conn.execute("UPDATE items SET qty = 10 WHERE id = 1")
    try:
        with conn.transaction():
            conn.execute("UPDATE items SET qty = 99 WHERE id = 1")
            raise ValueError
    except ValueError:
        pass
    with conn.transaction():
        try:
            with conn.transaction("inner"):
                conn.execute("UPDATE items SET qty = qty + 5 WHERE id = 1")
                conn.execute("INSERT INTO items (id) VALUES (%s)", (1,))
        except psycopg.errors.UniqueViolation as error:
            print("error", error.sqlstate, error.diag.constraint_name, error.diag.message_detail)
        conn.execute("UPDATE items SET qty = qty + 1 WHERE id = 1")
    print(conn.execute("SELECT qty FROM items WHERE id = 1").fetchone())

    print("== errors")
    failing(conn, "SELECT 1/%s::int", (0,))
    failing(conn, "SELECT * FROM missing")
    failing(conn, "SELECT 'unterminated")
    conn.execute("DO $$ BEGIN RAISE NOTICE 'four words of notice'; END $$")
    conn.execute("BEGIN")
    failing(conn, "SELECT 1/0")
    failing(conn, "SELECT 1")
    conn.execute("ROLLBACK")
    print(conn.execute("SELECT 1").fetchone())

    print("== cursors")
    with conn.transaction(), conn.cursor(name="walk") as cur:
        cur.itersize = 10
        cur.execute("SELECT g, 'row ' || g FROM generate_series(1, %s) g", (25,))
        print([row[0] for row in cur])
    print(len(list(conn.cursor().stream("SELECT g FROM generate_series(1, 20) g"))))

    print("== batches")
    cur = conn.cursor()
    cur.executemany("INSERT INTO items (id, name) VALUES (%s, %s)", [(n, f"many {n}") for n in range(100, 120)])
    print(cur.rowcount)
    cur.executemany("UPDATE items SET qty = id WHERE id = %s RETURNING qty", [(100,), (101,), (999,)], returning=True)
    while True:
        print(cur.fetchall())
        if not cur.nextset():
            break
    with conn.pipeline() as pipeline:
        one = conn.execute("SELECT %s::text", ("one",))
        two = conn.execute("SELECT count(*) FROM items")
        pipeline.sync()
        print(one.fetchone(), two.fetchone())
    try:
        with conn.pipeline():
            conn.execute("INSERT INTO items (id) VALUES (500)")
            conn.execute("SELECT 1/0")
            conn.execute("INSERT INTO items (id) VALUES (501)")
    except psycopg.Error as error:
        print("error", error.sqlstate)
    print(conn.execute("SELECT count(*) FROM items WHERE id >= 500").fetchone())
    print(conn.execute("SELECT 1; SELECT 2").fetchone())

    print("== copy")
    with conn.cursor().copy("COPY items (id, name) FROM STDIN") as copy:
        copy.write_row((200, "tab\tand\nline"))
        copy.write_row((201, None))
        copy.write("202\tраз\n")
    with conn.cursor().copy("COPY (SELECT id, name FROM items WHERE id >= 200 ORDER BY id) TO STDOUT") as copy:
        print(b"".join(copy))
    try:
        with conn.cursor().copy("COPY missing (id) FROM STDIN") as copy:
            copy.write_row((1,))
    except psycopg.errors.UndefinedTable as error:
        print("error", error.sqlstate)
    with conn.cursor().copy("COPY items (id, qty) FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int4", "int8"])
        copy.write_row((300, 2**50))
    with conn.cursor().copy("COPY (SELECT id, qty FROM items WHERE id = 300) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["int4", "int8"])
        print(list(copy.rows()))
    try:
        with conn.cursor().copy("COPY items (id) FROM STDIN") as copy:
            copy.write("not a number\n")
    except psycopg.Error as error:
        print("error", error.sqlstate)
    try:
        with conn.cursor().copy("COPY items (id) FROM STDIN") as copy:
            raise RuntimeError("gives up")
    except RuntimeError as error:
        print("gave up:", error)

    print("== notify")
    conn.execute("LISTEN news")
    with psycopg.connect(URL, autocommit=True) as other:
        other.execute("NOTIFY news, 'first'")
        other.execute("SELECT pg_notify('news', %s)", ("second",))
    for note in conn.notifies(timeout=10, stop_after=2):
        print("notified", note.channel, note.payload)

print("== pool")
with ConnectionPool(URL, min_size=3, max_size=5) as pool:
    found = {}

    def ask(n):
        with pool.connection() as conn:
            found[n] = conn.execute("SELECT %s::int * 2, count(*) FROM items", (n,)).fetchone()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in sorted(found):
        print(n, found[n])
