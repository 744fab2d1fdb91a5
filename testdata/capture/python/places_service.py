"""A service on several ports. PORTS: `3000,9090`, in the order in which it listens (0 for any free one; their numbers
are written to the file PLACES). Each tells its name (`first`, `second`, …); `/item` asks HTTP_URL, and EXTRA, where that
is set (`host:port`), is connected to as well: whether that worked changes nothing in the answer."""

import json
import os
import socket
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAMES = ("first", "second", "third")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = {"place": self.server.name, "path": self.path}
        if self.path.startswith("/item"):
            if os.environ.get("EXTRA"):
                host, port = os.environ["EXTRA"].rsplit(":", 1)
                try:
                    socket.create_connection((host, int(port)), timeout=5).close()
                except OSError:
                    pass
            with urllib.request.urlopen(os.environ["HTTP_URL"] + self.path) as response:
                answer["item"] = json.load(response)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


servers = []
for name, port in zip(NAMES, os.environ["PORTS"].split(",")):
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.name = name
    servers.append(server)
if os.environ.get("PLACES"):
    with open(os.environ["PLACES"] + ".new", "w") as file:
        file.write(",".join(str(server.server_port) for server in servers))
    os.rename(os.environ["PLACES"] + ".new", os.environ["PLACES"])
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
servers[0].serve_forever()
