"""An ordinary user: `nobody` where the tests are run by root, else who runs them."""

import os
import pathlib
import shutil
import subprocess

from environment import Missing
from processes import run
from retake import BINARY

NOBODY = 65534


class User:
    """Has a folder that it may write, and a copy of retake that it may run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = os.getuid() == 0
        self.prefix = []
        if self.root:
            if not shutil.which("setpriv"):
                raise Missing("no setpriv on this machine")
            self.prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        self.folder.chmod(0o755)
        self.home = self.place("home")
        # The build's own place may be one that only its user can read.
        self.binary = str(self.folder / "retake")
        shutil.copy(BINARY, self.binary)
        os.chmod(self.binary, 0o755)

    def place(self, name):
        """A new folder of theirs."""
        place = self.folder / name
        place.mkdir()
        if self.root:
            os.chown(place, NOBODY, NOBODY)
        return place

    def environment(self):
        """What a fresh shell of theirs has."""
        kept = {name: os.environ[name] for name in ("LANG", "TZ", "RETAKE_TEST_REFUSE") if name in os.environ}
        path = os.environ["PATH"].split(":")
        if self.root:
            path = [place for place in path if not place.startswith("/root")]
        return {**kept, "PATH": ":".join(path), "HOME": str(self.home), "USER": "nobody"}

    def needs(self, path):
        """Fails with `Missing` where they cannot read that file."""
        if subprocess.run([*self.prefix, "sh", "-c", 'test -r "$0"', str(path)]).returncode != 0:
            raise Missing(f"an ordinary user cannot read {path}")

    def interpreter(self):
        """A Python that they can run, for a virtual environment."""
        # setpriv still may what root may where it starts a program: the shell starts it as they do.
        check = [*self.prefix, "sh", "-c", '"$0" -c "import venv, ensurepip"']
        for python in (shutil.which("python3"), "/usr/bin/python3"):
            if python and run([*check, python], check=False, cwd="/", env=self.environment()).returncode == 0:
                return python
        raise Missing("no python3 with venv that an ordinary user can run")
