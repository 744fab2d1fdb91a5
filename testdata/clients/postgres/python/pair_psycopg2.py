"""What `pair_psycopg.py` does, with psycopg2: values stand in the text of the statements."""

import os
from datetime import date
from decimal import Decimal
from uuid import UUID

import psycopg2
import psycopg2.extras

ROWS = [
    (1, "one", Decimal("1.50"), date(2026, 3, 1), UUID(int=1), True),
    (2, None, Decimal("20"), None, UUID(int=2), False),
]

psycopg2.extras.register_uuid()
conn = psycopg2.connect(os.environ["DATABASE_URL"])
conn.autocommit = True
cursor = conn.cursor()


def run(sql, values=()):
    cursor.execute(sql, values)
    return cursor.fetchall() if cursor.description else None


run("CREATE TABLE pair (id int, name text, price numeric(10,2), day date, uid uuid, ok bool)")
conn.autocommit = False
for row in ROWS:
    run("INSERT INTO pair VALUES (%s, %s, %s, %s, %s, %s)", row)
conn.commit()
conn.autocommit = True
print(*run("SELECT id, name, price, day, uid, ok FROM pair WHERE id > %s ORDER BY id", (0,)), sep="\n")
print(run("SELECT count(*), max(price) FROM pair")[0])
print(run("SELECT name FROM pair WHERE uid = %s", (UUID(int=1),))[0])
try:
    run("SELECT 1/%s", (0,))
except psycopg2.Error as error:
    print("error", error.pgcode)
print(run("SELECT max(id), min(day) FROM pair")[0])
