"""The same applications as in `apps`, with no dependency named: an ordinary user's `retake record -- <application>`."""

import os
import sys
import tempfile
import time

import environment
from apps import BY_NAME
from environment import APPS, Missing
from ordinary import User
from postgres import Postgres
from processes import Failed, run as run_process, start, stop, tail, wait_for_port
from retake import clean_ledger, same
from session import Calls, Session


def run(results, only=None):
    """Each application, or those whose names begin so."""
    for name, app in BY_NAME.items():
        if only and not name.startswith(only):
            continue
        with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch, Postgres(15) as server:
            session = None

            def prepare():
                nonlocal session
                user = User(scratch)
                session = Captured(name, server, user, app)
                if app.settings:
                    session.settings(app.settings)
                server.create("app")
                if app.schema:
                    run_process(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(APPS / name / app.schema)],
                                env={**os.environ, **server.environment("app")})

            _ = (results.check(f"capture {name}: installed", prepare)
                 and results.check(f"capture {name}: recorded", session.record_traffic)
                 and results.check(f"capture {name}: same build, three times", session.same_build)
                 and results.check(f"capture {name}: changed build", session.changed_build, app))


class Captured(Session):
    """A session of an ordinary user in which nothing is named."""

    def __init__(self, name, server, user, app):
        super().__init__(name, server, app.command, app.environment, ready_timeout=120)
        os.rmdir(self.folder)
        self.user, self.folder = user, str(user.place(name))
        self.calls = Calls(self.folder, *user.prefix, user.binary, limit=180)
        self.inbound, self.database = self.service, server.port
        if name == "mlflow":
            place = environment.python("capture-mlflow", APPS / "mlflow" / "requirements.txt", user.interpreter())
            user.needs(place)
            self.venv = os.path.dirname(place)
        else:
            app.install()
        for part in self.command(self):
            if os.path.isfile(part):
                user.needs(part)

    def _environment(self, changes):
        return {**self.user.environment(), "STATE": self.folder, **self.environment, **changes}

    def record_traffic(self):
        def use():
            run_process([sys.executable, str(APPS / self.name / "traffic.py"), self.base])
            time.sleep(0.5)

        self.calls.record(self.command(self), self._environment({}), use, port=self.service, ready=self.ready_timeout)
        clean_ledger(self.folder, "main", "inbound")

    def same_build(self):
        self.server.stop()
        first = None
        for _ in range(3):
            again = self.replay().expect_green()
            first = first or again
            same(without_luck(first), without_luck(again), "the report of the same build")

    def changed_build(self, app):
        changed = self.replay(**app.changed).expect(1, "(a changed build)")
        texts = [str(test["differences"]) for test in changed.tests if test["differences"]]
        if not any(all(word in text for word in app.red) for text in texts):
            raise Failed(f"nothing red speaks of {app.red}\n{changed.said[-3000:]}")


def without_luck(run):
    """The recorded time goes on while a test runs: whether a value of it is the recorded one, or is hidden, is luck."""
    return "\n".join(f"{test['title']}: {test['verdict']} {test['differences']}" for test in run.tests)
