"""Services that serve TLS themselves, captured by an ordinary user: read with their own certificate, left alone without.

The clients verify the service's certificate in every step, but where they are told to trust retake's.
"""

import http.client
import os
import shutil
import ssl
import subprocess
import tempfile
import time

import environment
from dependencies import Authority, NAME, Web
from environment import CAPTURE
from ordinary import User
from processes import Failed, free_port, start, stop, tail, wait_for_port
from retake import clean_ledger
from session import Calls

REQUESTS = 3
# Where no request could be read, there is no test.
NO_TEST = 3


def _gunicorn(user):
    folder = os.path.dirname(environment.capture_python(user))
    return ["sh", "-c", 'exec "$0" -w 2 --chdir "$1" --bind 127.0.0.1:$PORT --certfile $CERT --keyfile $KEY wsgi:app',
            os.path.join(folder, "gunicorn"), str(CAPTURE / "servers")]


def _uvicorn(user):
    folder = os.path.dirname(environment.capture_python(user))
    return ["sh", "-c", 'exec "$0" --app-dir "$1" --log-level warning --port $PORT --ssl-certfile $CERT --ssl-keyfile $KEY asgi:app',
            os.path.join(folder, "uvicorn"), str(CAPTURE / "servers")]


def _python(user):
    return [user.interpreter(), str(CAPTURE / "python" / "urllib_service.py")]


def _node(_):
    environment.debian("node", "nodejs")
    return ["node", str(CAPTURE / "node" / "fetch_service.js")]


SERVICES = {"python": _python, "node": _node, "go": lambda _: [str(environment.capture_go()), "http"],
            "gunicorn": _gunicorn, "uvicorn": _uvicorn}


def run(results, only=None):
    """Every service, or those whose names (`https-go`) begin so."""
    wanted = {name: command for name, command in SERVICES.items() if not only or f"https-{name}".startswith(only)}
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch:
        user = User(scratch)
        authority = Authority(user.folder)
        for file in (authority.key, authority.certificate):
            os.chmod(file, 0o644)
        web = Web(authority)
        services = []
        for name, command in wanted.items():
            try:
                services.append(Service(name, command(user), user, authority, web))
            except environment.Missing as why:
                results.skip(f"capture https-{name}", why)
        recorded = []
        for service in services:
            results.check(f"capture https-{service.name}: relayed as it is, and named", service.unread)
            if results.check(f"capture https-{service.name}: recorded with its own certificate", service.record):
                recorded.append(service)
        for service in services:
            if service.name == "python":
                results.check("capture https-python: recorded with retake's certificate", service.record_trusting)
                results.check("capture https-python: clients that do not trust that are read no more", service.record_distrusted)
                results.check("capture https-python: clients with certificates are left alone", service.record_mutual)
        web.stop()
        for service in recorded:
            results.check(f"capture https-{service.name}: replayed with its dependency gone", service.replay)
            results.check(f"capture https-{service.name}: a changed build is red", service.changed)
        for service in services:
            if service.failed(results):
                kept = tempfile.mkdtemp(prefix=f"retake-kept-https-{service.name}-")
                shutil.copytree(service.folder, kept, dirs_exist_ok=True)
                print(f"           kept: {kept}")


class Service:
    """One service in a folder of its own."""

    def __init__(self, name, command, user, authority, web):
        self.name, self.command, self.user, self.authority = name, command, user, authority
        self.folder = str(user.place(f"https-{name}"))
        self.port = free_port()
        self.env = {**user.environment(), **web.environment(), "PORT": str(self.port),
                    "CERT": authority.certificate, "KEY": authority.key}
        self.said = None
        self.calls = Calls(self.folder, *user.prefix, user.binary)
        with open(os.path.join(self.folder, "retake.yaml"), "w") as file:
            file.write(f"tls:\n  roots: [{authority.root}]\n")

    def failed(self, results):
        return any(f"https-{self.name}:" in name for name in results.failed)

    def unread(self):
        said, log = self._record("unread", [], self._ask, NO_TEST)
        if any(status != 200 for status, _ in said):
            raise Failed(f"it answered {said}{log}")
        for words in ("TLS that is not looked into", "--cert FILE --key FILE"):
            if words not in log:
                raise Failed(f"the ledger does not say `{words}`{log}")
        self.said = said

    def record(self):
        said, log = self._record("main", ["--cert", self.authority.certificate, "--key", self.authority.key], self._ask)
        if said != self.said:
            raise Failed(f"it answered {said} in place of {self.said}{log}")
        clean_ledger(self.folder, "main", "inbound", NAME)
        if f"upstream: https://127.0.0.1:{self.port}" not in self._set("main"):
            raise Failed(f"the set does not say that it serves TLS\n{self._set('main')}")

    def record_trusting(self):
        roots = subprocess.run([*self.user.prefix, self.user.binary, "ca"], cwd=self.folder, env=self.env,
                               capture_output=True, text=True, timeout=30).stdout.strip()
        said, log = self._record("trusting", ["--tls"], lambda: self._ask(roots))
        if said != self.said or "retake ca" not in log:
            raise Failed(f"it answered {said} in place of {self.said}, or nobody was told whom to trust{log}")
        clean_ledger(self.folder, "trusting", "inbound", NAME)

    def record_distrusted(self):
        def ask():
            try:
                self._ask()
            except ssl.SSLCertVerificationError:
                # Its refusal is on its way.
                time.sleep(0.3)
                return self._ask()
            raise Failed("a certificate was taken that nobody vouches for")

        said, log = self._record("distrusted", ["--tls"], ask, NO_TEST)
        if said != self.said:
            raise Failed(f"it answered {said} in place of {self.said}{log}")
        if "a client refused the certificate" not in log or "--cert FILE --key FILE" not in log:
            raise Failed(f"the ledger does not say it{log}")

    def record_mutual(self):
        self.env["CLIENT_CA"] = self.authority.root
        try:
            said, log = self._record("mutual", ["--cert", self.authority.certificate, "--key", self.authority.key],
                                     lambda: self._ask(identity=True), NO_TEST)
        finally:
            del self.env["CLIENT_CA"]
        if said != self.said:
            raise Failed(f"it answered {said} in place of {self.said}{log}")
        if "asks its clients for a certificate" not in log:
            raise Failed(f"the ledger does not say it{log}")

    def replay(self):
        run = self._replay().expect_green()
        if len(run.tests) != REQUESTS:
            raise Failed(f"{len(run.tests)} tests, expected {REQUESTS}\n{run.said[-2000:]}")
        if self.name == "go":
            # A path that asks nobody.
            self._replay("--ready-path", "/ready").expect_green()

    def changed(self):
        run = self._replay(CHANGE="1").expect(1, "(a changed build)")
        red = [test for test in run.tests if test["differences"]]
        if len(red) != REQUESTS:
            raise Failed(f"{len(red)} red tests, expected {REQUESTS}\n{run.said[-2000:]}")

    def _record(self, set_name, options, use, ends_with=0):
        return self.calls.record(self.command, self.env, use, *options, port=self.port, set_name=set_name,
                                 log=f"{set_name}.log", ends_with=ends_with)

    def _ask(self, roots=None, identity=False):
        context = ssl.create_default_context(cafile=roots or self.authority.root)
        if identity:
            context.load_cert_chain(self.authority.certificate, self.authority.key)
        said = []
        for n in range(1, REQUESTS + 1):
            connection = http.client.HTTPSConnection(NAME, self.port, timeout=30, context=context)
            connection.request("GET", f"/call/{n}")
            answer = connection.getresponse()
            said.append((answer.status, answer.read()))
            connection.close()
            time.sleep(0.1)
        return said

    def _set(self, name):
        with open(os.path.join(self.folder, "retake", name, "set.yaml")) as file:
            return file.read()

    def _replay(self, *options, **changes):
        return self.calls.replay(self.command, {**self.env, **changes}, "main", *options)
