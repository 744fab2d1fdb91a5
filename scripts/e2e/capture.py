"""Capture: services on many client libraries, recorded and replayed by an ordinary user with no option and no variable.

Each is asked directly first, then under `retake record -- ...`; then its dependencies go, and it is replayed, unchanged
and changed. Writes `capture.md`, the table of the clients.
"""

import http.client
import os
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable

import capture_apps
import capture_https
import capture_kinto
import capture_names
import capture_places
import capture_rough
import capture_shared
import capture_sockets
import capture_workers
import environment
from dependencies import Authority, Grpc, NAME, Traps, Web
from environment import CACHE, CAPTURE, Missing
from ordinary import User
from postgres import PASSWORD, Postgres
from processes import Failed, free_port, start, stop, tail, wait_for_port
from retake import clean_ledger
from session import Calls

REQUESTS = 3


@dataclass
class Client:
    """One row of the table."""

    install: Callable  # of the user: what it needs; returns its command
    what: str
    # Why it cannot be green, for the table: what is relayed unread has no answer on replay.
    opaque: str = ""
    environment: dict = field(default_factory=dict)


def _python(script, *arguments):
    return lambda user: [environment.capture_python(user), str(CAPTURE / "python" / script), *arguments]


def _server(program, *arguments):
    def command(user):
        folder = os.path.dirname(environment.capture_python(user))
        return ["sh", "-c", f'exec "$@" --bind 127.0.0.1:$PORT' if program == "gunicorn" else 'exec "$@" --port $PORT', "sh",
                os.path.join(folder, program), *arguments]

    return command


def _command(name):
    def command(user):
        environment.need(name)
        return [user.interpreter(), str(CAPTURE / "python" / "commands.py"), name]

    return command


def _node(script):
    def command(_):
        place = environment.node_modules("capture-node", CAPTURE / "node")
        for source in (CAPTURE / "node").glob("*.js"):
            shutil.copy(source, place)
        return ["node", str(place / script)]

    return command


def _java(name):
    return lambda _: ["java", "-Xshare:auto", "-cp", environment.capture_java(), name]


def _go(name):
    return lambda _: [str(environment.capture_go()), name]


CLIENTS = {
    "curl": Client(_command("curl"), "HTTPS, HTTP"),
    "wget": Client(_command("wget"), "HTTPS, HTTP"),
    "git": Client(_command("git"), "`ls-remote` over HTTPS, HTTP"),
    "python-urllib": Client(lambda user: [user.interpreter(), str(CAPTURE / "python" / "urllib_service.py")], "HTTPS, HTTP"),
    "python-requests": Client(_python("requests_service.py"), "HTTPS, HTTP"),
    "python-httpx": Client(_python("httpx_service.py"), "HTTPS, HTTP"),
    "python-aiohttp": Client(_python("aiohttp_service.py"), "HTTPS, HTTP at once"),
    "python-uvloop": Client(_python("aiohttp_service.py", "uvloop"), "aiohttp on uvloop"),
    "python-psycopg": Client(_python("psycopg_service.py"), "PostgreSQL, `verify-full` and plain"),
    "python-psycopg-file": Client(_python("psycopg_service.py"), "the same, by a file of roots in the address"),
    "python-grpc": Client(_python("grpc_service.py"), "gRPC with TLS", opaque="a gap (exit 3): HTTP/2 is not read yet; green with `--live`"),
    "gunicorn": Client(_server("gunicorn", "-w", "3", "--chdir", str(CAPTURE / "servers"), "wsgi:app"),
                       "3 workers; requests"),
    "uvicorn": Client(_server("uvicorn", "--app-dir", str(CAPTURE / "servers"), "--log-level", "warning", "asgi:app"), "httpx"),
    "node-fetch": Client(_node("fetch_service.js"), "HTTPS, HTTP at once"),
    "node-net": Client(_node("net_service.js"), "`tls` and `net` sockets"),
    "node-pg": Client(_node("pg_service.js"), "PostgreSQL, `verify-full` and plain"),
    "node-cluster": Client(_node("cluster_service.js"), "3 workers; fetch"),
    "java-httpclient": Client(_java("HttpClientService"), "HTTPS, HTTP"),
    "java-nio": Client(_java("NioService"), "HttpsURLConnection, NIO selector"),
    "java-pgjdbc": Client(_java("PgjdbcService"), "PostgreSQL, `verify-full` and plain"),
    "go-http": Client(_go("http"), "HTTPS, HTTP; static binary"),
    "go-pgx": Client(_go("pgx"), "PostgreSQL, `verify-full` and plain; static binary"),
}
COLUMNS = ("direct", "record", "replay", "changed")


def run(results, only=None):
    """Every client, or those whose names begin so."""
    wanted = {name: client for name, client in CLIENTS.items() if not only or name.startswith(only)}
    environment.postgres(15)
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch:
        user = User(scratch)
        commands = {}
        for name, client in wanted.items():
            try:
                commands[name] = client.install(user)
                for part in commands[name]:
                    if os.path.isfile(part):
                        user.needs(part)
            except Missing as why:
                results.skip(f"capture {name}", why)
            except Failed as why:
                results.fail(f"capture {name}", why)
        if commands:
            _matrix(results, user, commands)
    capture_https.run(results, only)
    capture_shared.run(results, only)
    capture_rough.run(results, only)
    capture_names.run(results, only)
    capture_places.run(results, only)
    capture_sockets.run(results, only)
    capture_workers.run(results, only)
    capture_apps.run(results, only)
    capture_kinto.run(results, only)


def _matrix(results, user, commands):
    authority = Authority(user.folder)
    web = Web(authority)
    with Postgres(15, tls=(authority.certificate, authority.key)) as server:
        server.create("app")
        server.sql("CREATE TABLE items (id int PRIMARY KEY, name text)",
                   "INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 100) n",
                   "GRANT SELECT ON items TO app", database="app")
        grpc = None
        ports = [*web.ports(), server.port]
        addresses = {**web.environment(), **_database(server.port)}
        if "python-grpc" in commands:
            grpc = Grpc(environment.capture_python(user), str(CAPTURE / "python" / "grpc_server.py"), authority, user.folder)
            ports.append(grpc.port)
            addresses["GRPC_TARGET"] = f"{NAME}:{grpc.port}"
        cases = [Case(name, command, user, authority, addresses) for name, command in commands.items()]
        _step(results, cases, "direct", Case.direct)
        _step(results, [case for case in cases if case.row["direct"] == "ok"], "record", Case.record)
        server.stop()
        web.stop()
        if grpc:
            grpc.stop()
    traps = Traps(ports)
    recorded = [case for case in cases if case.row["record"] == "ok"]
    _step(results, recorded, "replay", Case.replay)
    green = [case for case in recorded if case.row["replay"] == "ok" and not case.client.opaque]
    _step(results, green, "changed", Case.changed)
    traps.stop()
    results.check("capture: nothing left the machine", lambda: _none(traps.hits))
    _write(cases)
    for case in cases:
        if "FAILED" in case.row.values():
            kept = tempfile.mkdtemp(prefix=f"retake-kept-{case.name}-")
            shutil.copytree(case.folder, kept, dirs_exist_ok=True)
            print(f"           kept: {kept}")


def _database(port):
    url = f"postgres://app:{PASSWORD}@{NAME}:{port}/app?sslmode="
    return {"DATABASE_URL": f"{url}disable", "DATABASE_TLS_URL": f"{url}verify-full",
            "JDBC_URL": f"jdbc:postgresql://{NAME}:{port}/app?user=app&password={PASSWORD}&sslmode=disable",
            "JDBC_TLS_URL": f"jdbc:postgresql://{NAME}:{port}/app?user=app&password={PASSWORD}&sslmode=verify-full"
                            "&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory"}


def _none(hits):
    if hits:
        raise Failed(f"connections to the dependencies' own ports while replaying: {sorted(hits)}")


def _step(results, cases, mode, test):
    def one(case):
        ok = results.check(f"capture {case.name}, {mode}", test, case)
        case.row[mode] = "ok" if ok else "FAILED"

    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(one, cases))


class Case:
    """One client's service in a folder of its own."""

    def __init__(self, name, command, user, authority, addresses):
        self.name, self.command, self.user, self.authority = name, command, user, authority
        self.client = CLIENTS[name]
        self.folder = str(user.place(name))
        self.port = free_port()
        self.addresses = dict(addresses)
        if name == "python-psycopg":
            # Without it libpq looks for a file of roots in the home folder.
            self.addresses["DATABASE_TLS_URL"] += "&sslrootcert=system"
        elif name == "python-psycopg-file":
            self.addresses["DATABASE_TLS_URL"] += f"&sslrootcert={authority.root}"
        self.row = dict.fromkeys(COLUMNS, "-")
        self.said = None
        self.calls = Calls(self.folder, *user.prefix, user.binary)
        with open(os.path.join(self.folder, "retake.yaml"), "w") as file:
            file.write(f"tls:\n  roots: [{authority.root}]\n")

    def _environment(self, **more):
        return {**self.user.environment(), **self.addresses, "PORT": str(self.port), **self.client.environment, **more}

    def _ask(self):
        said = []
        for n in range(1, REQUESTS + 1):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            connection.request("GET", f"/call/{n}")
            answer = connection.getresponse()
            said.append((answer.status, answer.read()))
            connection.close()
            time.sleep(0.1)
        return said

    def direct(self):
        log = os.path.join(self.folder, "direct.log")
        process = start([*self.user.prefix, *self.command], log=log, cwd=self.folder,
                        env=self._environment(**self.authority.environment(str(self.user.folder))))
        try:
            wait_for_port(self.port, process, 60, log)
            self.said = self._ask()
        finally:
            stop(process)
        if any(status != 200 for status, _ in self.said):
            raise Failed(f"{self.said}{tail(log)}")

    def record(self):
        said, ledger = self.calls.record(self.command, self._environment(), self._ask, port=self.port)
        if said != self.said:
            raise Failed(f"it answered {said} in place of {self.said}{ledger}")
        if self.client.opaque:
            if "relayed unread: HTTP/2" not in ledger or "opaque:" not in self._set():
                raise Failed(f"what was relayed unread is not named{ledger}\n{self._set()}")
            # It has no mock, but its real address answers where that is wanted.
            self._replay("--live", self._opaque()).expect_green()
        else:
            clean_ledger(self.folder, "main", "inbound")

    def replay(self):
        run = self._replay()
        if self.client.opaque:
            if run.code != 3 or "hint: `--live" not in run.said:
                raise Failed(f"replay ended with {run.code}, though the dependency was not read\n{run.said[-2000:]}")
            return
        run.expect_green()
        if len(run.tests) != REQUESTS:
            raise Failed(f"{len(run.tests)} tests, expected {REQUESTS}\n{run.said[-2000:]}")
        for words in ("not captured", "refused"):
            if words in run.said:
                raise Failed(f"the run says `{words}`\n{run.said[-2000:]}")

    def changed(self):
        run = self._replay(CHANGE="1").expect(1, "(a changed build)")
        red = [test for test in run.tests if test["differences"]]
        if len(red) != REQUESTS:
            raise Failed(f"{len(red)} red tests, expected {REQUESTS}\n{run.said[-2000:]}")

    def _set(self):
        with open(os.path.join(self.folder, "retake", "main", "set.yaml")) as file:
            return file.read()

    def _opaque(self):
        """The name of the dependency that was relayed unread."""
        with open(os.path.join(self.folder, "record.log"), errors="replace") as log:
            return re.search(r"^(\S+): \d+ connections? relayed unread", log.read(), re.MULTILINE).group(1)

    def _replay(self, *options, **changes):
        return self.calls.replay(self.command, self._environment(**changes), *options)


def _cell(case, column):
    if case.client.opaque and column in ("replay", "changed"):
        return case.client.opaque if column == "replay" else "not tried"
    return case.row[column]


def _write(cases):
    lines = ["| client | calls | " + " | ".join(COLUMNS) + " |", "| --- | --- |" + " --- |" * len(COLUMNS)]
    for case in cases:
        lines.append(f"| {case.name} | {case.client.what} | " + " | ".join(
            _cell(case, column) for column in COLUMNS) + " |")
    text = "\n".join(lines) + "\n"
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "capture.md").write_text(text)
    print(text)
    sys.stdout.flush()
