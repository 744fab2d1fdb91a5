"""Sending requests one after another over one connection that is kept, and printing what came back."""

import http.client
import json
import time
from urllib.parse import urlsplit


class Sender:
    """Sends to one base address; counts the requests; a traffic script prints through it."""

    def __init__(self, base):
        self.address = urlsplit(base)
        self.connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=60)
        self.count = 0

    def send(self, method, path, body=None, headers=None):
        """One request; returns (status, the body as JSON where it is JSON, else text)."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            headers.setdefault("content-type", "application/json")
        self.connection.request(method, path, body=body, headers=headers)
        response = self.connection.getresponse()
        raw = response.read()
        self.count += 1
        try:
            found = json.loads(raw)
        except ValueError:
            found = raw.decode(errors="replace")
        print(self.count, method, path.split("?")[0], response.status, len(raw))
        return response.status, found


def wait_until_ready(base, path, timeout=120):
    """Asks until the service answers at all."""
    end = time.monotonic() + timeout
    while True:
        try:
            sender = http.client.HTTPConnection(urlsplit(base).hostname, urlsplit(base).port, timeout=10)
            sender.request("GET", path)
            sender.getresponse().read()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
