"""psycopg 3: parameters, prepared statements, pipelines, cursors, COPY, errors, binary values."""
import os, uuid, datetime, decimal
import psycopg

conn = psycopg.connect(f"host=127.0.0.1 port={os.environ['PORT']} user=postgres dbname=postgres sslmode=prefer gssencmode=disable " + os.environ.get("OPTS", ""))
cur = conn.cursor()
cur.execute("create temp table t (id int, name text, at timestamptz, u uuid, n numeric, b bytea)")
row = (1, "één", datetime.datetime(2026, 3, 1, 10, 20, 30, 123456, datetime.timezone.utc),
       uuid.UUID(int=7), decimal.Decimal("1.50"), b"\x00\xff")
cur.execute("insert into t values (%s, %s, %s, %s, %s, %s)", row)
cur.execute("insert into t values (%b, %b, %b, %b, %b, %b)", row)
cur.execute("insert into t values (%s, %s, %s, %s, %s, %s)", (2, None, None, None, None, None))
for binary in (False, True):
    with conn.cursor(binary=binary) as c:
        c.execute("select * from t where id = %s", (1,))
        print(c.fetchall())
# Prepared under a name after some repeats.
for n in range(3):
    cur.execute("select name from t where id = %s", (n,), prepare=True)
conn.commit()
# Errors of three kinds: in Parse, in Execute, at the end of the group.
for bad in ("select nothing from nowhere where 1 = %s", "select 1 / (%s - 1)"):
    try:
        cur.execute(bad, (1,))
    except psycopg.Error as error:
        print(error.sqlstate)
    conn.rollback()
conn.autocommit = True
cur.execute("create temp table late (id int primary key deferrable initially deferred)")
cur.execute("insert into late values (%s)", (1,))
try:
    cur.execute("insert into late values (%s)", (1,))
except psycopg.Error as error:
    print(error.sqlstate)
# A pipeline, and one that fails in its middle.
with conn.pipeline():
    a = conn.execute("select %s::int", (1,))
    b = conn.execute("select %s::int", (2,))
    print(a.fetchone(), b.fetchone())
try:
    with conn.pipeline():
        conn.execute("select %s::int + 10", (1,))
        conn.execute("select 1 / (%s - 1)", (1,))
        conn.execute("select %s::int + 30", (1,))
except psycopg.Error as error:
    print(error.sqlstate)
# A server-side cursor.
with conn.transaction(), conn.cursor(name="c") as c:
    c.itersize = 2
    c.execute("select generate_series(1, %s)", (5,))
    print(c.fetchall())
with cur.copy("copy t (id, name) from stdin") as copy:
    copy.write_row((7, "seven"))
with cur.copy("copy t (id) from stdin (format binary)") as copy:
    copy.set_types(["int4"])
    copy.write_row((8,))
try:
    with cur.copy("copy t (id) from stdin") as copy:
        copy.write("nine\n")
except psycopg.Error as error:
    print(error.sqlstate)
try:
    with cur.copy("copy t (id) from stdin") as copy:
        raise ValueError("given up")
except (ValueError, psycopg.Error) as error:
    print(type(error))
with cur.copy("copy (select id from t order by id) to stdout") as copy:
    print(b"".join(copy))
cur.execute("listen jobs")
cur.execute("notify jobs, 'x'")
cur.execute("select pg_sleep(0)")
conn.close()
