"""What `pair_asyncpg.py` does, with psycopg: parameters and rows in the text format."""

import os
from datetime import date
from decimal import Decimal
from uuid import UUID

import psycopg

ROWS = [
    (1, "one", Decimal("1.50"), date(2026, 3, 1), UUID(int=1), True),
    (2, None, Decimal("20"), None, UUID(int=2), False),
]

with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as conn:
    conn.execute("CREATE TABLE pair (id int, name text, price numeric(10,2), day date, uid uuid, ok bool)")
    with conn.transaction():
        for row in ROWS:
            conn.execute("INSERT INTO pair VALUES (%s, %s, %s, %s, %s, %s)", row)
    print(*conn.execute("SELECT id, name, price, day, uid, ok FROM pair WHERE id > %s ORDER BY id", (0,)).fetchall(), sep="\n")
    print(conn.execute("SELECT count(*), max(price) FROM pair").fetchone())
    print(conn.execute("SELECT name FROM pair WHERE uid = %s", (UUID(int=1),)).fetchone())
    try:
        conn.execute("SELECT 1/%s", (0,))
    except psycopg.Error as error:
        print("error", error.sqlstate)
    print(conn.execute("SELECT max(id), min(day) FROM pair").fetchone())
