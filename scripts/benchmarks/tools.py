"""What the measurements share: release builds, tools, timing, tables."""

import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import time

import environment
from environment import CACHE, LOG, ROOT, TARGET
from processes import Failed, run

RELEASE = TARGET / "release"
RETAKE = RELEASE / "retake"
BENCH = RELEASE / "retake-bench"


def build(options):
    """retake and retake-bench, for release; with `--built` they are taken as they are."""
    if options.built:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    run(["cargo", "build", "--release", "--quiet", "-p", "retake", "-p", "retake-bench"], cwd=ROOT, timeout=3600)


def compiled(name):
    """One of the C programs beside this file."""
    environment.debian("gcc", "gcc")
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / name
    source = pathlib.Path(__file__).with_name(f"{name}.c")
    run(["gcc", "-O2", "-pthread", "-o", str(program), str(source)], log=LOG)
    return program


def hurl():
    """hurl 8.0.1, built from its crate."""
    place = CACHE / "hurl"
    binary = place / "bin" / "hurl"
    if not binary.exists():
        environment.debian("/usr/include/libxml2/libxml/parser.h", "libxml2-dev")
        environment.debian("/usr/include/x86_64-linux-gnu/curl/curl.h", "libcurl4-openssl-dev")
        environment.debian("/usr/share/doc/libclang-dev", "libclang-dev")
        environment.debian("pkg-config", "pkg-config")
        CACHE.mkdir(parents=True, exist_ok=True)
        run(["cargo", "install", "hurl@8.0.1", "--locked", "--root", str(place)], log=LOG, timeout=3600,
            env={**os.environ, "CARGO_TARGET_DIR": str(CACHE / "hurl-target")})
        shutil.rmtree(CACHE / "hurl-target", ignore_errors=True)
    return binary


def newman():
    """newman 6, from npm."""
    place = CACHE / "newman"
    binary = place / "node_modules" / ".bin" / "newman"
    if not binary.exists():
        environment.debian("node", "nodejs")
        environment.debian("npm", "npm")
        place.mkdir(parents=True, exist_ok=True)
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "newman@6"], log=LOG, cwd=place, timeout=900)
    return binary


def timed(command, *, expect=0, **options):
    """Seconds of wall time, and the peak of resident memory in MiB, of a command that must end as expected."""
    begun = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expect:
        raise Failed(f"{command} ended with {process.returncode}:\n{output[-3000:]}")
    return took, usage.ru_maxrss / 1024, output


def rounds(count, contestants, say=print):
    """Runs every contestant once a round, in turns; returns the list of each one's results."""
    results = {name: [] for name in contestants}
    for number in range(count):
        order = list(contestants.items())
        for name, contestant in order[number % len(order):] + order[:number % len(order)]:
            results[name].append(contestant())
        say(f"round {number + 1} of {count}: " + ", ".join(f"{name} {values[-1]:.0f}" for name, values in results.items()))
    return results


def table(head, lines):
    """A table in Markdown."""
    print(f"\n| {' | '.join(head)} |\n| {' | '.join('---' for _ in head)} |")
    for line in lines:
        print(f"| {' | '.join(str(cell) for cell in line)} |")
    print()


def spread(values):
    """The median, with the lowest and the highest beside it."""
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def machine():
    """This machine in one line, and how busy it is."""
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())
    memory = next(int(line.split()[1]) for line in pathlib.Path("/proc/meminfo").read_text().splitlines()
                  if line.startswith("MemTotal"))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores, {memory / 2**20:.0f} GiB, Linux {platform.release()}; load {load}"
