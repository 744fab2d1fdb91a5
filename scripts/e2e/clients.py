"""The client matrix: each client's story directly, through `retake record`, and from `retake replay`."""

import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import environment
from environment import CACHE, CLIENTS, Missing
from postgres import Postgres
from processes import Failed, free_port
from retake import call, clean_ledger, same

VERSIONS = (15, 18)


def _python(story, *arguments):
    return lambda: [environment.python_clients(), str(CLIENTS / "python" / story), *arguments]


def _node(story):
    def command():
        place = environment.node_modules("node", CLIENTS / "node")
        # Node looks for packages beside the script.
        shutil.copy(CLIENTS / "node" / story, place / story)
        return ["node", str(place / story)]

    return command


# One line per client: a function that installs what it needs and returns the command.
CLIENTS_BY_NAME = {
    "psql": lambda: [str(CLIENTS / "psql" / "run")],
    "pgbench": lambda: [str(CLIENTS / "pgbench" / "run")],
    "psycopg3": _python("psycopg3_story.py"),
    "psycopg2": _python("psycopg2_story.py"),
    "asyncpg": _python("asyncpg_story.py"),
    "sqlalchemy-psycopg": _python("sqlalchemy_story.py", "psycopg"),
    "sqlalchemy-psycopg2": _python("sqlalchemy_story.py", "psycopg2"),
    "sqlalchemy-asyncpg": _python("sqlalchemy_story.py", "asyncpg"),
    "node-postgres": _node("pg_story.js"),
    "postgres.js": _node("postgres_story.js"),
    "tokio-postgres": lambda: [str(environment.rust_clients() / "tokio-postgres")],
    "sqlx": lambda: [str(environment.rust_clients() / "sqlx")],
    "pgx": lambda: [str(environment.go_clients()), "pgx"],
    "lib-pq": lambda: [str(environment.go_clients()), "pq"],
    "pgjdbc": lambda: ["java", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8",
                       "-cp", environment.java_clients(), "Story"],
}
# What one driver recorded is replayed to another (scenario 18): programs that ask the same, in other formats.
PAIRS = {
    "pair-psycopg": (_python("pair_psycopg.py"), _python("pair_asyncpg.py")),
    "pair-asyncpg": (_python("pair_asyncpg.py"), _python("pair_psycopg.py")),
    # Values in the text of statements, and parameters (scenario 32).
    "pair-psycopg2-psycopg": (_python("pair_psycopg2.py"), _python("pair_psycopg.py")),
    "pair-psycopg-psycopg2": (_python("pair_psycopg.py"), _python("pair_psycopg2.py")),
    "pair-psycopg2-asyncpg": (_python("pair_psycopg2.py"), _python("pair_asyncpg.py")),
    "pair-asyncpg-psycopg2": (_python("pair_asyncpg.py"), _python("pair_psycopg2.py")),
    "pair-node-postgres": (_node("pair_pg.js"), _node("pair_postgres.js")),
    "pair-postgres.js": (_node("pair_postgres.js"), _node("pair_pg.js")),
}
MODES = ("direct", "record", "replay")


def run(results, only=None):
    """The whole matrix, or the clients whose names begin so. Writes `clients.md`."""
    environment.psql()
    commands = {}
    for name, install in CLIENTS_BY_NAME.items():
        if only and not name.startswith(only):
            continue
        try:
            commands[name] = (install(),) * 2
        except Missing as why:
            results.skip(f"clients {name}", why)
        except Failed as why:
            results.fail(f"clients {name}", why)
    for name, stories in PAIRS.items():
        if not only or name.startswith(only):
            commands[name] = [install() for install in stories]
    table = {}
    for version in VERSIONS:
        try:
            environment.postgres(version)
        except Missing as why:
            results.skip(f"clients on PostgreSQL {version}", why)
            continue
        with Postgres(version) as server, ThreadPoolExecutor(2) as threads:
            for name, (command, replayed) in commands.items():
                threads.submit(_story, results, table, server, name, command, replayed)
    _write(table, commands)


def _story(results, table, server, name, command, replayed):
    scratch = tempfile.mkdtemp(prefix=f"retake-{name}-")
    row = table.setdefault((name, server.version), {})
    said = {}

    def step(mode, test):
        label = f"clients {name} on PostgreSQL {server.version}, {mode}"
        row[mode] = "ok" if results.check(label, test) else "FAILED"

    def direct():
        said["direct"] = _run_directly(server, name, command)

    step("direct", direct)
    if row["direct"] == "ok":
        port = free_port()
        step("record", lambda: _record(server, name, command, scratch, port, said["direct"]))
        if row["record"] == "ok":
            step("replay", lambda: _replay(server, name, replayed, scratch, port, said["direct"]))
    if "FAILED" in row.values():
        print(f"           kept: {scratch}")
    else:
        shutil.rmtree(scratch, ignore_errors=True)


def _environment(server, name, port):
    """The client's environment: where its database is, and nothing of ours that it might print."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return {**kept, **server.environment(name, port), "TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}


def _run_directly(server, name, command):
    server.create(name)
    done = subprocess.run(command, env=_environment(server, name, server.port), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120)
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    folder = CACHE / "transcripts" / str(server.version)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(out)
    if done.returncode != 0:
        raise Failed(f"exit {done.returncode}\n{out[-1500:]}\n{err[-1500:]}")
    return out


def _dependency(server, port):
    return f"db=postgres://127.0.0.1:{server.port}@127.0.0.1:{port}"


def _to_file(command, file):
    """The command with its standard output in a file, apart from what retake prints."""
    return ["sh", "-c", f'exec "$@" >{file}', "sh", *command]


def _record(server, name, command, scratch, port, expected):
    server.create(name)
    done = call("record", "--set", "story", "--dep", _dependency(server, port), "--",
                *_to_file(command, "recorded.txt"), cwd=scratch, env=_environment(server, name, port))
    said = done.out + done.said
    if done.code != 0:
        raise Failed(f"record ended with {done.code}\n{said[-2000:]}")
    same(expected, _transcript(scratch, "recorded.txt"), "the client's transcript while recorded")
    clean_ledger(scratch, "story", "db")


def _replay(server, name, command, scratch, port, expected):
    done = call("replay", "story", "--", *_to_file(command, "replayed.txt"),
                cwd=scratch, env=_environment(server, name, port))
    said = done.out + done.said
    same(expected, _transcript(scratch, "replayed.txt"),
         f"the client's transcript (replay ended with {done.code}: {said[-1500:]})")
    if done.code != 0:
        raise Failed(f"replay ended with {done.code}\n{said[-2000:]}")


def _transcript(scratch, name):
    with open(os.path.join(scratch, name), errors="replace") as file:
        return file.read()


def _write(table, commands):
    lines = ["| client | server | " + " | ".join(MODES) + " |", "| --- | --- |" + " --- |" * len(MODES)]
    for name in commands:
        for version in VERSIONS:
            row = table.get((name, version), {})
            lines.append(f"| {name} | PostgreSQL {version} | " + " | ".join(row.get(mode, "-") for mode in MODES) + " |")
    text = "\n".join(lines) + "\n"
    (CACHE / "clients.md").write_text(text)
    print(text)
