"""A service that asks another by way of the proxy of its environment: `GET /a` asks for `$PLAIN/a`."""

import http.server
import os
import urllib.error
import urllib.request

WHO = os.environ.get("CHANGE", "service")


def ask(request):
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        request = urllib.request.Request(os.environ["PLAIN"] + self.path, headers={"x-who": WHO})
        if trace := self.headers.get("traceparent"):
            request.add_header("traceparent", trace)
        status, body = ask(request)
        if WHO == "curious" and self.path == "/b":
            ask("http://strange.test/")
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
