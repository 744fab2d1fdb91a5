"""The HTTP side of the Python services: a threaded server of the standard library, and the paths to ask for."""

import json
import os
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/changed/" if os.environ.get("CHANGE") else "/item/"
HTTPS = os.environ.get("HTTPS_URL", "") + PATH
HTTP = os.environ.get("HTTP_URL", "") + PATH


def serve(answer, port=None):
    """Answers `GET /call/<n>` with `answer(n)` as JSON, for ever."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            try:
                status, said = 200, answer(self.path.rsplit("/", 1)[-1])
            except Exception as error:
                print("failed:", repr(error), file=sys.stderr, flush=True)
                status, said = 500, {"error": type(error).__name__}
            body = json.dumps(said, sort_keys=True).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port or int(os.environ["PORT"])), Handler)
    if "CERT" in os.environ:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["CERT"], os.environ["KEY"])
        if "CLIENT_CA" in os.environ:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(os.environ["CLIENT_CA"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
