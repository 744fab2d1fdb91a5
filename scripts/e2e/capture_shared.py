"""Two names that lead to one address and port: each is a dependency of its own, over TLS and without."""

import http.client
import json
import os
import re
import tempfile
import time

import environment
from dependencies import Authority, SHARED, Web
from environment import CAPTURE
from ordinary import User
from processes import Failed, free_port, run as run_command, start, stop, tail, wait_for_port
from session import Calls

REQUESTS = 2


def run(results, only=None):
    if only and not "shared".startswith(only):
        return
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch:
        user = User(scratch)
        web = Web(Authority(user.folder))
        try:
            shared = Shared(user, web)
        except environment.Missing as why:
            web.stop()
            return results.skip("capture shared", why)
        recorded = results.check("capture shared: two of one address are two dependencies", shared.record)
        web.stop()
        if recorded:
            results.check("capture shared: replayed with their server gone", shared.replay)
            results.check("capture shared: asked in another order, each answers for itself", shared.reversed)


class Shared:
    """A service that asks both, where `/etc/hosts` is one of the test's own."""

    def __init__(self, user, web):
        self.user = user
        self.folder = str(user.place("shared"))
        hosts = os.path.join(self.folder, "hosts")
        with open(hosts, "w") as file:
            file.write(f"127.0.0.1 localhost\n127.0.0.1 {' '.join(SHARED)}\n")
        os.chmod(hosts, 0o644)
        # Nobody else sees it.
        self.prefix = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, *user.prefix]
        environment.need("unshare", "mount")
        if run_command([*self.prefix, "true"], check=False).returncode != 0:
            raise environment.Missing("only root can give a service an /etc/hosts of its own")
        self.port = free_port()
        self.command = [user.interpreter(), str(CAPTURE / "python" / "shared_service.py")]
        self.urls = [f"{scheme}://{name}:{port}" for scheme, port in zip(("http", "https"), web.ports()) for name in SHARED]
        self.env = {**user.environment(), "PORT": str(self.port), "NAMED_URLS": " ".join(self.urls)}
        self.calls = Calls(self.folder, *self.prefix, user.binary)
        with open(os.path.join(self.folder, "retake.yaml"), "w") as file:
            file.write(f"tls:\n  roots: [{user.folder}/ca.pem]\n")

    def record(self):
        _, said = self.calls.record(self.command, self.env, self._ask, port=self.port)
        with open(os.path.join(self.folder, "retake", "main", "set.yaml")) as file:
            text = file.read()
        found = set(re.findall(r"^  - name: \"?([^\"\n]+)", text, re.MULTILINE))
        if {name.split(":")[0] for name in found} != set(SHARED) or len(found) != 4:
            raise Failed(f"the dependencies are {sorted(found)}\n{text}")
        if "not captured" in said:
            raise Failed(f"the ledger says `not captured`{said}")

    def replay(self):
        run = self._replay().expect_green()
        if len(run.tests) != REQUESTS:
            raise Failed(f"{len(run.tests)} tests, expected {REQUESTS}\n{run.said[-2000:]}")

    def reversed(self):
        run = self._replay(REVERSE="1")
        wrong = [one for test in run.tests for one in test["differences"] if '"response' in json.dumps(one)]
        if wrong or run.code == 3 or len(run.tests) != REQUESTS:
            raise Failed(f"answers differ: {wrong}\n{run.said[-3000:]}")

    def _ask(self):
        for n in range(1, REQUESTS + 1):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            connection.request("GET", f"/call/{n}")
            answer = connection.getresponse()
            said = answer.read()
            connection.close()
            if answer.status != 200 or sorted(one["host"] for one in json.loads(said).values()) != sorted(SHARED * 2):
                raise Failed(f"it answered {answer.status} {said}")
            time.sleep(0.1)

    def _replay(self, **changes):
        return self.calls.replay(self.command, {**self.env, **changes}, "main")
