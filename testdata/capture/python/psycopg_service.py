import os

import psycopg

from service import serve

FACTOR = 3 if os.environ.get("CHANGE") else 2


def ask(url, n):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id, name FROM items WHERE id = %s", (FACTOR * int(n),)).fetchall()


serve(lambda n: [ask(os.environ[name], n) for name in ("DATABASE_TLS_URL", "DATABASE_URL")])
