"""Relaying HTTP: requests a second, latency and memory, beside other proxies, each on one thread."""

import os
import re
import statistics

import environment
import tools
from contestants import Direct, Proxy, retake
from environment import CACHE, LOG
from processes import Failed, run
from tools import RETAKE

ANSWER = '{"id":42,"name":"a small answer","tags":["x","y"],"total":19.99}'


def arguments(parts):
    part = parts.add_parser("relay", help="relaying HTTP, beside nginx, haproxy, mitmproxy and WireMock")
    part.add_argument("--rounds", type=int, default=3)
    part.add_argument("--seconds", type=int, default=10)
    part.add_argument("--connections", type=int, default=64)
    part.add_argument("--only", nargs="*", help="names of contestants")
    part.add_argument("--fast", action="store_true", help="without mitmproxy and WireMock, which need to be installed")
    part.set_defaults(run=measure)


def measure(options):
    tools.build(options)
    install(options)
    print(f"machine: {tools.machine()}")
    with nginx("upstream", None) as upstream:
        names = [(name, make) for name, make in contestants(upstream.port, options)
                 if not options.only or name in options.only]
        results = {name: [] for name, _ in names}
        for number in range(options.rounds):
            at = number % len(names)
            for name, make in names[at:] + names[:at]:
                results[name].append(one(make(), options))
                print(f"round {number + 1} of {options.rounds}: {name}: {results[name][-1]}", flush=True)
    show(results)


def install(options):
    environment.debian("/usr/sbin/nginx", "nginx-light")
    environment.debian("/usr/sbin/haproxy", "haproxy")
    environment.debian("wrk", "wrk")
    if not options.fast:
        mitmproxy()
        wiremock()


def contestants(upstream, options):
    yield "direct", lambda: Direct("direct", upstream)
    yield "nginx", lambda: nginx("nginx", upstream)
    yield "haproxy", lambda: haproxy(upstream)
    yield "retake", lambda: retake("retake", upstream)
    yield "retake, every repeat kept", lambda: retake("retake, every repeat kept", upstream, "--keep-repeats")
    if not options.fast:
        yield "mitmproxy", lambda: Proxy("mitmproxy", upstream, lambda self: [
            mitmproxy(), "--quiet", "--mode", f"reverse:http://127.0.0.1:{upstream}", "--listen-host", "127.0.0.1",
            "--listen-port", self.port, "--save-stream-file", os.path.join(self.folder, "flows")])
        yield "WireMock, recording", lambda: Proxy("WireMock, recording", upstream, lambda self: [
            "java", "-jar", wiremock(), "--port", self.port, "--bind-address", "127.0.0.1",
            "--proxy-all", f"http://127.0.0.1:{upstream}", "--record-mappings", "--disable-banner",
            "--root-dir", self.folder])


def one(contestant, options):
    """Requests a second, p99 in ms, peak memory in MiB, and what the contestant says of itself."""
    with contestant as running:
        load(running.port, options, 2)
        rate, p99, errors = load(running.port, options, options.seconds)
        memory = running.memory()
        running.settle()
        return rate, p99, memory, running.finish() + errors


def load(port, options, seconds, scheme="http"):
    text = run(["wrk", "-t1", f"-c{options.connections}", f"-d{seconds}s", "--latency", f"{scheme}://127.0.0.1:{port}/"],
               timeout=seconds + 60).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    if not rate or not p99:
        raise Failed(f"wrk said:\n{text}")
    errors = re.findall(r"(Socket errors:.*|Non-2xx.*)", text)
    return (float(rate[1]), float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]],
            "".join(f" ({error})" for error in errors))


def show(results):
    reference = statistics.median(rate for rate, *_ in results["nginx"]) if "nginx" in results else None
    lines = []
    for name, measured in results.items():
        rates = [rate for rate, *_ in measured]
        memory = [memory for _, _, memory, _ in measured if memory is not None]
        share = f"{statistics.median(rates) / reference:.2f}" if reference else ""
        lines.append((name, tools.spread(rates), share, f"{statistics.median(p for _, p, *_ in measured):.2f}",
                      f"{max(memory):.0f}" if memory else "", measured[-1][3]))
    tools.table(["", "requests/s: median (lowest to highest)", "of nginx", "p99, ms", "peak memory, MiB", ""], lines)


def nginx(name, upstream, captured=False):
    """One worker; in front of an upstream, or answering by itself; captured, it is the service of a recording."""
    def command(self):
        hop = (f'proxy_pass http://there; proxy_http_version 1.1; proxy_set_header Connection "";' if upstream else
               f"default_type application/json; return 200 '{ANSWER}';")
        there = f"upstream there {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}"
        before = [RETAKE, "record", "--workers", "1", "--"] if captured else []
        return [*before, "nginx", "-e", os.path.join(self.folder, "error.log"), "-c", self.write("nginx.conf", f"""
            worker_processes 1; daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 4096; }}
            http {{
              access_log off; keepalive_requests 100000000;
              {there if upstream else ""}
              server {{ listen 127.0.0.1:{self.port} backlog=4096; location / {{ {hop} }} }}
            }}""")]
    return Proxy(name, upstream, command)


def haproxy(upstream):
    return Proxy("haproxy", upstream, lambda self: ["haproxy", "-db", "-f", self.write("haproxy.cfg", f"""
global
  nbthread 1
  maxconn 2000
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  http-reuse always
listen relay
  bind 127.0.0.1:{self.port}
  server there 127.0.0.1:{upstream}
""")])


def bare(upstream):
    """A relay that forwards bytes and does nothing else: what a further hop costs."""
    return Proxy("bare relay", upstream, lambda self: [tools.compiled("bare"), self.port, upstream])


def mitmproxy():
    binary = CACHE / "mitmproxy" / "bin" / "mitmdump"
    if not binary.exists():
        run(["python3", "-m", "venv", str(CACHE / "mitmproxy")], log=LOG)
        run([str(CACHE / "mitmproxy" / "bin" / "pip"), "install", "-q", "mitmproxy"], log=LOG, timeout=1200)
    return binary


def wiremock():
    environment.need("java")
    place = CACHE / "wiremock"
    if not place.exists():
        environment.debian("npm", "npm")
        place.mkdir(parents=True)
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "wiremock@3"], log=LOG, cwd=place, timeout=900)
    return next(place.glob("node_modules/wiremock/build/wiremock-standalone-*.jar"))
