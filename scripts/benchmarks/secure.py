"""Relaying HTTPS: requests a second, latency and memory beside nginx and haproxy, which end TLS and begin it anew as
retake does, each on one thread; and what many connections at a time cost."""

import argparse
import os
import pathlib
import resource
import socket
import ssl
import statistics
import time

import environment
import tools
from contestants import Direct, Proxy, Retake
from processes import run
from relay import ANSWER, load
from tools import RETAKE


def arguments(parts):
    part = parts.add_parser("tls", help="relaying HTTPS, beside nginx and haproxy; many connections at a time")
    part.add_argument("--rounds", type=int, default=3)
    part.add_argument("--seconds", type=int, default=5)
    part.add_argument("--connections", type=int, nargs="*", default=[1, 64])
    part.add_argument("--many", type=int, nargs="*", default=[1000, 4000], help="connections that are opened and kept")
    part.add_argument("--only", nargs="*", help="names of contestants")
    part.set_defaults(run=measure)


def measure(options):
    tools.build(options)
    environment.debian("/usr/sbin/nginx", "nginx-light")
    environment.debian("/usr/sbin/haproxy", "haproxy")
    environment.debian("wrk", "wrk")
    print(f"machine: {tools.machine()}")
    with nginx("upstream", None) as upstream:
        names = [(name, make) for name, make in contestants(upstream.port) if not options.only or name in options.only]
        rates = {name: [] for name, _ in names}
        for number in range(options.rounds):
            at = number % len(names)
            for name, make in names[at:] + names[:at]:
                rates[name].append(steady(make(), options))
                print(f"round {number + 1} of {options.rounds}: {name}: {rates[name][-1]}", flush=True)
        show(rates, options)
        lines = [(name, f"{count:,}", *many(make(), count)) for count in options.many for name, make in names]
    tools.table(["", "connections", "opened and asked, a second", "processor time of each, ms", "failed", "threads",
                 "peak memory, MiB"], lines)


def contestants(upstream):
    yield "direct", lambda: Direct("direct", upstream)
    yield "nginx", lambda: nginx("nginx", upstream)
    yield "haproxy", lambda: haproxy(upstream)
    yield "retake", lambda: retake(upstream)


def steady(contestant, options):
    """For each number of connections: requests a second, p99 in ms, processor time of a request in µs; then the peak
    of memory in MiB and what the contestant says of itself."""
    with contestant as running:
        found = []
        for connections in options.connections:
            one = argparse.Namespace(connections=connections)
            load(running.port, one, 1, "https")
            before = running.processor_time()
            rate, p99, errors = load(running.port, one, options.seconds, "https")
            each = (running.processor_time() - before) / (rate * options.seconds) * 1e6 if before is not None else None
            found.append((rate, p99, each, errors))
        memory = running.memory()
        running.settle()
        return found, memory, running.finish()


def show(results, options):
    for at, connections in enumerate(options.connections):
        lines = []
        reference = [found[at][0] for found, *_ in results.get("nginx", [])]
        for name, measured in results.items():
            mine = [found[at] for found, *_ in measured]
            rates = [rate for rate, *_ in mine]
            share = f"{statistics.median(rates) / statistics.median(reference):.2f}" if reference else ""
            each = [each for _, _, each, _ in mine if each is not None]
            memory = [memory for _, memory, _ in measured if memory is not None]
            lines.append((name, tools.spread(rates), share, f"{statistics.median(p99 for _, p99, *_ in mine):.2f}",
                          f"{statistics.median(each):.1f}" if each else "", f"{max(memory):.0f}" if memory else "",
                          measured[-1][2] + mine[-1][3]))
        print(f"\nHTTPS, {connections} connection{'s' if connections > 1 else ''}")
        tools.table(["", "requests/s: median (lowest to highest)", "of nginx", "p99, ms", "processor time of a request, µs",
                     "peak memory, MiB", ""], lines)


def many(contestant, count):
    """Opens so many connections, asks once on each, keeps them all, then asks once more on each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contestant as running:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        kept, failed, begun, before = [], 0, time.monotonic(), running.processor_time()
        for _ in range(count):
            try:
                raw = socket.create_connection(("127.0.0.1", running.port), timeout=30)
                secure = context.wrap_socket(raw)
                ask(secure)
                kept.append(secure)
            except OSError as why:
                print(f"           {running.name}: {why}")
                failed += 1
        took = time.monotonic() - begun
        each = "" if before is None else f"{(running.processor_time() - before) / count * 1e3:.2f}"
        for secure in kept:
            try:
                ask(secure)
            except OSError:
                failed += 1
        threads = running.threads()
        memory = running.memory()
        for secure in kept:
            secure.close()
        running.finish()
        shown = f"{memory:.0f}" if memory is not None else ""
        return f"{count / took:,.0f}", each, failed, threads or "", shown


def ask(secure):
    secure.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    answer = b""
    while ANSWER.encode() not in answer:
        piece = secure.recv(4096)
        if not piece:
            raise OSError("it was closed")
        answer += piece


def certificate(folder):
    """A certificate of its own for a contestant."""
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    if not os.path.exists(cert):
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert])
        os.chmod(key, 0o644)
        both = pathlib.Path(folder) / "both.pem"
        both.write_text(pathlib.Path(cert).read_text() + pathlib.Path(key).read_text())
        both.chmod(0o644)
    return cert, key


def nginx(name, upstream):
    """One worker; in front of an upstream, or answering by itself."""
    def command(self):
        cert, key = certificate(self.folder)
        hop = ('proxy_pass https://there; proxy_http_version 1.1; proxy_set_header Connection "";' if upstream else
               f"default_type application/json; return 200 '{ANSWER}';")
        there = f"upstream there {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}"
        return ["nginx", "-e", os.path.join(self.folder, "error.log"), "-c", self.write("nginx.conf", f"""
            worker_processes 1; daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;
            worker_rlimit_nofile 65536;
            events {{ worker_connections 16384; }}
            http {{
              access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
              {there if upstream else ""}
              server {{
                listen 127.0.0.1:{self.port} ssl backlog=4096; ssl_certificate {cert}; ssl_certificate_key {key};
                location / {{ {hop} }}
              }}
            }}""")]
    return Proxy(name, upstream, command)


def haproxy(upstream):
    def command(self):
        certificate(self.folder)
        return ["haproxy", "-db", "-f", self.write("haproxy.cfg", f"""
global
  nbthread 1
  maxconn 5000
defaults
  mode http
  timeout client 600s
  timeout server 600s
  timeout connect 5s
  http-reuse always
listen relay
  bind 127.0.0.1:{self.port} ssl crt {self.folder}/both.pem
  server there 127.0.0.1:{upstream} ssl verify none
""")]
    return Proxy("haproxy", upstream, command)


def retake(upstream):
    def command(self):
        cert, key = certificate(self.folder)
        return [RETAKE, "record", "--workers", "1", "--json", "--set", "bench", "--listen", f"127.0.0.1:{self.port}",
                "--upstream", f"https://127.0.0.1:{upstream}", "--cert", cert, "--key", key]
    return Retake("retake", upstream, command)
