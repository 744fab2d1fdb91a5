"""One service under retake: recorded with its traffic, then replayed, by the command line alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
import time

from processes import Failed, free_port, start, stop, tail, wait_for_port
from retake import BINARY, nothing_wrong


class Run:
    """What one `retake replay` said: its exit code, its words, and the results that it wrote as JSON."""

    def __init__(self, code, said, file):
        self.code, self.said = code, said
        self.results = {}
        if os.path.exists(file):
            with open(file) as text:
                self.results = json.load(text)
        self.tests = self.results.get("tests", [])

    def test(self, title):
        """The first test whose title begins so (`GET /noise`)."""
        for test in self.tests:
            if test["title"].startswith(title):
                return test
        raise Failed(f"no test `{title}` among {[t['title'] for t in self.tests]}\n{self.said[-1500:]}")

    def verdicts(self):
        """Verdicts by title, of those that did not pass."""
        return {test["title"]: test["verdict"] for test in self.tests if test["verdict"] != "passed"}

    def expect(self, code, because=""):
        """Fails unless it ended with this exit code."""
        if self.code != code:
            raise Failed(f"replay ended with {self.code}, expected {code} {because}\n{self.said[-3000:]}")
        return self

    def expect_green(self):
        """No difference, and every test was run."""
        self.expect(0, "(nothing changed)")
        if self.verdicts():
            raise Failed(f"not all passed: {self.verdicts()}\n{self.said[-2000:]}")
        if not self.tests:
            raise Failed(f"no tests were run\n{self.said[-2000:]}")
        return self

    def expect_difference(self, title, *words, verdict=None):
        """That test has one difference that has all of these words in it."""
        test = self.test(title)
        if verdict and test["verdict"] != verdict:
            raise Failed(f"`{title}` is {test['verdict']}, expected {verdict}\n{self.said[-2000:]}")
        texts = [json.dumps(one, ensure_ascii=False) for one in test["differences"]]
        if not any(all(word in text for word in words) for text in texts):
            raise Failed(f"no difference of `{title}` speaks of {words}: {texts}\n{self.said[-2000:]}")
        return self

    def steady(self):
        """The results without what may differ between runs of the same build: times (in nanoseconds), names of runs, and
        how many moments were by chance the recorded ones (the service is given the recorded time, but no run keeps
        its pace to the second)."""
        def without(value):
            if isinstance(value, dict):
                return {key: without(inner) for key, inner in value.items()
                        if not key.endswith("_ns") and key not in ("run", "by_kind")}
            if isinstance(value, list):
                return [without(inner) for inner in value
                        if not (isinstance(inner, dict) and inner.get("rule") == "response.headers.date")]
            return value

        return json.dumps(without(self.results), indent=1, ensure_ascii=False)


class Calls:
    """`retake record` and `retake replay` in one folder: `words` is the program, behind what makes it another user's."""

    def __init__(self, folder, *words, limit=120):
        self.folder, self.words, self.limit = str(folder), [*words], limit
        self.runs = 0

    def record(self, command, env, use, *options, port, set_name="main", ready=60, log="record.log", ends_with=0):
        """Records while `use()` asks the service, and ends as a user does; returns what it gave, and what retake said."""
        log = os.path.join(self.folder, log)
        process = start([*self.words, "record", "--set", set_name, *options, "--", *command], log=log, cwd=self.folder,
                        env=env)
        try:
            wait_for_port(port, process, ready, log)
            used = use()
            process.send_signal(signal.SIGINT)
            code = _ended(process, 40, "record", log)
        finally:
            stop(process)
        said = tail(log, 20_000)
        if code != ends_with:
            raise Failed(f"record ended with {code}{said}")
        nothing_wrong(self.folder)
        return used, said

    def replay(self, command, env, *options):
        """Replays against the command; of the run, its exit code, its words and its results are given."""
        self.runs += 1
        file, log = (os.path.join(self.folder, name) for name in (f"results-{self.runs}.json", f"replay-{self.runs}.log"))
        process = start([*self.words, "replay", "--json", file, *map(str, options), "--", *command], log=log, cwd=self.folder, env=env)
        try:
            code = _ended(process, self.limit, "replay", log)
        finally:
            stop(process)
        with open(log, errors="replace") as text:
            return Run(code, text.read(), file)


def _ended(process, limit, what, log):
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        raise Failed(f"{what} did not end within {limit} s{tail(log)}") from None


class Session:
    """A folder, ports, and the service's command; `record` once, `replay` as often as is liked."""

    def __init__(self, name, server, command, environment, *, ready_timeout=60):
        self.name, self.server, self.command, self.environment = name, server, command, environment
        self.folder = tempfile.mkdtemp(prefix=f"retake-{name}-")
        self.inbound, self.service, self.database = free_port(), free_port(), free_port()
        self.ready_timeout = ready_timeout
        self.extra = []
        self.calls = Calls(self.folder, str(BINARY))

    @property
    def base(self):
        """Where the traffic goes while it is recorded."""
        return f"http://127.0.0.1:{self.inbound}"

    def _environment(self, changes):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return {**kept, **self.server.environment("app", self.database), "PORT": str(self.service),
                "STATE": self.folder, **self.environment, **changes}

    def record(self, traffic, *, set_name="main", settle=0.0, **changes):
        """Records what `traffic(base)` sends; ends retake as a user does. Returns what retake said."""
        def use():
            traffic(self.base)
            time.sleep(settle)

        _, said = self.calls.record(
            self.command(self), self._environment(changes), use,
            "--listen", f"127.0.0.1:{self.inbound}", "--upstream", f"127.0.0.1:{self.service}",
            "--dep", f"db=postgres://127.0.0.1:{self.server.port}@127.0.0.1:{self.database}", *self.extra,
            port=self.service, set_name=set_name, ready=self.ready_timeout)
        return said

    def settings(self, text):
        """Writes `retake.yaml`."""
        with open(os.path.join(self.folder, "retake.yaml"), "w") as file:
            file.write(textwrap.dedent(text).lstrip())

    def replay(self, *options, **changes):
        """Replays against the command; the environment may make it another build."""
        return self.calls.replay(self.command(self), self._environment(changes), *options)

    def files(self, pattern=r".*"):
        """The recording's files whose names match, with their text."""
        found = {}
        for place, _, names in os.walk(os.path.join(self.folder, "retake")):
            for name in names:
                path = os.path.join(place, name)
                short = os.path.relpath(path, self.folder)
                if re.search(pattern, short) and not short.startswith("retake/runs"):
                    with open(path, errors="replace") as file:
                        found[short] = file.read()
        return found

    def close(self, keep=False):
        """Removes the folder, or says where it is."""
        if keep:
            print(f"           kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
