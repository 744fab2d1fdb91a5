"""What stands behind the forward proxy: a few hosts, and a company's own proxy that alone knows their names."""

import base64
import http.server
import os
import select
import socket
import ssl
import threading

from processes import run

CREDENTIALS = "me:secret"


class Hosts:
    """Two plain hosts and one with TLS, on free ports. `close` ends them."""

    def __init__(self, folder):
        self.certificate = os.path.join(folder, "secure.pem")
        key = os.path.join(folder, "secure.key")
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", self.certificate,
             "-days", "2", "-subj", "/CN=secure.test", "-addext", "basicConstraints=critical,CA:FALSE",
             "-addext", "subjectAltName=DNS:secure.test,DNS:localhost"])
        self.servers = {name: _server(name) for name in ("plain.test", "other.test", "secure.test")}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        secure = self.servers["secure.test"]
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        for server in self.servers.values():
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def port(self, name):
        return self.servers[name].server_address[1]

    def close(self):
        for server in self.servers.values():
            server.shutdown()
            server.server_close()


def _server(name):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path.startswith("/missing"):
                self.answer(404, b"not here")
            elif self.path.startswith("/large"):
                self.answer(200, bytes(range(256)) * 8000, "application/octet-stream")
            else:
                self.answer(200, f"{name} has {self.path}".encode())

        do_HEAD = do_GET

        def do_POST(self):
            if self.headers.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self.answer(201, name.encode() + b" got " + body)

        def answer(self, status, body, kind="text/plain"):
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


class Company:
    """A proxy that wants credentials, speaks CONNECT alone, and looks up the names of the hosts."""

    def __init__(self, hosts):
        self.hosts, self.asked = hosts, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self):
        return f"http://{CREDENTIALS}@127.0.0.1:{self.listener.getsockname()[1]}"

    def close(self):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = client.recv(1)
            if not piece:
                return
            head += piece
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.asked.append(f"{method} {target}")
        wanted = b"Proxy-Authorization: Basic " + base64.b64encode(CREDENTIALS.encode())
        name = target.rsplit(":", 1)[0]
        if wanted not in head:
            client.sendall(b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
            return client.close()
        if method != "CONNECT" or name not in self.hosts.servers:
            client.sendall(b"HTTP/1.1 403 Not here\r\nContent-Length: 0\r\n\r\n")
            return client.close()
        server = socket.create_connection(("127.0.0.1", self.hosts.port(name)))
        client.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
        other = {client: server, server: client}
        while True:
            for end in select.select([client, server], [], [])[0]:
                try:
                    piece = end.recv(65536)
                    other[end].sendall(piece)
                except OSError:
                    piece = b""
                if not piece:
                    client.close()
                    return server.close()
