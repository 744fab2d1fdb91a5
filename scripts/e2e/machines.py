"""Machines that refuse what capture is made of (simulated), and commands that cannot be recorded: what retake does, and
what it says. Everything as an ordinary user.
"""

import http.client
import json
import os
import struct
import subprocess
import tempfile
import time

import environment
from dependencies import Authority, Web
from environment import CAPTURE
from ordinary import User
from postgres import PASSWORD, Postgres
from processes import Failed, free_port, start, stop, tail, wait_for_port
from retake import clean_ledger
from session import Calls

# What is refused.
# `pidfd_getfd,process_vm_readv` is Docker before 23.0, `memory` Yama's `ptrace_scope` of 2, `proc_mem` a kernel that
# lets only tracers write where a program itself may not.
MACHINES = ["", "wait_killable", "pidfd_getfd", "pidfd_getfd,wait_killable", "pidfd_getfd,process_vm_readv", "addfd",
            "pidfd_getfd,addfd", "proc_mem", "process_vm_readv", "memory", "seccomp"]


def _of_this_kernel():
    """What this machine's kernel is too old for."""
    release = tuple(int(part) for part in os.uname().release.replace("-", ".").split(".")[:2])
    return {what for what, since in (("wait_killable", (5, 19)), ("addfd", (5, 14))) if release < since}


def _expected(refused):
    """How outbound connections are captured, whether clients are recorded at the service's own port, whether the
    service sees the recorded time."""
    refused = {what for what in refused.split(",") if what} | _of_this_kernel()
    if refused & {"seccomp", "memory"} or refused >= {"pidfd_getfd", "addfd"}:
        return None, False, False
    killable, duplicated = "wait_killable" not in refused, "pidfd_getfd" not in refused
    way = "by their own sockets" if duplicated else "by sockets that retake makes"
    return way, killable, killable and os.uname().machine == "x86_64"


def run(results, only=None):
    """All tests, or those whose names begin so."""
    environment.postgres(18)
    with tempfile.TemporaryDirectory(prefix="retake-machines-") as folder:
        user = User(folder)
        python = environment.capture_python(user)
        os.mkdir(os.path.join(folder, "authority"))
        authority = Authority(os.path.join(folder, "authority"))
        for refused in MACHINES:
            name = f"machine without {refused}" if refused else "machine that allows everything"
            if not only or name.startswith(only):
                _machine(results, name, refused, user, python, authority)
        for name, test in globals().items():
            if name.startswith("input_") and (not only or name.startswith(only)):
                results.check(name, test, Place(user, user.place(name), python))


def _machine(results, name, refused, user, python, authority):
    results.check(f"{name}: doctor", _doctor, Place(user, user.place(f"doctor {refused}"), python), refused)
    web = Web(authority)
    with Postgres(18) as server:
        server.create("app")
        server.sql("CREATE TABLE items AS SELECT id, 'item ' || id AS name FROM generate_series(1, 50) id",
                   "GRANT SELECT ON items TO app", database="app")
        place = Place(user, user.place(f"machine {refused}"), python)
        place.environment |= web.environment() | {
            "DATABASE_URL": f"postgres://app:{PASSWORD}@127.0.0.1:{server.port}/app", "RETAKE_TEST_REFUSE": refused}
        recorded = results.check(f"{name}: record", _record, place, refused)
        web.stop()
    # Both dependencies are gone.
    if recorded:
        results.check(f"{name}: replay", _replay, place, refused)


class Place:
    """A folder, a port and an environment of an ordinary user's."""

    def __init__(self, user, folder, python):
        self.user, self.folder, self.python = user, str(folder), python
        self.port, self.front = free_port(), free_port()
        self.calls = Calls(self.folder, *user.prefix, user.binary)
        self.environment = {**user.environment(), "PORT": str(self.port)}

    def service(self, *arguments):
        return [self.python, str(CAPTURE / "python" / "both_service.py"), *map(str, arguments)]

    def retake(self, *arguments, timeout=60):
        """Runs it to its end: (exit code, both outputs)."""
        command = [*self.user.prefix, self.user.binary, *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        return done.returncode, done.stdout.decode(errors="replace")

    def record(self, options, command, ask=lambda: None, wait_for=None):
        """Records until `ask` has asked."""
        def use():
            ask()
            time.sleep(0.2)

        return self.calls.record(command, self.environment, use, *options, port=wait_for or self.port)[1]

    def replay(self, *options, command=None):
        return self.calls.replay(command or self.service(), self.environment, *options)

    def expect(self, code, *words, arguments):
        """Runs it to its end, and looks for words in what it says."""
        found, said = self.retake(*arguments)
        if found != code:
            raise Failed(f"it ended with {found}, expected {code}\n{said}")
        _expect(said, *words)
        return said

    def file(self, name, content, mode=0o755):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return "./" + name


def _expect(said, *words):
    for word in words:
        if word not in said:
            raise Failed(f"it does not say `{word}`:\n{said}")


def _ask(port, count=3):
    for n in range(1, count + 1):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", f"/call/{n}")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise Failed(f"answered {answer.status}: {body}")


def _doctor(place, refused):
    place.environment["RETAKE_TEST_REFUSE"] = refused
    way, inbound, frozen = _expected(refused)
    code, said = place.retake("doctor", "--json")
    found = json.loads(said)
    expected = "not" if way is None else "works" if inbound else "partly"
    if (found["verdict"], code) != (expected, 4 if way is None else 0):
        raise Failed(f"{found['verdict']}, exit {code}, expected {expected}\n{said}")
    states = {one["name"]: one["state"] for one in found["findings"]}
    if (states["time"] == "ok") != frozen or (states["inbound"] == "ok") != inbound:
        raise Failed(f"{states}")
    for one in found["findings"]:
        if one["state"] == "no" and not one["hint"]:
            raise Failed(f"nothing is said to do: {one}")
    code, text = place.retake("doctor")
    # A path is never broken.
    if any(len(line) > 80 and place.user.folder.name not in line for line in text.splitlines()) or "\x1b" in text:
        raise Failed(f"it is no plain text of 80 columns\n{text}")
    _expect(text, found["summary"].split(":")[0][:40])


def _record(place, refused):
    way, inbound, _ = _expected(refused)
    options = [] if inbound else ["--listen", f"127.0.0.1:{place.front}", "--upstream", f"127.0.0.1:{place.port}"]
    said = place.record(options, place.service(), lambda: _ask(place.port if inbound else place.front))
    if way:
        _expect(said, f"capturing connections {way}")
    else:
        _expect(said, "not capturing connections (", "by its variables", "HTTP_PROXY", "DATABASE_URL", "HTTP_URL")
    clean_ledger(place.folder, "main", "inbound")


def _replay(place, refused):
    way, _, frozen = _expected(refused)
    run = place.replay().expect_green()
    if len(run.tests) != 3:
        raise Failed(f"{len(run.tests)} tests, expected 3\n{run.said}")
    if ("sees the real time" in run.said) == frozen:
        raise Failed(f"what it says of the time is not so\n{run.said}")
    place.environment["CHANGE"] = "1"
    run = place.replay()
    del place.environment["CHANGE"]
    if run.code not in (1, 4) or not any(test["differences"] for test in run.tests):
        raise Failed(f"a changed build ended with {run.code}\n{run.said}")


def input_a_command_that_does_not_exist(place):
    place.expect(4, "failed to start `./missing`", "hint: there is no such file", arguments=("record", "--", "./missing"))
    place.environment["PATH"] = "/usr/bin:/bin"
    place.expect(4, "no program of this name is in the PATH", arguments=("record", "--", "no-such-program"))
    place.file("elsewhere.txt", b"", 0o644)
    place.expect(4, "it is a folder", arguments=("record", "--", place.folder))


def input_a_file_that_may_not_be_executed(place):
    script = place.file("app.py", b"print('hello')\n", 0o644)
    place.expect(4, "not executable", "chmod +x ./app.py", arguments=("record", "--", script))


def input_a_script_without_a_first_line_runs_as_in_a_shell(place):
    script = place.file("app", b"echo it runs\n")
    place.expect(3, "it runs", arguments=("record", "--", script))
    script = place.file("broken", b"#!/no/such/interpreter\n")
    place.expect(4, "/no/such/interpreter, which is not there", arguments=("record", "--", script))


def input_a_program_of_another_processor(place):
    if os.uname().machine != "x86_64":
        return
    arm = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 183, 1, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0).ljust(256, b"\0")
    if not any(name.startswith("qemu") for name in os.listdir("/proc/sys/fs/binfmt_misc") or []):
        place.expect(4, "was built for arm64, and this is x86_64", "hint:", arguments=("record", "--", place.file("arm", arm)))
    # Ends with 0, by `int 0x80`.
    code = bytes.fromhex("b80100000031dbcd80")
    head = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    load = struct.pack("<IIIIIIII", 1, 0, 0x8048000, 0x8048000, 84 + len(code), 84 + len(code), 5, 0x1000)
    program = place.file("i386", head + load + code)
    place.expect(3, "not captured", "was built for x86 (32 bits)", arguments=("record", "--", program))


def input_a_command_that_ends_at_once(place):
    place.expect(4, "the configuration is broken", "the command ended with exit code 3", "nothing was recorded",
                 "hint: it ended before a request came",
                 arguments=("record", "--", "sh", "-c", "echo the configuration is broken >&2; exit 3"))
    place.expect(4, "was killed by signal 11", arguments=("record", "--", "sh", "-c", "kill -SEGV $$"))


def input_a_command_that_asks_for_input(place):
    place.expect(4, "EOF", "It has no terminal", arguments=("record", "--", place.python, "-c", "input('name? ')"))


def input_a_command_that_gains_rights(place):
    for program in ("sudo", "/usr/bin/su"):
        place.expect(2, "cannot gain rights", f"`{program} retake record", arguments=("record", "--", program, "true"))


OWN_FILTER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
def install(flags, *program):
    lines = (ctypes.c_uint64 * len(program))(*[code | jt << 16 | jf << 24 | k << 32 for code, jt, jf, k in program])
    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("lines", ctypes.c_void_p)]
    said = libc.syscall(317, 1, flags, ctypes.byref(Program(len(program), ctypes.addressof(lines))))
    print("installed" if said >= 0 else f"error {ctypes.get_errno()}", flush=True)
"""


def input_a_program_that_watches_system_calls_itself(place):
    script = OWN_FILTER + "install(8, (6, 0, 0, 0x7fff0000))\n"
    place.expect(3, "error 16", "wanted to watch system calls itself", "--no-capture",
                 arguments=("record", "--", place.python, "-c", script))


def input_a_program_with_a_filter_of_its_own_is_recorded(place):
    # getpeername is forbidden, all else allowed.
    script = OWN_FILTER + (
        "install(0, (0x20, 0, 0, 0), (0x15, 0, 1, 52), (6, 0, 0, 0x00050001), (6, 0, 0, 0x7fff0000))\n"
        "from http.server import *\n"
        f"HTTPServer(('127.0.0.1', {place.port}), SimpleHTTPRequestHandler).serve_forever()\n")

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=30)
        connection.request("GET", "/")
        connection.getresponse().read()

    said = place.record([], [place.python, "-c", script], ask)
    _expect(said, "installed")
    clean_ledger(place.folder, "main", "inbound")


def input_retake_inside_of_retake(place):
    inner = [place.user.binary, "record", "--", "true"]
    place.expect(4, "runs inside of another", "run it outside of that", arguments=("record", "--", *inner))


def input_a_port_that_nobody_asks(place):
    place.expect(3, "nothing was recorded", "never listened on a port",
                 arguments=("record", "--for", "1s", "--", "sleep", "30"))
    server = [place.python, "-m", "http.server", "--bind", "127.0.0.1", str(place.port)]
    place.expect(3, "nothing was recorded", f"send some to 127.0.0.1:{place.port}",
                 arguments=("record", "--for", "3s", "--", *server))


def input_a_service_on_several_ports(place):
    other = free_port()
    source = ("import sys, threading\nfrom http.server import *\n"
              "class H(BaseHTTPRequestHandler):\n"
              " def do_GET(self):\n  self.send_response(200); self.send_header('content-length', '2'); self.end_headers();"
              " self.wfile.write(b'ok')\n"
              "servers = [HTTPServer(('127.0.0.1', int(port)), H) for port in sys.argv[1:]]\n"
              "for server in servers[1:]: threading.Thread(target=server.serve_forever, daemon=True).start()\n"
              "servers[0].serve_forever()\n")
    command = [place.python, "-c", source, str(other), str(place.port)]
    place.record([], command, lambda: _ask(place.port, 2))
    place.replay(command=command).expect_green()
    place.replay("--port", place.port, command=command).expect_green()
    run = place.replay("--port", str(free_port()), "--ready-timeout", "2s", command=command).expect(4)
    _expect(run.said, "it is expected on port", f"it listens on 127.0.0.1:{other}, 127.0.0.1:{place.port}")


def input_a_recording_of_a_capture_where_there_is_none(place):
    command = [place.python, "-m", "http.server", "--bind", "127.0.0.1", str(place.port)]

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=30)
        connection.request("GET", "/")
        connection.getresponse().read()

    place.record([], command, ask)
    place.environment["RETAKE_TEST_REFUSE"] = "seccomp"
    run = place.replay(command=command)
    _expect(run.said, "was recorded by capture", "not captured now")
