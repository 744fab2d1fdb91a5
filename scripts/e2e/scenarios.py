"""The scenarios through the command line, with the awkward service (testdata/apps/awkward): one test per row.

A test is a function `scenario_NN_what_must_happen(case)` in one of the modules below.
"""

import http.client
import json
import select
from urllib.parse import urlsplit

import environment
import scenarios_proxy
import scenarios_recording
import scenarios_replay
import scenarios_service
from environment import APPS
from postgres import Postgres
from processes import Failed
from retake import clean_ledger
from session import Session


def run(results, only=None):
    """All scenarios, or those whose names begin so (`19`, `scenario_19`)."""
    environment.postgres(18)
    python = environment.python_clients()
    with Postgres(18) as server:
        for module in (scenarios_recording, scenarios_replay, scenarios_service, scenarios_proxy):
            for name, test in vars(module).items():
                if name.startswith("scenario_") and (not only or name.removeprefix("scenario_").startswith(
                        only.removeprefix("scenario_"))):
                    _one(results, server, python, name, test)


def _one(results, server, python, name, test):
    server.create("app")
    case = Case(name, server, lambda _: [python, str(APPS / "awkward" / "app.py")], {})
    passed = results.check(name, test, case)
    case.close(keep=not passed)


class Case(Session):
    """A session whose traffic is a list of requests."""

    def record_requests(self, *requests, settle=0.3, **changes):
        """Records `"GET /path"`, or `("POST /path", body)`, in order, over one kept connection."""
        def traffic(base):
            client = Client(base)
            for request in requests:
                client.send(*([request] if isinstance(request, str) else request))

        said = self.record(traffic, settle=settle, **changes)
        clean_ledger(self.folder, "main", "inbound")
        return said


class Client:
    """Sends `"GET /path"` over one kept connection."""

    def __init__(self, base):
        address = urlsplit(base)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)

    def send(self, request, body=None, headers=None):
        """Returns (status, headers, body)."""
        method, path = request.split(" ", 1)
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("content-type", "application/json")
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def wait_until_closed(self, timeout=1):
        """Until the other end has closed the connection; the next request goes over a new one."""
        if not select.select([self.connection.sock], [], [], timeout)[0]:
            raise Failed(f"the connection was not closed within {timeout} s")
        self.connection.close()
