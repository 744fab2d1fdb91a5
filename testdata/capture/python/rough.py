"""`rough.py signals|forks|daemon|outlives|execs|lasts OUT`: what unusual programs do while they connect to `$HTTP_URL`.

Each writes what became of it to the file OUT, and the same natively, recorded, and replayed.
"""

import os
import signal
import socket
import sys
import time
import traceback
import urllib.error
import urllib.request
from urllib.parse import urlsplit

URL = os.environ["HTTP_URL"]
AT = urlsplit(URL)


def get(n):
    return urllib.request.urlopen(f"{URL}/item/{n}", timeout=10).read().decode()


def say(*words):
    with open(sys.argv[2], "a") as out:
        print(*words, file=out)


def signals():
    """Connects while a timer's signal comes 2,000 times a second (its handler restarts calls)."""
    count = 0

    def tick(*_):
        nonlocal count
        count += 1

    signal.signal(signal.SIGALRM, tick)
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    wrong = {}
    for n in range(500):
        try:
            # Blocking, and with a time limit, which is non-blocking below.
            with socket.create_connection((AT.hostname, AT.port), timeout=10 if n % 2 else None) as conn:
                if conn.getpeername()[1] != AT.port:
                    raise ValueError(f"the peer is {conn.getpeername()}")
                conn.sendall(f"GET /item/{n % 5} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
                said = b""
                while part := conn.recv(4096):
                    said += part
                if not said.startswith(b"HTTP/1.1 200") or f"/item/{n % 5}".encode() not in said:
                    raise ValueError(said)
        except (OSError, ValueError) as error:
            wrong[repr(error)] = wrong.get(repr(error), 0) + 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    say("signals:", "many" if count > 50 else count, "wrong:", wrong)


def forks():
    """Sixty children at once, each with connections of its own."""
    children = []
    for _ in range(60):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if all(f"/item/{n}" in get(n) for n in range(5)) else 2
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    say("codes:", {os.waitpid(child, 0)[1] for child in children})


def daemon():
    """Forks twice, becomes leader of a session, and goes on while its first process has ended."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            time.sleep(0.7)
            say("daemon:", get(1), get(2))
        os._exit(0)
    os.wait()


def outlives():
    """A child that goes on after its parent."""
    if os.fork() == 0:
        time.sleep(0.7)
        say("child:", get(3))
        os._exit(0)
    say("parent:", get(4))


def execs():
    """Becomes another program, in the same process."""
    os.execvp("curl", ["curl", "-sS", "-o", sys.argv[2], f"{URL}/item/5"])


def lasts():
    """Connects again and again: its supervisor may go."""
    for _ in range(40):
        begun = time.monotonic()
        try:
            said = str(len(get(6)))
        except (urllib.error.URLError, OSError) as error:
            said = str(getattr(error, "reason", error))
        say(said, "slow" if time.monotonic() - begun > 5 else "at once")
        time.sleep(0.1)
    say("end")


{name: story for name, story in list(globals().items()) if callable(story)}[sys.argv[1]]()
