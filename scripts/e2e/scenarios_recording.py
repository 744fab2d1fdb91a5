"""Scenarios of recording: what is kept, and how exactly."""

import re
import socket
from urllib.parse import urlsplit

from processes import Failed, free_port


def scenario_03_calls_before_the_first_request_are_startup(case):
    case.record_requests("GET /flags")
    startup = case.files(r"startup\.yaml$")
    if not any("CREATE TABLE IF NOT EXISTS items" in text for text in startup.values()):
        raise Failed(f"the migrations are not in startup.yaml: {list(case.files())}")
    tests = case.files(r"/tests/")
    if any("CREATE TABLE" in text for text in tests.values()):
        raise Failed("a migration is in a test")
    case.replay().expect_green()


def scenario_07_large_and_encoded_bodies_are_exact(case):
    part = b"--x\r\ncontent-disposition: form-data; name=f; filename=a.bin\r\n\r\n\x00\xff\r\n--x--\r\n"
    case.record_requests(
        "GET /big", "GET /gzip",
        ("POST /upload", part * 20000, {"content-type": "multipart/form-data; boundary=x"}))
    case.replay().expect_green()
    case.replay(CHANGE="gzip").expect(1).expect_difference("GET /gzip", "json.changed", "true")


def scenario_08_every_framing_is_replayed(case):
    case.record(_every_framing, settle=0.2)
    run = case.replay().expect_green()
    if len(run.tests) != 10:
        raise Failed(f"{len(run.tests)} tests, expected 10: {[t['title'] for t in run.tests]}")


def _every_framing(base):
    address = urlsplit(base)
    where = (address.hostname, address.port)
    with socket.create_connection(where, timeout=10) as conn:
        # Four requests before any answer is read.
        conn.sendall(b"HEAD /framing/head HTTP/1.1\r\nhost: a\r\n\r\n"
                     b"GET /framing/204 HTTP/1.1\r\nhost: a\r\n\r\n"
                     b"GET /framing/304 HTTP/1.1\r\nhost: a\r\n\r\n"
                     b"GET /framing/chunked HTTP/1.1\r\nhost: a\r\n\r\n")
        _read_until(conn, b"x-sum: 11\r\n\r\n")
        conn.sendall(b"GET /framing/early HTTP/1.1\r\nhost: a\r\n\r\n")
        _read_until(conn, b"after the hint")
        conn.sendall(b"POST /framing/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n")
        _read_until(conn, b"100 Continue\r\n\r\n")
        conn.sendall(b"waits")
        _read_until(conn, b"waits")
        conn.sendall(b"GET /framing/plain HTTP/1.1\r\nhost: a\r\n\r\n")
        _read_until(conn, b'"plain"}')
    with socket.create_connection(where, timeout=10) as conn:
        conn.sendall(b"GET /framing/close HTTP/1.1\r\nhost: a\r\n\r\n")
        _read_until(conn, b"until the end")
        if conn.recv(10):
            raise Failed("the connection was not closed")
    with socket.create_connection(where, timeout=10) as conn:
        conn.sendall(b"GET /framing/old HTTP/1.0\r\n\r\n")
        _read_until(conn, b'"old"}')
    with socket.create_connection(where, timeout=10) as conn:
        conn.sendall(b"GET /framing/asked HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        _read_until(conn, b'"asked"}')


def _read_until(conn, end):
    got = b""
    while not got.endswith(end):
        part = conn.recv(65536)
        if not part:
            raise Failed(f"closed before {end!r}: {got!r}")
        got += part


def scenario_09_repeats_and_empty_values_keep_their_order(case):
    case.record_requests("GET /repeats?a=1&a=&b=2&a=3&empty=&=x")
    text = "".join(case.files(r"/tests/").values())
    found = re.findall(r"(?i)set-cookie: *['\"]?(\w=\d)", text)
    if found != ["b=2", "a=1", "b=3"]:
        raise Failed(f"the cookies on disk: {found}\n{text}")
    if "?a=1&a=&b=2&a=3&empty=&=x" not in text:
        raise Failed(f"the query on disk\n{text}")
    case.replay().expect_green()
    case.replay(CHANGE="cookies").expect(1).expect_difference("GET /repeats", "header")


def scenario_44_a_refused_port_at_the_start_stays_refused(case):
    nobody, listen = free_port(), free_port()
    case.extra = ["--dep", f"cache=tcp://127.0.0.1:{nobody}@127.0.0.1:{listen}"]
    case.record_requests("GET /flags", CACHE_PORT=str(listen))
    if '"cache": "gone"' not in str(case.files(r"/tests/")) and "cache: gone" not in str(case.files(r"/tests/")):
        raise Failed(f"the service found a cache while it was recorded: {case.files(r'/tests/')}")
    case.replay(CACHE_PORT=str(listen)).expect_green()
