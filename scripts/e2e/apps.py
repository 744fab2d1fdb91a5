"""Unmodified applications: recorded, then replayed without their database; the same build, and a changed one."""

import os
import sys
from dataclasses import dataclass, field
from typing import Callable

import environment
from environment import APPS, CACHE
from postgres import Postgres
from processes import Failed, run as run_process
from retake import clean_ledger, same
from session import Session


@dataclass
class App:
    """How one application is installed, started and changed, and where its change must be seen."""

    install: Callable
    command: Callable  # of the session: the program and its arguments
    changed: dict  # environment of the "new build"
    red: tuple  # words of the difference that the new build must show
    schema: str = ""
    settings: str = ""  # retake.yaml
    environment: dict = field(default_factory=dict)


def _postgraphile(session):
    plugin = ["--append-plugins", str(APPS / "postgraphile" / "changed.js")]
    return ["sh", "-c", 'exec "$@" ${CHANGED:+' + " ".join(plugin) + "}", "sh",
            str(CACHE / "postgraphile" / "node_modules" / ".bin" / "postgraphile"),
            "-c", session.server.environment("app", session.database)["DATABASE_URL"],
            "-n", "127.0.0.1", "-p", str(session.service), "--dynamic-json", "--disable-query-log"]


def _mlflow(session):
    url = session.server.environment("app", session.database)["DATABASE_URL"]
    programs = getattr(session, "venv", CACHE / "mlflow" / "bin")
    return [f"{programs}/mlflow", "server", "--host", "127.0.0.1", "--port", str(session.service),
            "--workers", "1", "--backend-store-uri", url.replace("postgres://", "postgresql+psycopg2://")]


BY_NAME = {
    "postgraphile": App(
        install=lambda: environment.node_modules("postgraphile", APPS / "postgraphile"),
        command=_postgraphile, schema="schema.sql", changed={"CHANGED": "1"}, red=("title", "Post number")),
    "mlflow": App(
        install=lambda: environment.python("mlflow", APPS / "mlflow" / "requirements.txt"),
        command=_mlflow, changed={"PYTHONPATH": str(APPS / "mlflow" / "changed")}, red=("lifecycle_stage", "live"),
        environment={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true",
                     "DO_NOT_TRACK": "true"},
        # It prints a Python set, which is in another order in each process.
        settings=r"""
            rules:
              - path: response.body.json.message
                pattern: ^Invalid attribute key 'nonsense' specified\. Valid keys are '\{('[A-Za-z_ ]+'(, )?)+\}'$
                why: the keys are printed as a set
            """),
}


def run(results, only=None):
    """Every application, or those whose names begin so."""
    environment.postgres(15)
    for name, app in BY_NAME.items():
        if only and not name.startswith(only):
            continue
        with Postgres(15) as server:
            session = None

            def prepare():
                nonlocal session
                app.install()
                server.create("app")
                session = Session(name, server, app.command, app.environment, ready_timeout=120)
                if app.settings:
                    session.settings(app.settings)
                if app.schema:
                    run_process(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(APPS / name / app.schema)],
                                env={**os.environ, **server.environment("app")})

            ok = (results.check(f"apps {name}: installed", prepare)
                  and results.check(f"apps {name}: recorded", _record, session, name)
                  and results.check(f"apps {name}: same build, three times", _same_build, session, server)
                  and results.check(f"apps {name}: changed build", _changed_build, session, app))
            if session:
                session.close(keep=not ok)


def _record(session, name):
    def traffic(base):
        out = run_process([sys.executable, str(APPS / name / "traffic.py"), base]).stdout
        with open(os.path.join(session.folder, "traffic.log"), "w") as log:
            log.write(out)

    session.record(traffic, settle=0.5)
    clean_ledger(session.folder, "main", "inbound", "db")


def _same_build(session, server):
    server.stop()
    first = None
    for _ in range(3):
        again = session.replay().expect_green()
        if first is None:
            first = again
        same(first.steady(), again.steady(), "the report of the same build")


def _changed_build(session, app):
    changed = session.replay(**app.changed).expect(1, "(a changed build)")
    texts = [test for test in changed.tests if test["differences"]]
    if not any(all(word in str(test["differences"]) for word in app.red) for test in texts):
        raise Failed(f"nothing red speaks of {app.red}\n{changed.said[-3000:]}")
