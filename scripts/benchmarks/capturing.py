"""What capture costs a service: connects, system calls, start-up, requests, and many connections at once, captured and
not."""

import os
import re
import shutil
import statistics
import subprocess
import tempfile

import environment
import relay
import tools
from environment import CACHE, LOG
from processes import Failed, run
from tools import RETAKE

HEAVY = "import django, django.db.models, django.contrib.admin, django.views.generic, django.test, django.forms"


def arguments(parts):
    part = parts.add_parser("capture", help="what capture costs a service")
    part.add_argument("--rounds", type=int, default=5)
    part.add_argument("--connections", type=int, default=4000)
    part.set_defaults(run=measure)


def measure(options):
    tools.build(options)
    environment.debian("/usr/sbin/nginx", "nginx-light")
    environment.debian("wrk", "wrk")
    program, python = tools.compiled("capture"), django()
    print(f"machine: {tools.machine()}")
    results = {}
    with relay.nginx("upstream", None) as upstream:
        parts = [
            ("connect(), 1 thread, mean, µs", ["connect", upstream.port, 1, 3000], "connect"),
            ("connect(), 1 thread, median, µs", ["connect", upstream.port, 1, 3000], "median"),
            ("connect(), 4 threads, mean, µs", ["connect", upstream.port, 4, 1500], "connect"),
            ("a connection with a request, 1 thread, mean, µs", ["request", upstream.port, 1, 2000], "request"),
            ("a connection with a request, 1 thread, median, µs", ["request", upstream.port, 1, 2000], "median"),
            ("a connection with a request, 4 threads, mean, µs", ["request", upstream.port, 4, 1000], "request"),
            ("getppid(), not trapped, ns", ["calls"], "getppid"),
            ("read() of a byte, not trapped, ns", ["calls"], "read"),
            ("open() of a file, µs", ["open", "/etc/passwd"], "open"),
            ("clock_gettime, realtime, ns", ["clock"], "realtime"),
            ("clock_gettime, monotonic, ns", ["clock"], "monotonic"),
            ("start of `python -c pass`, ms", ["run", 15, python, "-c", "pass"], "run"),
            ("start of a heavy import (Django), ms", ["run", 7, python, "-c", HEAVY], "run"),
        ]
        for number in range(options.rounds):
            for name, words, value in parts:
                for captured in (number % 2 == 0, number % 2 != 0):
                    results.setdefault((name, captured), []).append(one(program, words, captured)[value])
                if name.startswith("connect(), 1 thread"):
                    least = command([tools.compiled("least"), program, *words], False)
                    results.setdefault((name, "least"), []).append(numbers(least)[value])
            print(f"round {number + 1} of {options.rounds}", flush=True)
        rates = [throughputs(upstream.port) for _ in range(options.rounds)]
        many = one(program, ["many", upstream.port, options.connections], True)
    show(results, [name for name, *_ in parts])
    show_rates(rates)
    print(f"{many['open']:.0f} connections at once: {many['failed']:.0f} failed")


def show(results, names):
    lines = []
    for name in names:
        native, caught = (statistics.median(results[name, captured]) for captured in (False, True))
        least = results.get((name, "least"))
        least = f"{statistics.median(least):.1f} ({statistics.median(least) / native:.2f})" if least else ""
        lines.append((name, f"{native:.1f}", least, f"{caught:.1f} ({caught / native:.2f})"))
    tools.table(["", "native", "the least by this means", "captured"], lines)


def throughputs(upstream):
    """Requests a second by each way, in turns: those of `scripts/bench relay` and the captured ones."""
    rates = {"no proxy": throughput(upstream, False)}
    with relay.nginx("nginx", upstream) as proxy:
        rates["nginx between"] = throughput(proxy.port, False)
    rates["the client captured"] = throughput(upstream, True)
    with relay.nginx("nginx", None, captured=True) as service:
        rates["the service captured"] = throughput(service.port, False)
    return rates


def show_rates(rates):
    lines = []
    between = statistics.median(each["nginx between"] for each in rates)
    for way in rates[0]:
        of_way = [each[way] for each in rates]
        lines.append((way, tools.spread(of_way), f"{statistics.median(of_way) / between:.2f}"))
    tools.table(["wrk, 64 connections", "requests/s: median (lowest to highest)", "of nginx"], lines)


def django():
    """A Python with Django, as an import that takes its time."""
    python = CACHE / "django" / "bin" / "python"
    if not python.exists():
        run(["python3", "-m", "venv", str(CACHE / "django")], log=LOG)
        run([str(CACHE / "django" / "bin" / "pip"), "install", "-q", "django"], log=LOG, timeout=1200)
    return python


def one(program, words, captured):
    """The numbers that the program prints, by their names."""
    return numbers(command([program, *words], captured))


def numbers(text):
    return {name: float(value) for name, value in re.findall(r"^(\w+) ([\d.]+)$", text, re.MULTILINE)}


def throughput(port, captured):
    text = command(["wrk", "-t1", "-c64", "-d4s", f"http://127.0.0.1:{port}/"], captured)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])


def command(words, captured):
    """What a command prints; captured, it is the service of a recording."""
    folder = tempfile.mkdtemp(prefix="retake-bench-")
    try:
        before = [RETAKE, "record", "--workers", "1", "--dir", os.path.join(folder, "retake"), "--"] if captured else []
        made = subprocess.run([str(word) for word in [*before, *words]], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, cwd=folder, timeout=300)
        # Connections without a request record nothing, which is told by 3.
        if made.returncode not in ((0, 3) if captured else (0,)):
            raise Failed(f"{words} ended with {made.returncode}:\n{made.stdout}\n{made.stderr}")
        return made.stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
