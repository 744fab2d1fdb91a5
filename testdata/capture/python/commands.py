"""A service that runs a command for each request: `curl`, `wget` or `git`."""

import subprocess
import sys

from service import HTTP, HTTPS, PATH, serve

COMMANDS = {
    "curl": (["curl", "-sS", "--fail"], [HTTPS, HTTP]),
    "wget": (["wget", "-q", "-O", "-"], [HTTPS, HTTP]),
    "git": (["git", "ls-remote"], [HTTPS, HTTP]),
}


def answer(n):
    command, bases = COMMANDS[sys.argv[1]]
    return [subprocess.run([*command, base + n], check=True, capture_output=True, text=True).stdout for base in bases]


serve(answer)
