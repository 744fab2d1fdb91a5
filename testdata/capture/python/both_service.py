"""Asks PostgreSQL and an HTTP service, each at the address that its variable names; listens on further ports too."""

import os
import sys
import threading
import urllib.request

import psycopg

from service import HTTP, serve

FACTOR = 3 if os.environ.get("CHANGE") else 2


def answer(n):
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT id, name FROM items WHERE id = %s", (FACTOR * int(n),)).fetchall()
    return [rows, urllib.request.urlopen(HTTP + n).read().decode()]


for port in sys.argv[1:]:
    threading.Thread(target=serve, args=(answer, int(port)), daemon=True).start()
serve(answer)
