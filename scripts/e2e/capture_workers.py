"""Several clients at once, of a service of several processes: the process tells whose each call is (scenario 22)."""

import http.client
import json
import pathlib
import re
import tempfile
import threading

import environment
from environment import CAPTURE
from ordinary import User
from postgres import Postgres
from processes import Failed, free_port
from retake import clean_ledger
from session import Calls

CLIENTS, EACH = 6, 6
POSTS = CLIENTS * EACH // 2


def run(results, only=None):
    if only and not "workers".startswith(only):
        return
    environment.postgres(15)
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch, Postgres(15) as server:
        user = User(scratch)
        server.create("app")
        server.sql("CREATE TABLE items (id serial PRIMARY KEY, name text)", "CREATE TABLE notes (text text)",
                   "GRANT ALL ON ALL TABLES IN SCHEMA public TO app", "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app",
                   database="app")
        # As it is, and where no socket can be duplicated, as in Docker's default profile.
        all_workers = [Workers(user, server, refused) for refused in ("", "pidfd_getfd")]
        recorded = [workers for workers in all_workers
                    if results.check(f"capture workers{workers.how}: each call is of the request of its process",
                                     workers.record)]
        server.stop()
        for workers in recorded:
            results.check(f"capture workers{workers.how}: replayed with PostgreSQL stopped", workers.replay)
            results.check(f"capture workers{workers.how}: a change is red where it is, and nowhere else", workers.changed)


class Workers:
    def __init__(self, user, server, refused):
        self.how = f" without {refused}" if refused else ""
        self.folder = user.place(f"workers{self.how}")
        self.port = free_port()
        self.command = [environment.capture_python(user), str(CAPTURE / "python" / "workers_service.py")]
        self.env = {**user.environment(), "PORT": str(self.port), "DATABASE_URL": server.environment("app")["DATABASE_URL"],
                    "RETAKE_TEST_REFUSE": refused}
        self.calls = Calls(self.folder, *user.prefix, user.binary)

    def record(self):
        self.calls.record(self.command, self.env, self._ask, port=self.port)
        clean_ledger(self.folder, "main")
        tests = {test.name: test.read_text()
                 for test in pathlib.Path(self.folder, "retake", "main", "tests").glob("*.yaml")}
        # Where the machine is busy two requests of one process may seem to overlap: then values tell.
        told = {by for text in tests.values() for by in re.findall(r"^ +by: (\w+)", text, re.MULTILINE)}
        posts = [name for name in tests if name.startswith("post")]
        if len(posts) != POSTS or "process" not in told or told & {"shared", "none"}:
            raise Failed(f"{len(posts)} tests of {POSTS}, whose calls are told by {sorted(told)}")
        for name, text in tests.items():
            asked, inserted = (re.findall(pattern, text) for pattern in (r"name: (item [\d.]+)", r"params: \[(item [\d.]+)\]"))
            calls = text.count("\n  - to: ")
            if (calls, inserted) != ((4, asked) if name in posts else (1, [])):
                raise Failed(f"{name} has {calls} calls, and inserts {inserted}:\n{text}")

    def replay(self):
        run = self.calls.replay(self.command, self.env, "main").expect_green()
        again = self.calls.replay(self.command, self.env, "main").expect_green()
        if run.steady() != again.steady():
            raise Failed("two replays of one build are not alike")

    def changed(self):
        run = self.calls.replay(self.command, {**self.env, "CHANGED": "1"}, "main").expect(1)
        red = [test["title"] for test in run.tests if test["verdict"] != "passed"]
        causes = run.results["summary"]["causes"]
        if len(red) != POSTS or any("POST" not in title for title in red) or len(causes) != 1:
            raise Failed(f"red are {red}\n{run.said[-3000:]}")

    def _ask(self):
        failed = []

        def client(number):
            for turn in range(EACH):
                try:
                    self._one(f"item {number}.{turn}" if turn % 2 else None)
                except (OSError, Failed) as error:
                    failed.append(error)

        clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        if failed:
            raise Failed(f"{len(failed)} requests failed: {failed[0]}")

    def _one(self, name):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        if name:
            connection.request("POST", "/items", json.dumps({"name": name}), {"content-type": "application/json"})
        else:
            connection.request("GET", "/items")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise Failed(f"it answered {answer.status}")
