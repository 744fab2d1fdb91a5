"""Asks a name server in the ways that resolvers do, each of which takes an answer only from whom it asked.

`names.py SERVER NAME`: one line per way, with the addresses that it found or what went wrong. The
server's port is 53; so it need not be there where the answers come from elsewhere.
"""

import select
import signal
import socket
import struct
import sys
import threading

SERVER, OTHER, NAME = (sys.argv[1], 53), ("127.0.0.78", 53), sys.argv[2]
WAYS = []


def way(function):
    WAYS.append(function)
    return function


def query(name, number):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def found(answer, number):
    """The addresses of an answer to our query, whose records all point to its question."""
    if struct.unpack(">H", answer[:2])[0] != number:
        return "another number"
    code, count = answer[3] & 15, struct.unpack(">H", answer[6:8])[0]
    at = answer.index(b"\0", 12) + 5
    return code, [socket.inet_ntoa(answer[at + 16 * n + 12:at + 16 * n + 16]) for n in range(count)]


def datagrams(timeout=10):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(timeout)
    return s


@way
def as_dnspython(number):
    s = datagrams()
    s.sendto(query(NAME, number), SERVER)
    answer, who = s.recvfrom(65535)
    return found(answer, number), who == SERVER


@way
def as_musl(number):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    s.bind(("0.0.0.0", 0))
    for server in (SERVER, OTHER):
        s.sendto(query(NAME, number), socket.MSG_NOSIGNAL, server)
    poll = select.poll()
    poll.register(s, select.POLLIN)
    if not poll.poll(10_000):
        return "no answer"
    answer, rest, flags, who = s.recvmsg(4800)
    return found(answer, number), rest, flags, who in (SERVER, OTHER)


@way
def as_musl_with_both_families(number):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", 0))
    server = (f"::ffff:{SERVER[0]}", 53, 0, 0)
    s.sendto(query(NAME, number), server)
    select.select([s], [], [], 10)
    answer, _, _, who = s.recvmsg(4800)
    return found(answer, number), who == server


@way
def as_netty(number):
    """One socket for all, registered before it asks; answers in any order."""
    s = datagrams()
    s.setblocking(False)
    epoll = select.epoll()
    epoll.register(s, select.EPOLLIN | select.EPOLLET)
    asked = {number + n: server for n, server in enumerate((SERVER, OTHER, SERVER))}
    for each, server in asked.items():
        s.sendto(query(NAME, each), server)
    said = []
    while asked:
        if not epoll.poll(10):
            return f"no answer to {asked}"
        while True:
            try:
                answer, who = s.recvfrom(65535)
            except BlockingIOError:
                break
            each = struct.unpack(">H", answer[:2])[0]
            said.append((found(answer, each), asked.pop(each) == who))
    return said


@way
def as_dnsjava(number):
    s = datagrams()
    s.connect(SERVER)
    s.send(query(NAME, number))
    return found(s.recv(65535), number), s.getpeername() == SERVER


@way
def as_c_ares(number):
    s = datagrams()
    s.connect(SERVER)
    s.send(query(NAME, number))
    answer, who = s.recvfrom(65535)
    return found(answer, number), who == SERVER


@way
def blocking_without_a_limit(number):
    s = datagrams(None)
    s.sendto(query(NAME, number), SERVER)
    answer, who = s.recvfrom(65535)
    return found(answer, number), who == SERVER


@way
def waiting_before_it_is_asked(number):
    """One thread receives, another asks."""
    s, said = datagrams(None), []
    s.sendto(query(NAME, number), SERVER)
    s.recvfrom(65535)
    thread = threading.Thread(target=lambda: said.append(s.recvfrom(65535)))
    thread.start()
    s.sendto(query(NAME, number + 1), SERVER)
    thread.join()
    (answer, who), = said
    return found(answer, number + 1), who == SERVER


@way
def with_little_room(number):
    s = datagrams()
    s.sendto(query(NAME, number), SERVER)
    answer, who = s.recvfrom(20)
    s.sendto(query(NAME, number), SERVER)
    pieces = [bytearray(5), bytearray(7)]
    length, _, flags, sender = s.recvmsg_into(pieces)
    head = struct.pack(">H", number)
    return (len(answer), who == SERVER, length, flags == socket.MSG_TRUNC, sender == SERVER,
            bytes(pieces[0]).startswith(head), bytes(pieces[0] + pieces[1]) == answer[:12])


@way
def nothing_is_there(number):
    s = datagrams()
    s.sendto(query(NAME, number), SERVER)
    s.recvfrom(65535)
    s.setblocking(False)
    try:
        return s.recvfrom(65535)
    except BlockingIOError:
        pass
    s.settimeout(0.05)
    try:
        return s.recvfrom(65535)
    except TimeoutError:
        return "nothing, twice"


@way
def from_others(_):
    """Datagrams of others come from others, on a socket that asked, too."""
    s, other = datagrams(), datagrams()
    other.bind(("127.0.0.1", 0))
    s.sendto(query(NAME, 77), SERVER)
    s.recvfrom(65535)
    other.sendto(b"hello", ("127.0.0.1", s.getsockname()[1]))
    text, who = s.recvfrom(65535)
    return text, who == other.getsockname()


@way
def many_after_each_other(number):
    """None is held for longer than it is open."""
    for _ in range(300):
        result = as_dnspython(number)
    return result


# Who waits without a limit for an answer that does not come fails.
signal.alarm(60)
for number, function in enumerate(WAYS):
    try:
        result = function(1000 + 16 * number)
    except OSError as error:
        result = repr(error)
    print(function.__name__, result)
