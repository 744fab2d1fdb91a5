"""Starting, waiting for and stopping processes; every one of them is stopped by its id."""

import atexit
import os
import random
import signal
import socket
import subprocess
import time

_started = []


class Failed(Exception):
    """Something that a test cannot go on without; its text is shown."""


def free_port():
    """A port that nobody listens on, below the ephemeral range of Linux."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def run(command, *, log=None, timeout=300, check=True, **options):
    """Runs to the end; the output is text. Fails with the output's end."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=timeout, **options)
    if log:
        os.makedirs(os.path.dirname(log) or ".", exist_ok=True)
        with open(log, "a") as file:
            file.write(f"$ {command}\n{done.stdout}\n")
    if check and done.returncode != 0:
        raise Failed(f"{command} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done


def start(command, *, log, **options):
    """Starts a process in its own group, its output in a file."""
    with open(log, "a") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True, **options)
    _started.append(process)
    return process


def stop(process, grace=20):
    """SIGTERM, then SIGKILL to its group after the grace time. Returns the exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if process in _started:
        _started.remove(process)
    return process.wait()


def wait_for_port(port, process=None, timeout=60, log=None):
    """Until something listens there, or the process that should has ended."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.05)
    raise Failed(f"nothing listens on port {port}{tail(log)}")


def tail(path, size=3000):
    """The end of a log, for a message."""
    if not path or not os.path.exists(path):
        return ""
    with open(path, errors="replace") as file:
        return f"\n--- {path}\n{file.read()[-size:]}"


@atexit.register
def _stop_all():
    for process in list(_started):
        stop(process, grace=5)
