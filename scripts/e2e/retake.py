"""Calling the built `retake` as its users do."""

import difflib
import os
import pathlib
import re
import subprocess

from environment import TARGET
from processes import Failed

BINARY = pathlib.Path(os.environ.get("RETAKE_BINARY", TARGET / "debug" / "retake"))


class Done:
    """A finished run of retake: exit code, what the command printed, what retake said."""

    def __init__(self, code, out, said):
        self.code, self.out, self.said = code, out, said


def call(*arguments, cwd, env=None, timeout=300):
    """Runs retake to its end, its two outputs apart."""
    command = [str(BINARY), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
    with open(os.path.join(cwd, "calls.log"), "ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode() + done.stdout + b"--- stderr\n" + done.stderr
                  + f"--- exit {done.returncode}\n".encode())
    return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def same(expected, found, what):
    """Fails with a unified diff where the texts differ."""
    if expected == found:
        return
    lines = list(difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=1))
    raise Failed(f"{what} differs:\n" + "\n".join(lines[:40]))


def clean_ledger(folder, set_name, *dependencies):
    """Fails unless the recording's ledger says that everything was read and kept, from each dependency."""
    text = (pathlib.Path(folder) / "retake" / set_name / "set.yaml").read_text()
    found = re.search(r"^ledger:\n((?: .*\n)*)", text, re.MULTILINE)
    if not found:
        raise Failed(f"no ledger in set.yaml:\n{text}")
    ledger = found.group(1)
    for word in ("opaque", "undecodable", "dropped", "incomplete"):
        if word in ledger:
            raise Failed(f"the ledger says `{word}`:\n{ledger}")
    for dependency in dependencies:
        if not re.search(rf"\b{dependency}:[^}}]*\bseen: [1-9]", ledger):
            raise Failed(f"nothing was seen of `{dependency}`:\n{ledger}")
