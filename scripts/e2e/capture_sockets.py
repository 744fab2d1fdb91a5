"""PostgreSQL by a unix socket: recorded, and replayed with the server stopped and its socket gone."""

import os
import subprocess
import tempfile

import environment
from ordinary import User
from postgres import PASSWORD, Postgres
from processes import Failed
from retake import clean_ledger, same

DEFAULT = "/var/run/postgresql"
ASK = """
import psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("create temporary table t (n int)")
    connection.execute("insert into t select generate_series(1, %s)", [3])
    print(connection.execute("select sum(n), current_user from t where n > %s", [1]).fetchone())
    print(connection.info.host, connection.info.port)
"""


def run(results, only=None):
    """Each client by each folder, or those whose names begin so (`sockets`)."""
    names = [f"sockets-{client}, {place}" for client in ("psql", "psycopg") for place in ("its default folder", "another")]
    names.append("sockets-psycopg without pidfd_getfd, another")
    names = [name for name in names if not only or name.startswith(only)]
    if not names:
        return
    environment.postgres(15)
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch, Postgres(15) as server:
        user = User(scratch)
        server.create("app")
        server.stop()
        folders = [server.folder]
        if os.getuid() == 0:
            os.makedirs(DEFAULT, exist_ok=True)
            subprocess.run(["chown", "postgres", DEFAULT], check=True)
            folders.append(DEFAULT)
        server.options = f" -c unix_socket_directories={','.join(folders)} -c listen_addresses="
        server.start()
        recorded = []
        for name in names:
            client = _client(name, user, server)
            if client is None:
                results.skip(f"capture {name}", "only root may make that folder")
            elif results.check(f"capture {name}: recorded", client.record):
                recorded.append(client)
        server.stop()
        for client in recorded:
            results.check(f"capture {client.name}: replayed with the socket gone", client.replay)


def _client(name, user, server):
    folder = server.folder if name.endswith("another") else DEFAULT
    if folder == DEFAULT and os.getuid() != 0:
        return None
    if "psql" in name:
        # libpq's own default, where no host is named.
        host = [] if folder == DEFAULT else ["-h", folder]
        command = ["psql", *host, "-p", str(server.port), "-U", "app", "-X", "-A", "-c",
                   "select count(*) from pg_class where relname = 'pg_class'", "-c", "select 'x' as text, 1.50 as number"]
    else:
        host = "" if folder == DEFAULT else f"host={folder} "
        command = [environment.capture_python(user), "-c", ASK, f"{host}port={server.port} user=app dbname=app"]
    return Client(name, user, command, os.path.join(folder, f".s.PGSQL.{server.port}"))


class Client:
    """One client in a folder of its own."""

    def __init__(self, name, user, command, socket):
        self.name, self.user, self.command, self.socket = name, user, command, socket
        self.folder = str(user.place(name.replace(" ", "-")))
        self.environment = {**user.environment(), "PGPASSWORD": PASSWORD, "PGDATABASE": "app"}
        if "without" in name:
            self.environment["RETAKE_TEST_REFUSE"] = "pidfd_getfd"

    def _run(self, *before):
        """What the client printed, and all that was said."""
        shell = ["sh", "-c", 'exec "$@" >out', "sh", *self.command]
        done = subprocess.run([*self.user.prefix, *before, *shell], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        with open(os.path.join(self.folder, "out")) as file:
            out = file.read()
        if done.returncode != 0:
            raise Failed(f"{before} ended with {done.returncode}\n{out}\n{done.stdout.decode(errors='replace')[-3000:]}")
        return out

    def record(self):
        self.natively = self._run()
        same(self.natively, self._run(self.user.binary, "record", "--set", "main", "--"), "what it printed while recorded")
        clean_ledger(self.folder, "main", "postgres")
        with open(os.path.join(self.folder, "retake", "main", "set.yaml")) as file:
            text = file.read()
        if f"hosts: [{self.socket}]" not in text:
            raise Failed(f"set.yaml does not name {self.socket}\n{text}")

    def replay(self):
        if os.path.exists(self.socket):
            raise Failed(f"{self.socket} is still there")
        same(self.natively, self._run(self.user.binary, "replay", "main", "--"), "what it printed while replayed")
