"""Proxies that are compared: each is started for a measurement, and stopped after it."""

import json
import os
import pathlib
import shutil
import tempfile
import time

from processes import Failed, free_port, start, stop, tail, wait_for_port
from tools import RETAKE


class Direct:
    """No proxy at all."""

    note = ""

    def __init__(self, name, upstream):
        self.name, self.port = name, upstream

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def memory(self):
        return None

    def processor_time(self):
        return None

    def threads(self):
        return None

    def settle(self):
        pass

    def finish(self):
        """Anything worth a cell in the table, once it has been measured."""
        return ""


class Proxy(Direct):
    """A program that listens on a port of its own in front of the upstream."""

    def __init__(self, name, upstream, command):
        self.name, self.upstream, self.command = name, upstream, command
        self.process = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="retake-bench-")
        os.chmod(self.folder, 0o777)
        self.port = free_port()
        self.log = os.path.join(self.folder, "log")
        self.process = start([str(word) for word in self.command(self)], log=self.log, cwd=self.folder)
        wait_for_port(self.port, self.process, log=self.log)
        return self

    def __exit__(self, *_):
        stop(self.process, grace=60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, text):
        """A file in the program's folder."""
        path = os.path.join(self.folder, name)
        pathlib.Path(path).write_text(text)
        os.chmod(path, 0o644)
        return path

    def memory(self):
        """The peak of resident memory of the program and its children, in MiB."""
        return sum(_peak(pid) for pid in _family(self.process.pid)) / 1024

    def processor_time(self):
        """Seconds of processor time so far, of the program and its children."""
        return sum(_ticks(pid) for pid in _family(self.process.pid)) / os.sysconf("SC_CLK_TCK")

    def threads(self):
        """How many threads the program and its children have."""
        return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in _family(self.process.pid))

    def settle(self):
        """Waits until it no longer works on what it was given."""
        before, end = None, time.monotonic() + 60
        while time.monotonic() < end:
            now = sum(_ticks(pid) for pid in _family(self.process.pid))
            if before is not None and now - before <= 1:
                return
            before = now
            time.sleep(0.25)


class Retake(Proxy):
    """`retake record`; its ledger must be complete."""

    def finish(self):
        code = stop(self.process, grace=120)
        text = pathlib.Path(self.log).read_text()
        try:
            ledger, _ = json.JSONDecoder().raw_decode(text[text.index("{"):])
        except ValueError:
            raise Failed(f"retake ended with {code}{tail(self.log)}") from None
        tallies = [ledger["inbound"], *ledger["outbound"].values()] if isinstance(ledger["outbound"], dict) else \
            [ledger["inbound"], *ledger["outbound"]]
        count = {key: sum(_total(tally.get(key, 0)) for tally in tallies)
                 for key in ("seen", "kept", "merged", "dropped", "undecodable", "opaque")}
        if count["seen"] != count["kept"] + count["merged"] + count["dropped"] + count["undecodable"] or count["opaque"]:
            raise Failed(f"the ledger does not add up: {count}")
        parts = [f"{count[key] / max(count['seen'], 1):.0%} {key}" for key in ("kept", "merged", "dropped", "undecodable")
                 if count[key]]
        return f"{count['seen']:,} exchanges: {', '.join(parts)}"


def retake(name, upstream, *more, dependency=None):
    """`retake record` on one relay thread, for requests or for a dependency."""
    def command(self):
        where = (["--dep", f"{dependency}://127.0.0.1:{upstream}@127.0.0.1:{self.port}"] if dependency else
                 ["--listen", f"127.0.0.1:{self.port}", "--upstream", f"127.0.0.1:{upstream}"])
        return [RETAKE, "record", "--workers", "1", "--json", "--set", "bench", *where, *more]
    return Retake(name, upstream, command)


def _total(count):
    return sum(count.values()) if isinstance(count, dict) else count


def _family(pid):
    """A process and its descendants."""
    parents = {}
    for other in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents[int(other)] = int(pathlib.Path(f"/proc/{other}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found


def _peak(pid):
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _ticks(pid):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
