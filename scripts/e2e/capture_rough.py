"""Unusual programs under capture: signal storms, forks, daemons, exec, orphans, unreadable binaries; a killed retake."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

import environment
from dependencies import Authority, Web
from environment import CAPTURE
from ordinary import User
from processes import Failed, start, stop, tail
from retake import same

STORIES = ("signals", "forks", "daemon", "outlives", "execs")


def run(results, only=None):
    """Every program, or those whose names begin so."""
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch:
        user = User(scratch)
        web = Web(Authority(user.folder))
        recorded = []
        for story in STORIES:
            if not only or story.startswith(only):
                rough = Rough(story, user, web)
                if results.check(f"capture {story}: recorded as natively", rough.record):
                    recorded.append(rough)
        if not only or "unreadable".startswith(only):
            results.check("capture unreadable: works, and is named", _unreadable, user, web)
        if not only or "killed".startswith(only):
            results.check("capture killed: nothing hangs when retake is killed", _killed, user, web)
        web.stop()
        for rough in recorded:
            results.check(f"capture {rough.story}: replayed with its dependency gone", rough.replay)


class Rough:
    """One program in a folder of its own."""

    def __init__(self, story, user, web):
        self.story, self.user = story, user
        self.folder = str(user.place(story))
        self.env = {**user.environment(), **web.environment()}
        self.native = None

    def _run(self, name, *before, timeout=60):
        """What the program wrote, once all of it has ended."""
        out = os.path.join(self.folder, name)
        done = subprocess.run([*self.user.prefix, *before, self.user.interpreter(), str(CAPTURE / "python" / "rough.py"),
                               self.story, out], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        if not before:
            time.sleep(1.5)  # Nobody waits for its orphans natively.
        said = done.stdout.decode(errors="replace")
        if done.returncode != 0:
            raise Failed(f"{name} ended with {done.returncode}\n{said[-3000:]}")
        with open(out) as file:
            return file.read(), said

    def record(self):
        self.native, _ = self._run("native")
        wrote, said = self._run("recorded", self.user.binary, "record", "--set", "main", "--")
        same(self.native, wrote, f"what it wrote while recorded ({said[-1500:]})")

    def replay(self):
        wrote, said = self._run("replayed", self.user.binary, "replay", "main", "--")
        same(self.native, wrote, f"what it wrote while replayed ({said[-1500:]})")


def _unreadable(user, web):
    environment.need("curl")
    folder = str(user.place("unreadable"))
    curl = str(user.folder / "curl")
    shutil.copy(shutil.which("curl"), curl)
    os.chmod(curl, 0o711)
    if not user.root:
        raise environment.Missing("only root can make a program that its user cannot read")
    done = subprocess.run([*user.prefix, user.binary, "record", "--", curl, "-sS", web.environment()["HTTP_URL"] + "/item/7"],
                          cwd=folder, env=user.environment(), capture_output=True, timeout=60, text=True)
    if '"/item/7"' not in done.stdout:
        raise Failed(f"it did not work\n{done.stdout}{done.stderr}")
    if "not captured" not in done.stdout + done.stderr:
        raise Failed(f"it is not named\n{done.stdout}{done.stderr}")


def _killed(user, web):
    folder = str(user.place("killed"))
    out, log = os.path.join(folder, "out"), os.path.join(folder, "log")
    process = start([*user.prefix, user.binary, "record", "--", user.interpreter(), str(CAPTURE / "python" / "rough.py"),
                     "lasts", out], log=log, cwd=folder, env={**user.environment(), **web.environment()})
    try:
        _until(lambda: os.path.exists(out), "its first connection", log)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        _until(lambda: open(out).read().endswith("end\n"), "its end", log)
    finally:
        stop(process, grace=0)
    with open(out) as file:
        lines = file.read().splitlines()
    if any("slow" in line for line in lines):
        raise Failed(f"a connection hung: {lines}")
    if "Function not implemented" not in str(lines):
        raise Failed(f"nothing of the death of the supervisor was seen: {lines}")


def _until(true, what, log):
    end = time.monotonic() + 30
    while not true():
        if time.monotonic() > end:
            raise Failed(f"{what} did not come within 30 s{tail(log)}")
        time.sleep(0.05)
