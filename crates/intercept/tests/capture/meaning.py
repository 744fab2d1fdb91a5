"""What `connect` and its relatives mean to a program, one line per check.

Run natively and captured; the lines are to be the same. Names on the command line choose checks;
ECHO, HOLE and CLOSED are ports.
"""

import asyncio
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

ECHO = ("127.0.0.1", int(os.environ["ECHO"]))
ECHO6 = ("::1", int(os.environ["ECHO6"]), 0, 0)
OTHER = ("127.0.0.1", int(os.environ["OTHER"]))
CLOSED = ("127.0.0.1", int(os.environ["CLOSED"]))
HOLE = ("127.0.0.1", int(os.environ["HOLE"]))
libc = ctypes.CDLL(None, use_errno=True)
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def name(number):
    return errno.errorcode.get(number, str(number))


def echoes(s, message=b"ping"):
    s.setblocking(True)
    s.sendall(message)
    got = b""
    while len(got) < len(message):
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    return got == message


def raw(address):
    return struct.pack("=HH4B8x", 2, socket.htons(address[1]), 127, 0, 0, 1)


@check
def blocking():
    s = socket.create_connection(ECHO)
    return echoes(s), s.getpeername() == ECHO


@check
def ready_after_non_blocking():
    s = socket.socket()
    s.setblocking(False)
    result = s.connect_ex(ECHO)
    epoll = select.epoll()
    epoll.register(s, select.EPOLLOUT)
    events = [event for _, event in epoll.poll(3)]
    return name(result), events, s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), echoes(s)


@check
def registered_before_as_netty_does():
    s = socket.socket()
    s.setblocking(False)
    epoll = select.epoll()
    epoll.register(s, select.EPOLLOUT | select.EPOLLIN | select.EPOLLET)
    epoll.poll(0)
    s.connect_ex(ECHO)
    writable = any(event & select.EPOLLOUT for _, event in epoll.poll(2))
    s.send(b"hey")
    readable = any(
        event & select.EPOLLIN for _ in range(5) for _, event in epoll.poll(0.5)
    )
    return writable, readable


@check
def ipv6():
    s = socket.socket(socket.AF_INET6)
    s.connect(ECHO6)
    return echoes(s), s.getpeername() == ECHO6


@check
def ipv6_only():
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.connect(ECHO6)
    return s.getpeername() == ECHO6


@check
def ipv4_in_ipv6():
    s = socket.socket(socket.AF_INET6)
    s.connect(("::ffff:127.0.0.1", ECHO[1], 0, 0))
    return echoes(s), s.getpeername() == ("::ffff:127.0.0.1", ECHO[1], 0, 0)


@check
def any_address():
    s = socket.socket()
    s.connect(("0.0.0.0", ECHO[1]))
    return echoes(s), s.getpeername() == ECHO


@check
def unix():
    a, b = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    a.bind("\0retake-meaning-%d" % os.getpid())
    a.listen()
    b.connect(a.getsockname())
    b.send(b"x")
    return a.accept()[0].recv(1)


@check
def datagrams():
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    a.bind(("127.0.0.1", 0))
    b.connect(a.getsockname())
    b.send(b"u")
    return a.recv(1), b.getpeername() == a.getsockname()


@check
def options_stay():
    s = socket.socket()
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77),
        (socket.SOL_SOCKET, socket.SO_RCVBUF, 50000),
        (socket.IPPROTO_TCP, 18, 5000),
        (socket.IPPROTO_IP, socket.IP_TOS, 16),
        (socket.SOL_SOCKET, socket.SO_PRIORITY, 3),
    ]
    for level, option, value in options:
        s.setsockopt(level, option, value)
    s.set_inheritable(True)
    s.connect(ECHO)
    kept = [s.getsockopt(level, option) for level, option, _ in options]
    return kept, fcntl.fcntl(s, fcntl.F_GETFD), fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK


@check
def refused_while_blocking():
    s = socket.socket()
    return name(s.connect_ex(CLOSED)), name(s.connect_ex(ECHO))


@check
def refused_while_non_blocking():
    s = socket.socket()
    s.setblocking(False)
    first = s.connect_ex(CLOSED)
    select.select([], [s], [], 2)
    return name(first), name(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


@check
def twice():
    s = socket.create_connection(ECHO)
    return name(s.connect_ex(ECHO))


@check
def twice_non_blocking():
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(ECHO)
    select.select([], [s], [], 2)
    return s.connect_ex(ECHO) in (0, errno.EISCONN), echoes(s)


@check
def disconnected_and_connected_again():
    s = socket.create_connection(ECHO)
    result = libc.connect(s.fileno(), struct.pack("=H14x", 0), 16)
    try:
        between = s.getpeername()
    except OSError as error:
        between = name(error.errno)
    return result, between, s.connect_ex(OTHER)


@check
def duplicated():
    s = socket.socket()
    s.dup().connect(ECHO)
    return echoes(s), s.getpeername() == ECHO


@check
def inherited_by_a_fork():
    s = socket.socket()
    pid = os.fork()
    if pid == 0:
        s.connect(ECHO)
        os._exit(0 if echoes(s) else 1)
    return os.waitpid(pid, 0)[1], echoes(s), s.getpeername() == ECHO


@check
def another_binary():
    code = "import socket; s = socket.create_connection(%r); s.send(b'e'); print(s.recv(1))" % (ECHO,)
    inner = [sys.executable, "-c", code]
    return subprocess.run(["sh", "-c", 'exec "$@"', "sh", *inner], capture_output=True).stdout


@check
def daemon_that_outlives_its_parent():
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(0.2)
            s = socket.create_connection(ECHO)
            os.write(w, b"ok" if echoes(s) and s.getpeername() == ECHO else b"bad")
            os._exit(0)
        os._exit(0)
    os.close(w)
    os.wait()
    return os.read(r, 100)


@check
def threads():
    bad = []

    def connect():
        for _ in range(20):
            try:
                with socket.create_connection(ECHO) as s:
                    if not echoes(s) or s.getpeername() != ECHO:
                        bad.append("wrong")
            except OSError as error:
                bad.append(repr(error))

    all_threads = [threading.Thread(target=connect) for _ in range(50)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    return bad[:3]


@check
def bound_before():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    before = s.getsockname()
    s.connect(ECHO)
    return echoes(s), s.getsockname() == before


@check
def half_closed():
    s = socket.create_connection(ECHO)
    s.sendall(b"abc" * 1000)
    s.shutdown(socket.SHUT_WR)
    count = 0
    while piece := s.recv(4096):
        count += len(piece)
    return count


@check
def reset():
    listener = socket.create_server(("127.0.0.1", 0))
    s = socket.create_connection(listener.getsockname())
    c, _ = listener.accept()
    s.sendall(b"x")
    c.recv(1)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
    try:
        return s.recv(1)
    except OSError as error:
        return name(error.errno)


@check
def wrong_arguments():
    s = socket.socket()
    any_address = struct.pack("=HH12x", 2, 0)
    results = []
    for fd, address, length in [
        (s.fileno(), ctypes.c_void_p(8), 16),
        (9999, any_address, 16),
        (1, any_address, 16),
        (s.fileno(), any_address, 4),
        (s.fileno(), any_address, -1),
        (s.fileno(), struct.pack("=HH12x", 99, 0), 16),
        (s.fileno(), struct.pack("=HH24x", 10, 0), 28),
    ]:
        ctypes.set_errno(0)
        result = libc.connect(fd, address, length)
        results.append((result, name(ctypes.get_errno())))
    return results


@check
def name_of_an_unconnected_socket():
    try:
        return socket.socket().getpeername()
    except OSError as error:
        return name(error.errno)


@check
def name_with_little_room():
    s = socket.create_connection(ECHO)
    room = ctypes.create_string_buffer(b"\xaa" * 16, 16)
    length = ctypes.c_int(6)
    result = libc.getpeername(s.fileno(), room, ctypes.byref(length))
    short = room.raw[:2], room.raw[4:8]
    length = ctypes.c_int(-1)
    wrong = libc.getpeername(s.fileno(), room, ctypes.byref(length)), name(ctypes.get_errno())
    return result, short, wrong


@check
def asyncio_many():
    async def one():
        reader, writer = await asyncio.open_connection(*ECHO)
        writer.write(b"abc")
        got = await reader.readexactly(3)
        right = got == b"abc" and writer.get_extra_info("peername") == ECHO
        writer.close()
        return right

    async def every():
        return sum(await asyncio.gather(*[one() for _ in range(500)]))

    return asyncio.run(every())


@check
def its_own_server():
    listener = socket.create_server(("127.0.0.1", 0))
    s = socket.create_connection(listener.getsockname())
    c, peer = listener.accept()
    return (
        peer == s.getsockname(),
        s.getpeername() == listener.getsockname(),
        c.getpeername() == s.getsockname(),
        c.getsockname() == listener.getsockname(),
    )


@check
def signals_that_restart():
    return storm(True)


@check
def slow_with_a_limit():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 300000))
    began = time.time()
    return name(s.connect_ex(HOLE)), 0.2 < time.time() - began < 10


@check
def slow_and_interrupted():
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, True)
    s = socket.socket()
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    began = time.time()
    result = libc.connect(s.fileno(), raw(HOLE), 16), name(ctypes.get_errno())
    in_time = 0.2 < time.time() - began < 10
    s.setblocking(False)
    return result, in_time, name(s.connect_ex(HOLE)), select.select([], [s], [], 0.1)[1] == []


@check
def slow_and_non_blocking():
    s = socket.socket()
    s.setblocking(False)
    first = name(s.connect_ex(HOLE))
    waits = select.select([], [s], [], 0.2)[1] == []
    try:
        peer = s.getpeername()
    except OSError as error:
        peer = name(error.errno)
    return first, waits, peer


@check
def exit_status_of_a_killed_child():
    return subprocess.run(["sh", "-c", "kill -9 $$"]).returncode


def storm(restart, count=1000):
    """Connects while a signal comes every 0.3 ms."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, not restart)
    signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
    results = {}
    for _ in range(count):
        s = socket.socket()
        result = "ok" if libc.connect(s.fileno(), raw(ECHO), 16) == 0 else name(ctypes.get_errno())
        results[result] = results.get(result, 0) + 1
        s.close()
    signal.setitimer(signal.ITIMER_REAL, 0)
    return results


chosen = sys.argv[1:]
for function in CHECKS:
    if not chosen or function.__name__ in chosen:
        try:
            result = function()
        except Exception as error:  # The line is what is compared.
            result = repr(error)
        print(function.__name__, result, flush=True)
