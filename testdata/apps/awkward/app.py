"""A small service that does what recorders stumble over: one route for each scenario of scripts/e2e/scenarios.py.

Settings come from the environment: `PORT`, `DATABASE_URL`, `POOL` (connections, 2), `DRIVER` (psycopg or
psycopg2), `PREPARE` (psycopg's threshold), `CHANGE` (which behaviour the "new build" has changed), `CACHE_PORT`
(a port that is tried once at the start), `STATE` (a folder of its own).
"""

import base64
import gzip
import hashlib
import hmac
import json
import os
import pathlib
import queue
import random
import secrets
import socket
import sys
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

DRIVER = os.environ.get("DRIVER", "psycopg")
CHANGE = os.environ.get("CHANGE", "")
POOL = int(os.environ.get("POOL", "2"))
URL = os.environ["DATABASE_URL"]

if DRIVER == "psycopg2":
    import psycopg2 as driver
else:
    import psycopg as driver


def signed(claims):
    """A JSON web token."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in
             ({"alg": "HS256", "typ": "JWT"}, claims)]
    mac = hmac.digest(b"key", b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


class Database:
    """A pool of connections that are opened at the start."""

    def __init__(self):
        self.free = queue.Queue()
        for _ in range(POOL):
            self.free.put(self._connect())

    def _connect(self):
        conn = driver.connect(URL)
        conn.autocommit = True
        if DRIVER == "psycopg" and "PREPARE" in os.environ:
            conn.prepare_threshold = int(os.environ["PREPARE"])
        with conn.cursor() as cur:
            cur.execute("SET statement_timeout = 30000")
        return conn

    def ask(self, sql, *values):
        """One statement on any connection; the rows, or None where it gives none."""
        conn = self.free.get()
        try:
            return self._ask(conn, sql, values)
        finally:
            self.free.put(conn)

    def transaction(self, work):
        """`work(ask)` in one transaction, once more where it could not be serialised."""
        conn = self.free.get()
        try:
            for attempt in (1, 2, 3):
                try:
                    self._ask(conn, "BEGIN", ())
                    result = work(lambda sql, *values: self._ask(conn, sql, values))
                    self._ask(conn, "COMMIT", ())
                    return result, attempt
                except driver.Error as error:
                    self._ask(conn, "ROLLBACK", ())
                    if getattr(error, "sqlstate", None) != "40001" and getattr(error, "pgcode", None) != "40001":
                        raise
            raise RuntimeError("never serialised")
        finally:
            self.free.put(conn)

    @staticmethod
    def _ask(conn, sql, values):
        with conn.cursor() as cur:
            cur.execute(sql, values or None)
            return cur.fetchall() if cur.description else None


def prepare(db):
    """Migrations and warm-up: what happens before the first request (scenario 3)."""
    db.ask("CREATE TABLE IF NOT EXISTS items (id int PRIMARY KEY, name text, price numeric(10,2), seen int DEFAULT 0)")
    db.ask("CREATE TABLE IF NOT EXISTS things (id uuid PRIMARY KEY, name text, made timestamptz)")
    db.ask("CREATE TABLE IF NOT EXISTS accounts (name text PRIMARY KEY, password text)")
    db.ask("CREATE TABLE IF NOT EXISTS invites (id uuid PRIMARY KEY, until timestamptz, day date)")
    db.ask("CREATE TABLE IF NOT EXISTS jobs (id serial PRIMARY KEY, what text)")
    db.ask("CREATE SEQUENCE IF NOT EXISTS attempts")
    db.ask("""CREATE OR REPLACE FUNCTION fails_at_first() RETURNS int LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('attempts') % 2 = 1 THEN
          RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
        END IF;
        RETURN 7;
      END $$""")
    if db.ask("SELECT count(*) FROM items")[0][0] == 0:
        for n in range(1, 6):
            db.ask("INSERT INTO items (id, name, price) VALUES (%s, %s, %s)", n, f"item {n}", f"{n}.50")
    flags = db.ask("SELECT current_setting('server_version_num')::int >= 150000")
    return {"new": flags[0][0]}


class Service:
    """What outlives a request."""

    def __init__(self):
        self.db = Database()
        self.flags = prepare(self.db)
        self.cache = self._try_cache()
        self.tokens = {}
        self.started = datetime.now(timezone.utc)
        self.deferred = queue.Queue()
        self.state = pathlib.Path(os.environ.get("STATE", "."))
        threading.Thread(target=self._work_later, daemon=True).start()
        if os.environ.get("POLL"):
            threading.Thread(target=self._poll, daemon=True).start()

    @staticmethod
    def _try_cache():
        """A port where perhaps nobody listens; the service goes on without (scenario 44)."""
        port = os.environ.get("CACHE_PORT")
        if not port:
            return "none"
        try:
            with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as conn:
                conn.sendall(b"PING\r\n")
                return "there" if conn.recv(10) else "gone"
        except ConnectionError:
            return "gone"

    def _work_later(self):
        while True:
            delay, what = self.deferred.get()
            time.sleep(delay)
            self.db.ask("INSERT INTO jobs (what) VALUES (%s)", what)

    def _poll(self):
        """Asks by the clock, whatever the requests do (scenario 35)."""
        while True:
            self.db.ask("SELECT count(*) AS waiting FROM jobs WHERE what = 'urgent'")
            time.sleep(0.05)


class Handler(BaseHTTPRequestHandler):
    """Every route is a method: GET /listing is `get_listing`."""

    protocol_version = "HTTP/1.1"
    service = None

    def log_message(self, *_):
        pass

    def _route(self):
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        self.query = parse_qsl(url.query, keep_blank_values=True)
        self.rest = parts[1:]
        handle = getattr(self, f"{self.command.lower()}_{parts[0]}", None)
        try:
            if handle:
                handle()
            else:
                self.json({"error": "no such route"}, 404)
        except driver.Error as error:
            self.json({"error": "database", "kind": type(error).__name__}, 500)

    do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = _route

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def reply(self, body, status=200, kind="application/octet-stream", headers=()):
        self.send_response_only(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def json(self, value, status=200, headers=()):
        self.reply(json.dumps(value, ensure_ascii=False).encode(), status, "application/json", headers)

    def raw(self, text):
        self.wfile.write(text.replace("\n", "\r\n").encode())
        self.wfile.flush()

    # 22: long enough that requests that are sent together overlap.
    def post_overlap(self):
        n = int(self.rest[0])
        found = self.service.db.ask("SELECT name FROM items WHERE id = %s", n)
        time.sleep(0.15)
        if CHANGE != "overlap-fewer" or n != 2:
            what = f"overlap {n}{'!' if CHANGE == 'overlap' and n == 2 else ''}"
            self.service.db.ask("INSERT INTO jobs (what) VALUES (%s)", what)
        time.sleep(0.15)
        self.json({"name": found[0][0]})

    # 3: what was learned at the start is in the answer.
    def get_flags(self):
        self.json({"flags": self.service.flags, "cache": self.service.cache})

    # 7: large, binary, encoded, multipart.
    def get_big(self):
        self.reply(b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(50_000)))

    def get_gzip(self):
        text = json.dumps({"text": "again and " * 2000, "changed": CHANGE == "gzip"})
        # Another time in the head of the stream each time: the bytes differ, the content does not.
        body = gzip.compress(text.encode(), mtime=time.time() * 1000 % 2**31)
        self.reply(body, kind="application/json", headers=[("content-encoding", "gzip")])

    def post_upload(self):
        body = self.body()
        self.json({"kind": self.headers["content-type"].split(";")[0], "length": len(body),
                   "hash": hashlib.sha256(body).hexdigest()})

    # 8: every way in which HTTP/1.1 ends a message.
    def head_framing(self):
        self.reply(b"never sent", headers=[("x-kind", "head")])

    def get_framing(self):
        kind = self.rest[0]
        if kind == "204":
            self.raw("HTTP/1.1 204 No Content\nx-kind: none\n\n")
        elif kind == "304":
            self.raw('HTTP/1.1 304 Not Modified\netag: "x"\n\n')
        elif kind == "chunked":
            self.raw("HTTP/1.1 200 OK\ncontent-type: text/plain\ntransfer-encoding: chunked\ntrailer: x-sum\n\n"
                     "5\nhello\n6;note=x\n world\n0\nx-sum: 11\n\n")
        elif kind == "close":
            self.raw("HTTP/1.1 200 OK\ncontent-type: text/plain\nconnection: close\n\nuntil the end")
            self.close_connection = True
        elif kind == "early":
            self.raw("HTTP/1.1 103 Early Hints\nlink: </style.css>; rel=preload\n\n")
            self.reply(b"after the hint", kind="text/plain")
        else:
            self.json({"kind": kind})

    def post_framing(self):
        self.reply(self.body(), kind=self.headers.get("content-type", "text/plain"))

    # 9: repeats and empty values, in order.
    def get_repeats(self):
        cookies = [("set-cookie", "b=2; Path=/"), ("Set-Cookie", "a=1"), ("SET-COOKIE", "b=3")]
        if CHANGE == "cookies":
            cookies.reverse()
        self.json({"query": self.query, "headers": self.headers.get_all("x-many", [])}, headers=cookies)

    # 17: read, write, read.
    def post_counter(self):
        read = "SELECT seen FROM items WHERE id = 1"
        before = self.service.db.ask(read)[0][0]
        self.service.db.ask("UPDATE items SET seen = seen + 1 WHERE id = 1")
        middle = self.service.db.ask(read)[0][0]
        self.service.db.ask("UPDATE items SET seen = seen + 1 WHERE id = 1")
        self.json({"seen": [before, middle, self.service.db.ask(read)[0][0]]})

    # 19, 24: another parameter is another question.
    def get_item(self):
        id = int(self.rest[0]) + (100 if CHANGE == "parameter" else 0)
        rows = self.service.db.ask("SELECT id, name, price FROM items WHERE id = %s", id)
        self.json([[row[0], row[1], str(row[2])] for row in rows])

    # 20: more, fewer, in another order.
    def get_steps(self):
        steps = ["SELECT count(*) FROM items", "SELECT max(id) FROM items", "SELECT min(id) FROM items",
                 "UPDATE items SET seen = seen WHERE id = 1"]
        if CHANGE == "order":
            steps[:3] = reversed(steps[:3])
        elif CHANGE == "write-order":
            steps.insert(0, steps.pop())
        elif CHANGE == "fewer":
            steps.pop(0)
        elif CHANGE == "more":
            steps.append(steps[0])
        for step in steps:
            self.service.db.ask(step)
        self.json({"steps": "done"})

    # 21: a call right after the response.
    def post_late(self):
        self.json({"accepted": True})
        self.wfile.flush()
        self.service.deferred.put((0.01, f"late {self.rest[0]}"))

    # 26: time, ids, floats, order; and one value that matters.
    def get_noise(self):
        names = [row[0] for row in self.service.db.ask("SELECT name FROM items ORDER BY id LIMIT 3")]
        self.json({"id": str(uuid.uuid4()), "at": datetime.now(timezone.utc).isoformat(), "epoch": time.time(),
                   "nonce": secrets.token_hex(24), "request": secrets.token_hex(16), "names": names,
                   "total": 43 if CHANGE == "total" else 42, "ratio": 0.1 + 0.2})

    # 27: a token and an id that later requests use.
    def post_login(self):
        token = secrets.token_urlsafe(24)
        self.service.tokens[token] = json.loads(self.body())["user"]
        self.json({"token": token})

    def get_me(self):
        user = self.service.tokens.get(self.headers.get("authorization", "").removeprefix("Bearer "))
        self.json({"user": user} if user else {"error": "who are you?"}, 200 if user else 401)

    def post_things(self):
        id = uuid.uuid4()
        name = json.loads(self.body())["name"]
        self.service.db.ask("INSERT INTO things (id, name, made) VALUES (%s, %s, %s)", str(id), name,
                            datetime.now(timezone.utc))
        self.json({"id": str(id), "name": name}, 201, [("location", f"/things/{id}")])

    def get_things(self):
        rows = self.service.db.ask("SELECT id::text, name FROM things WHERE id = %s", self.rest[0])
        self.json({"id": rows[0][0], "name": rows[0][1]} if rows else {"error": "none"}, 200 if rows else 404)

    # 28: the shape of an answer.
    def get_shape(self):
        value = {"id": 7, "name": "shape", "list": [1, 2]}
        if CHANGE == "field":
            value["added"] = True
        elif CHANGE == "type":
            value["id"] = "7"
        elif CHANGE == "missing":
            del value["name"]
        if CHANGE == "text":
            self.reply(b"not json at all", kind="application/json")
        elif CHANGE == "content-type":
            self.reply(json.dumps(value).encode(), kind="text/plain")
        else:
            self.json(value)

    # 29: the end of the process, or of its attention.
    def get_risky(self):
        if CHANGE == "crash":
            print("something terrible happened", file=sys.stderr, flush=True)
            os._exit(9)
        if CHANGE == "hang":
            time.sleep(3600)
        self.json({"safe": True})

    # 32, 33: literals in the text, made-up names around them.
    def get_literals(self):
        name = dict(self.query).get("name", "item 1").replace("'", "''")
        name += "x" if CHANGE == "literal" else ""
        alias = f"t{random.randint(1, 10**6)}"
        rows = self.service.db.ask(
            f"SELECT {alias}.id, {alias}.price::text FROM items AS {alias} WHERE {alias}.name = '{name}' AND {alias}.id < 100")
        self.json(rows)

    # 36: queued work, on either side of the next request.
    def post_enqueue(self):
        self.service.deferred.put((random.uniform(0, 0.15), f"queued {self.rest[0]}"))
        self.json({"queued": self.rest[0]})

    # 22, 36: a header says who asks, what is read changes with every request, and the journal is written afterwards.
    def post_note(self):
        who = self.service.db.ask("SELECT name FROM items WHERE id = %s", int(self.headers["x-item"]))
        time.sleep(0.01)
        total = self.service.db.ask("SELECT count(*) FROM jobs")
        time.sleep(0.01)
        self.json({"who": who[0][0], "total": total[0][0]})
        if CHANGE != "no-journal" or not self.rest[0].startswith("note-2"):
            self.service.deferred.put((0, self.rest[0] + ("!" if CHANGE == "journal" else "")))

    # 38: a hash map's order.
    def get_unordered(self):
        rows = [list(row) for row in self.service.db.ask("SELECT id, name FROM items ORDER BY id")]
        random.shuffle(rows)
        pairs = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
        random.shuffle(pairs)
        if CHANGE == "element":
            next(row for row in rows if row[0] == 3)[1] = "something else"
        self.json({"map": dict(pairs), "rows": [row[1] for row in rows]})

    # 40: says that it keeps the connection, and closes it.
    def get_boom(self):
        self.json({"error": "boom"}, 500, [("connection", "keep-alive")])
        self.close_connection = True

    # 41: random and signed things.
    def get_problem(self):
        self.json({"error": "problem", "trace": str(uuid.uuid4())}, 500)

    def get_signed(self):
        token = signed({"user": "u1", "iat": int(time.time())})
        self.json({"signed": True}, headers=[("set-cookie", f"session={token}; HttpOnly")])

    # 26: how far moments are from their request. 41: what a token claims.
    def post_invites(self):
        now = datetime.now(timezone.utc)

        def expires(where, **after):
            later = timedelta(days=300) if CHANGE == f"expiry-{where}" else timedelta(**after)
            return now + later

        id, until = uuid.uuid4(), expires("call", days=30)
        self.service.db.ask("INSERT INTO invites (id, until, day) VALUES (%s, %s, %s)", str(id), until,
                            expires("date", days=1).date())
        claims = {"sub": str(id), "jti": secrets.token_hex(4), "scope": "read", "iat": int(now.timestamp()),
                  "exp": int(expires("claim", hours=1).timestamp())}
        if CHANGE == "claim":
            claims["scope"] = "read write"
        elif CHANGE == "no-claim":
            del claims["scope"]
        cookie = expires("cookie", days=7).strftime("%a, %d %b %Y %H:%M:%S GMT")
        self.json({"id": str(id), "expires_at": expires("text", days=30).isoformat(),
                   "millis": int(expires("millis", hours=2).timestamp() * 1000), "invitation": f"/join?by={signed(claims)}",
                   "started": self.service.started.isoformat()}, 201, [("set-cookie", f"seen=1; Expires={cookie}")])

    def post_accounts(self):
        given = json.loads(self.body())
        # The form of Django.
        salt = secrets.token_hex(11)
        hashed = hashlib.pbkdf2_hmac("sha256", given["password"].encode(), salt.encode(), 1000)
        stored = f"pbkdf2_sha256$1000${salt}${base64.b64encode(hashed).decode()}"
        self.service.db.ask("INSERT INTO accounts (name, password) VALUES (%s, %s)", given["name"], stored)
        self.json({"name": given["name"]}, 201)

    # 42: tried again.
    def post_retry(self):
        value, attempts = self.service.db.transaction(lambda ask: ask("SELECT fails_at_first()")[0][0])
        self.json({"value": value, "attempts": attempts})

    # 43: state that no mock can give back.
    def post_files(self):
        file = self.service.state / "uploads"
        with file.open("a") as out:
            out.write("x")
        self.json({"files": file.stat().st_size})


def main():
    if CHANGE == "no-start":
        sys.exit("the configuration is broken")
    Handler.service = Service()
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.daemon_threads = True
    server.serve_forever()


main()
