"""What the tests came to: one line each while they run, and counts for the summary."""

import json
import sys
import threading
import time

from environment import Missing


class Results:
    """Collects outcomes; safe to use from several threads."""

    def __init__(self):
        self.passed, self.failed, self.skipped = [], [], []
        self._lock = threading.Lock()

    def ok(self, name, seconds=None):
        self._add(self.passed, "ok", name, "" if seconds is None else f"{seconds:.1f} s")

    def fail(self, name, why):
        self._add(self.failed, "FAILED", name, str(why))

    def skip(self, name, why):
        self._add(self.skipped, "skipped", name, str(why))

    def check(self, name, test, *arguments):
        """Runs one test; what it raises is its failure. Returns whether it passed."""
        begun = time.monotonic()
        try:
            test(*arguments)
        except Missing as why:
            self.skip(name, why)
        except Exception as why:  # A test's own bug is a failure of that test, not of the rest.
            self.fail(name, why if str(why) else repr(why))
        else:
            self.ok(name, time.monotonic() - begun)
            return True
        return False

    def write(self, path):
        """For `scripts/test`, which adds up."""
        counts = {"passed": len(self.passed), "failed": len(self.failed), "skipped": len(self.skipped)}
        with open(path, "w") as file:
            json.dump({**counts, "failures": self.failed, "skips": self.skipped}, file, indent=1)

    def _add(self, to, word, name, detail):
        with self._lock:
            to.append(name)
            print(f"  {word:8} {name}" + (f": {detail}" if detail and word != "ok" else f" ({detail})" if detail else ""))
            sys.stdout.flush()
