"""What the services of the capture tests call: an HTTPS server of a test authority, the same without TLS, gRPC.

Once they are stopped, traps listen in their place: whoever still gets there has left retake's mocks.
"""

import json
import os
import shutil
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from environment import need
from processes import free_port, run, start, stop, wait_for_port

NAME = "localhost"
# Names that lead to one address where a test sees to it.
SHARED = ["users.test", "orders.test"]


class Authority:
    """A certificate authority of the tests, and a certificate for `localhost` that it signed."""

    def __init__(self, folder):
        need("openssl")
        self.lock = threading.Lock()
        self.root, self.key, self.certificate = (os.path.join(folder, name) for name in ("ca.pem", "key.pem", "cert.pem"))
        own_key, request, extensions = (os.path.join(folder, name) for name in ("ca.key", "request.pem", "extensions"))
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=retake test authority",
             "-keyout", own_key, "-out", self.root])
        run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}", "-keyout", self.key, "-out", request])
        with open(extensions, "w") as file:
            names = ",".join(f"DNS:{name}" for name in (NAME, *SHARED))
            file.write(f"subjectAltName={names},IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        run(["openssl", "x509", "-req", "-days", "20", "-in", request, "-CA", self.root, "-CAkey", own_key,
             "-CAcreateserial", "-extfile", extensions, "-out", self.certificate])
        os.chmod(self.root, 0o644)

    def environment(self, folder):
        """The variables with which clients trust it where there is no retake."""
        wgetrc = os.path.join(folder, "wgetrc")
        with open(wgetrc, "w") as file:
            file.write(f"ca_certificate = {self.root}\n")
        named = {name: self.root for name in (
            "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS",
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")}
        named["SYSTEM_WGETRC"] = wgetrc
        if shutil.which("keytool"):
            store = os.path.join(folder, "trust.jks")
            with self.lock:
                if not os.path.exists(store):
                    run(["keytool", "-importcert", "-noprompt", "-alias", "test", "-file", self.root, "-keystore", store,
                         "-storepass", "changeit"])
                    os.chmod(store, 0o644)
            named["JAVA_TOOL_OPTIONS"] = f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit"
        return named


class Web:
    """The HTTP and HTTPS servers: `/item/7` is answered with what was asked for; also as a Git repository."""

    def __init__(self, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.certificate, authority.key)
        context.set_alpn_protocols(["http/1.1"])
        self.plain, self.secure = _Server("http"), _Server("https", context)

    def environment(self):
        return {"HTTP_URL": f"http://{NAME}:{self.plain.server_port}",
                "HTTPS_URL": f"https://{NAME}:{self.secure.server_port}"}

    def ports(self):
        return [self.plain.server_port, self.secure.server_port]

    def stop(self):
        for server in (self.plain, self.secure):
            server.shutdown()
            server.close_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def __init__(self, scheme, context=None):
        self.scheme, self.context, self.open = scheme, context, set()
        super().__init__(("127.0.0.1", free_port()), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        # The handshake is of the connection's own thread.
        self.open.add(request)
        if self.context:
            request.settimeout(20)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError as why:
                print(f"           the test server's handshake failed: {why}")
                return
        self.open.add(request)
        try:
            super().finish_request(request, client_address)
        except OSError as why:
            print(f"           the test server's connection failed: {why!r}")
        finally:
            self.open.discard(request)
            self.shutdown_request(request)

    def close_all(self):
        """Ends kept connections too: an idle one is no dependency that is gone."""
        self.server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.endswith("/info/refs"):
            body = f"{abs(hash(path.split('/')[-3])) % 16 ** 8:040x}\trefs/heads{path.removesuffix('/info/refs')}\n".encode()
            kind = "text/plain"
        elif path.endswith("/HEAD"):
            body, kind = f"ref: refs/heads{path.removesuffix('/HEAD')}\n".encode(), "text/plain"
        else:
            said = {"path": path, "by": self.server.scheme}
            host = self.headers["host"].split(":")[0]
            if host in SHARED:
                said["host"] = host
            body, kind = json.dumps(said).encode(), "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Grpc:
    """The gRPC server, in a process of its own."""

    def __init__(self, python, script, authority, folder):
        self.port = free_port()
        log = os.path.join(folder, "grpc.log")
        self.process = start([python, script, str(self.port), authority.certificate, authority.key], log=log)
        wait_for_port(self.port, self.process, 30, log)

    def stop(self):
        stop(self.process, grace=3)


class Traps:
    """Listens where the dependencies were, and counts who comes."""

    def __init__(self, ports):
        self.hits = []
        self.sockets = []
        for port in ports:
            listener = socket.create_server(("127.0.0.1", port))
            self.sockets.append(listener)
            threading.Thread(target=self._count, args=(listener, port), daemon=True).start()

    def _count(self, listener, port):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.hits.append(port)
            connection.close()

    def stop(self):
        for listener in self.sockets:
            # Its thread is to end now: closing alone would leave it waiting.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
