"""Asks PostgreSQL through a tunnel: a small door on this machine, each of whose connections is a CONNECT."""

import os
import socket
import threading
from urllib.parse import urlsplit

import psycopg

PROXY, DATABASE = urlsplit(os.environ["HTTP_PROXY"]), os.environ["DATABASE"]


def pump(source, sink):
    while piece := source.recv(65536):
        sink.sendall(piece)
    sink.shutdown(socket.SHUT_WR)


def serve(door):
    while True:
        client, _ = door.accept()
        server = socket.create_connection((PROXY.hostname, PROXY.port))
        server.sendall(f"CONNECT {DATABASE} HTTP/1.1\r\nHost: {DATABASE}\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += server.recv(1)
        for pair in ((client, server), (server, client)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


door = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(door,), daemon=True).start()
with open(os.environ["OUT"], "w") as out:
    url = f"postgres://{os.environ['PGUSER']}@127.0.0.1:{door.getsockname()[1]}/{os.environ['PGDATABASE']}"
    with psycopg.connect(url, password=os.environ.get("PGPASSWORD"), sslmode="disable") as db:
        for n in (1, 2, 3):
            print(db.execute("select %s::int * 2, %s::text", (n, f"row {n}")).fetchone(), file=out)
