"""A service of three processes that are forked first and accept then, each with a connection of its own to PostgreSQL."""

import http.server
import json
import os
import signal
import socket
import sys
import time

import psycopg

WORKERS = 3
CHANGED = os.environ.get("CHANGED")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_POST(self):
        name = json.loads(self.rfile.read(int(self.headers["content-length"])))["name"]
        try:
            with database.transaction():
                number, = database.execute("insert into items (name) values (%s) returning id", [name]).fetchone()
                # Others are asked meanwhile.
                time.sleep(0.02)
                database.execute("insert into notes (text) values (%s)", ["changed" if CHANGED else "made"])
            self.answer({"id": number})
        except psycopg.Error as error:
            self.answer({"error": error.sqlstate}, 500)

    def do_GET(self):
        count, = database.execute("select count(*) from items").fetchone()
        time.sleep(0.02)
        self.answer({"items": count})

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.HTTPServer):
    """Takes over a socket that listens already."""

    def __init__(self, listening):
        super().__init__(listening.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening


listening = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=64)
workers = []
for _ in range(WORKERS):
    worker = os.fork()
    if worker == 0:
        database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        Server(listening).serve_forever()
    workers.append(worker)


def end(*_):
    for worker in workers:
        os.kill(worker, signal.SIGTERM)
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
for worker in workers:
    os.waitpid(worker, 0)
