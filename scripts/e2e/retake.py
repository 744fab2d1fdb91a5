"""Calling the built `retake` as its users do."""

import difflib
import os
import pathlib
import re
import subprocess

from environment import TARGET
from processes import Failed, stop

BINARY = pathlib.Path(os.environ.get("RETAKE_BINARY", TARGET / "debug" / "retake"))


class Done:
    """A finished run of retake: exit code, what the command printed, what retake said."""

    def __init__(self, code, out, said):
        self.code, self.out, self.said = code, out, said


def call(*arguments, cwd, env=None, timeout=120):
    """Runs retake to its end, its two outputs apart."""
    command = [str(BINARY), *map(str, arguments)]
    process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        stop(process, grace=10)
        out, err = process.communicate()
        raise Failed(f"`retake {arguments[0]}` did not end within {timeout} s:\n{err.decode(errors='replace')[-2000:]}"
                     ) from None
    finally:
        stop(process, grace=0)
    with open(os.path.join(cwd, "calls.log"), "ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode() + out + b"--- stderr\n" + err
                  + f"--- exit {process.returncode}\n".encode())
    return Done(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def same(expected, found, what):
    """Fails with a unified diff where the texts differ."""
    if expected == found:
        return
    lines = list(difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=1))
    raise Failed(f"{what} differs:\n" + "\n".join(lines[:40]))


def nothing_wrong(folder):
    """Fails unless `retake lint` finds what was recorded to be right."""
    done = call("lint", cwd=folder)
    if done.code:
        raise Failed(f"lint finds fault with what was recorded:\n{done.out}")


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
