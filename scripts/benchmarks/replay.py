"""Replaying a test set: tests a second, against hurl and newman, and on mocks against a real PostgreSQL."""

import json
import os
import pathlib
import re
import statistics
import tempfile

import environment
import tools
from postgres import Postgres
from processes import Failed, free_port, start, stop, wait_for_port
from tools import BENCH, RETAKE, timed

# newman needs some 5 ms and 50 KiB for a request: it runs fewer.
NEWMAN_SHARE = 10


def arguments(parts):
    part = parts.add_parser("replay", help="replaying a test set")
    part.add_argument("--tests", type=int, default=10_000)
    part.add_argument("--rounds", type=int, default=5)
    part.add_argument("--only", choices=["plain", "calls"], help="only tests without, or with, calls")
    part.add_argument("--no-others", action="store_true", help="retake alone")
    part.set_defaults(run=run)
    part = parts.add_parser("lookup", help="what a look-up costs")
    part.add_argument("--mocks", type=int, default=1_000_000)
    part.set_defaults(run=lookup)


def run(options):
    tools.build(options)
    print(f"machine: {tools.machine()}")
    with tempfile.TemporaryDirectory(prefix="retake-bench-") as folder:
        if options.only != "calls":
            plain(options, folder)
        if options.only != "plain":
            environment.postgres(15)
            with Postgres(15) as database:
                calls(options, folder, database)


def lookup(options):
    tools.build(options)
    print(f"machine: {tools.machine()}")
    print(timed([BENCH, "lookup", options.mocks])[2])


class Service:
    """The service that answers at once, on a port."""

    def __init__(self, folder, port, env=None):
        self.log = os.path.join(folder, "service.log")
        self.process = start([str(BENCH), "service", f"127.0.0.1:{port}"], log=self.log, env={**os.environ, **(env or {})})
        wait_for_port(port, self.process, log=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)


def record(folder, name, port, count, *more, env=None):
    """Records the requests of the plain client into a set."""
    listen = free_port()
    log = os.path.join(folder, "record.log")
    recorder = start([str(RETAKE), "record", "--set", name, "--listen", f"127.0.0.1:{listen}",
                      "--upstream", f"127.0.0.1:{port}", *more, "--", str(BENCH), "service", f"127.0.0.1:{port}"],
                     log=log, cwd=folder, env={**os.environ, **(env or {})})
    wait_for_port(listen, recorder, log=log)
    wait_for_port(port, recorder, log=log)
    timed([BENCH, "drive", f"127.0.0.1:{listen}", count])
    if stop(recorder, grace=120) != 0:
        raise Failed(f"record failed:\n{pathlib.Path(log).read_text()[-3000:]}")
    found = len(list(pathlib.Path(folder, "retake", name, "tests").glob("*.yaml")))
    if found != count:
        raise Failed(f"{found} tests were recorded in place of {count}:\n{pathlib.Path(log).read_text()[-3000:]}")


class Replay:
    """`retake replay` of a set: tests a second over the whole command, and between its first and last test."""

    def __init__(self, folder, name, count, *more, env=None):
        self.folder, self.count = folder, count
        self.command = [RETAKE, "replay", name, "--run-dir", os.path.join(folder, "run"), *more]
        self.env = {**os.environ, **(env or {})}
        self.memory, self.running = [], []

    def __call__(self):
        took, memory, output = timed(self.command, cwd=self.folder, env=self.env)
        passed = re.search(r"([\d,]+) passed", output)
        if not passed or int(passed.group(1).replace(",", "")) != self.count:
            raise Failed(f"not every test passed:\n{output[-3000:]}")
        self.memory.append(memory)
        self.running.append(self.count / self.tests_alone())
        return self.count / took

    def tests_alone(self):
        """Seconds from the end of loading, which the first event tells, to the last write of the events."""
        events = pathlib.Path(self.folder, "run", "events.jsonl")
        with events.open() as file:
            began = next(event["started"]["at_ns"] for event in map(json.loads, file) if "started" in event)
        return events.stat().st_mtime - began / 1e9


def loads(folder, name):
    """Seconds to read the set: on all cores, and on one."""
    def once(*prefix):
        return float(timed([*prefix, BENCH, "load", os.path.join(folder, "retake"), name])[2].split()[0])
    return [statistics.median(once(*prefix) for _ in range(5)) for prefix in ((), ("taskset", "-c", "0"))]


def plain(options, folder):
    """Tests without calls, against a service that answers at once."""
    count, port = options.tests, free_port()
    record(folder, "plain", port, count)
    replay = Replay(folder, "plain", count, "--target", f"http://127.0.0.1:{port}")
    contestants = {
        "retake replay": replay,
        "retake replay --jobs 4": Replay(folder, "plain", count, "--target", f"http://127.0.0.1:{port}", "--jobs", "4"),
    }
    if not options.no_others:
        hurl, newman = tools.hurl(), tools.newman()
        timed([BENCH, "files", os.path.join(folder, "all"), f"127.0.0.1:{port}", count])
        few = max(1, count // NEWMAN_SHARE)
        timed([BENCH, "files", os.path.join(folder, "few"), f"127.0.0.1:{port}", few])
        contestants["hurl 8.0.1"] = lambda: count / timed(
            [hurl, "--test", "--jobs", "1", os.path.join(folder, "all", "all.hurl")])[0]
        contestants[f"newman 6 ({few:,} tests)"] = lambda: few / timed(
            [newman, "run", os.path.join(folder, "few", "newman.json"), "--reporters", "progress"])[0]
    contestants["plain client"] = lambda: count / float(timed([BENCH, "drive", f"127.0.0.1:{port}", count])[2])
    with Service(folder, port):
        results = tools.rounds(options.rounds, contestants)
    results["retake replay: after loading"] = replay.running
    reference = statistics.median(results.get("hurl 8.0.1", results["plain client"]))
    tools.table(["10,000 tests without calls".replace("10,000", f"{count:,}"), "tests a second",
                 "to hurl" if not options.no_others else "to the client"],
                [[name, tools.spread(values), f"{statistics.median(values) / reference:.2f}"]
                 for name, values in results.items()])
    report_load(folder, "plain", replay)


def calls(options, folder, database):
    """Tests with five queries each: on mocks, and on the real database."""
    count, port, stand_in = options.tests, free_port(), free_port()
    database.create("bench")
    real = database.environment("bench")
    timed([BENCH, "prepare", count], env={**os.environ, **real})
    mocked = database.environment("bench", port=stand_in)
    record(folder, "calls", port, count, "--dep", f"db=postgres://127.0.0.1:{database.port}@127.0.0.1:{stand_in}", env=mocked)
    command = ["--", BENCH, "service", f"127.0.0.1:{port}"]
    replay = Replay(folder, "calls", count, *command, env=mocked)

    def on_the_real_one():
        with Service(folder, port, env=real):
            return count / float(timed([BENCH, "drive", f"127.0.0.1:{port}", count])[2])

    contestants = {
        "retake replay, on mocks": replay,
        "retake replay --jobs 4, on mocks": Replay(folder, "calls", count, "--jobs", "4", *command, env=mocked),
        "plain client, on PostgreSQL 15": on_the_real_one,
    }
    if not options.no_others:
        live = Replay(folder, "calls", count, "--live", "db", *command, env=mocked)
        contestants["retake replay --live db, on PostgreSQL 15"] = live
        hurl = tools.hurl()
        files = os.path.join(folder, "calls-files")
        timed([BENCH, "files", files, f"127.0.0.1:{port}", count])

        def hurl_on_the_real_one():
            with Service(folder, port, env=real):
                return count / timed([hurl, "--test", "--jobs", "1", os.path.join(files, "all.hurl")])[0]
        contestants["hurl 8.0.1, on PostgreSQL 15"] = hurl_on_the_real_one
    results = tools.rounds(options.rounds, contestants)
    for name in [name for name, contestant in contestants.items() if isinstance(contestant, Replay)]:
        results[f"{name}: after loading"] = contestants[name].running
    reference = statistics.median(results["plain client, on PostgreSQL 15"])
    tools.table([f"{count:,} tests with five queries each", "tests a second", "to the real database"],
                [[name, tools.spread(values), f"{statistics.median(values) / reference:.2f}"]
                 for name, values in results.items()])
    report_load(folder, "calls", replay)


def report_load(folder, name, replay):
    every, one = loads(folder, name)
    size = sum(path.stat().st_size for path in pathlib.Path(folder, "retake", name).rglob("*") if path.is_file())
    tools.table(["the set", "size on disk", "load, all cores", "load, one core", "memory of the replay, peak"],
                [[name, f"{size / 2**20:.1f} MiB", f"{every:.2f} s", f"{one:.2f} s",
                  f"{statistics.median(replay.memory):.0f} MiB"]])
