"""Resolvers that ask name servers by themselves: a name that was looked up while recording is found on replay, when no
name server answers any more."""

import os
import socket
import struct
import subprocess
import tempfile
import threading

import environment
from dependencies import Authority, Web
from environment import CAPTURE, Missing
from ordinary import User
from processes import Failed, run as run_process
from retake import clean_ledger, same

# An address that no other run of these tests has.
SERVER = f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
NAME = "shop.internal"
NAMES = CAPTURE / "names"


def _musl(user):
    environment.debian("musl-gcc", "musl-tools")
    run_process(["musl-gcc", "-static", "-o", str(user.folder / "get-musl"), str(NAMES / "get.c")])
    return [str(user.folder / "get-musl")]


def _glibc(user):
    environment.need("gcc")
    run_process(["gcc", "-o", str(user.folder / "get-glibc"), str(NAMES / "get.c")])
    return [str(user.folder / "get-glibc")]


def _go(user):
    environment.need("go")
    run_process(["go", "build", "-o", str(user.folder / "get-go"), str(NAMES / "get.go")],
                env={**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off"})
    return [str(user.folder / "get-go")]


def _dnspython(user):
    interpreter = environment.python("names-python", NAMES / "requirements.txt", user.interpreter())
    user.needs(interpreter)
    return [interpreter, str(NAMES / "get.py")]


def _java(resolver):
    def command(_):
        return ["java", "-cp", environment.names_java(), "Get", resolver]

    return command


RESOLVERS = {"names-musl": _musl, "names-glibc": _glibc, "names-go": _go, "names-dnspython": _dnspython,
             "names-netty": _java("netty"), "names-dnsjava": _java("dnsjava")}


def run(results, only=None):
    """Every resolver, or those whose names begin so."""
    wanted = {name: install for name, install in RESOLVERS.items() if not only or name.startswith(only)}
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch:
        try:
            user = User(scratch)
            server = NameServer(user)
        except Missing as why:
            for name in wanted:
                results.skip(f"capture {name}", why)
            return
        web = Web(Authority(user.folder))
        recorded = []
        for name, install in wanted.items():
            try:
                client = Client(name, user, server, web.ports()[0], install(user))
            except Missing as why:
                results.skip(f"capture {name}", why)
                continue
            if results.check(f"capture {name}, recorded", client.record):
                recorded.append(client)
        web.stop()
        server.stop()
        for client in recorded:
            results.check(f"capture {client.name}, replayed with no name server", client.replay)


class NameServer:
    """Answers each question for an IPv4 address with the loopback; has the port that resolvers insist on."""

    def __init__(self, user):
        environment.need("unshare")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.bind((SERVER, 53))
        except OSError as error:
            raise Missing(f"port 53 is not to be had: {error}") from None
        self.settings = str(user.folder / "resolv.conf")
        with open(self.settings, "w") as file:
            file.write(f"nameserver {SERVER}\n")
        # What programs read as /etc/resolv.conf, in a place of their own.
        self.inside = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.settings]
        if subprocess.run([*self.inside, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            raise Missing("only root can give programs another /etc/resolv.conf")
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            question, client = self.socket.recvfrom(4096)
            if not question:
                return
            end = question.index(b"\0", 12) + 5
            kind, = struct.unpack(">H", question[end - 4:end - 2])
            known = question[12:end - 4].lower() == b"\x04shop\x08internal\0"
            answers = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if known and kind == 1 else b""
            head = question[:2] + (b"\x81\x80" if known else b"\x81\x83") + struct.pack(">HHHH", 1, bool(answers), 0, 0)
            self.socket.sendto(head + question[12:end] + answers, client)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (SERVER, 53))
        self.socket.close()


class Client:
    """One program that looks a name up and asks its host, in a folder of its own."""

    def __init__(self, name, user, server, port, command):
        self.name, self.user, self.server = name, user, server
        self.folder = str(user.place(name))
        self.command = [*command, NAME, str(port), "/item/7"]
        self.native = None

    def _run(self, *before):
        """What the program wrote into a file, and what retake said."""
        words = [*self.server.inside, *self.user.prefix, *before, "sh", "-c", 'exec "$@" >out', "sh", *self.command]
        done = subprocess.run(words, cwd=self.folder, env=self.user.environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        said = done.stdout.decode(errors="replace")
        with open(os.path.join(self.folder, "out")) as file:
            wrote = file.read()
        if done.returncode != 0:
            raise Failed(f"{before[1:2] or 'natively'} it ended with {done.returncode}\n{wrote}{said[-3000:]}")
        return wrote, said

    def record(self):
        self.native, _ = self._run()
        wrote, said = self._run(self.user.binary, "record", "--set", "main", "--")
        same(self.native, wrote, f"what it wrote while recorded ({said[-1500:]})")
        clean_ledger(self.folder, "main", NAME)

    def replay(self):
        wrote, said = self._run(self.user.binary, "replay", "main", "--")
        same(self.native, wrote, f"what it wrote while replayed ({said[-1500:]})")
        if "refused" in said:
            raise Failed(f"the run says `refused`\n{said[-2000:]}")
