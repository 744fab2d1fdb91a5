"""Where a captured service listens and whom it calls: several ports, ports that move, destinations that are new,
recordings to which nothing came."""

import os
import signal
import tempfile
import time
import urllib.request

from dependencies import Authority, Web
from environment import CAPTURE
from ordinary import User
from processes import Failed, free_port, run as run_process, start, stop, tail, wait_for_port
from session import Calls

STORIES = {}


def story(name):
    """Registers a test."""
    def register(function):
        STORIES[name] = function
        return function
    return register


def run(results, only=None):
    """Every story, or those whose names begin so."""
    wanted = {name: test for name, test in STORIES.items() if not only or name.startswith(only)}
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch:
        user = User(scratch)
        web = Web(Authority(user.folder))
        for name, test in wanted.items():
            results.check(f"capture {name}", test, Service(name, user, web))
        web.stop()


class Service:
    """The service of `places_service.py`, in a folder of its own."""

    def __init__(self, name, user, web):
        self.user = user
        self.folder = str(user.place(name.replace(" ", "-")))
        self.calls = Calls(self.folder, *user.prefix, user.binary)
        self.environment = {**user.environment(), **web.environment()}
        self.command = [user.interpreter(), str(CAPTURE / "python" / "places_service.py")]

    def record(self, ports, *requests, code=0, **changes):
        """Records requests, each as (number of the port, path); returns what retake said."""
        log, places = os.path.join(self.folder, f"record-{self.calls.runs}.log"), os.path.join(self.folder, "places")
        process = start([*self.calls.words, "record", "--set", "main", "--", *self.command], log=log, cwd=self.folder,
                        env={**self.environment, "PORTS": ports, "PLACES": places, **changes})
        try:
            end = time.monotonic() + 30
            while not os.path.exists(places):
                if time.monotonic() > end or process.poll() is not None:
                    raise Failed(f"the service does not listen{tail(log)}")
                time.sleep(0.05)
            with open(places) as file:
                found = [int(port) for port in file.read().split(",")]
            wait_for_port(found[0], process, 20, log)
            for number, path in requests:
                with urllib.request.urlopen(f"http://127.0.0.1:{found[number]}{path}", timeout=20) as response:
                    response.read()
            process.send_signal(signal.SIGINT)
            ended = process.wait(40)
        finally:
            stop(process)
        os.remove(places)
        if ended != code:
            raise Failed(f"record ended with {ended}, expected {code}{tail(log)}")
        self.ports = found
        return tail(log)

    def replay(self, ports, *options, **changes):
        junit = os.path.join(self.folder, f"results-{self.calls.runs + 1}.xml")
        done = self.calls.replay(self.command, {**self.environment, "PORTS": ports, **changes}, "--junit", junit, *options)
        done.junit = ""
        if os.path.exists(junit):
            with open(junit) as text:
                done.junit = text.read()
        return done

    def file(self, name):
        """A file of the recording."""
        with open(os.path.join(self.folder, "retake", "main", name)) as file:
            return file.read()


@story("elsewhere, a new destination is red in its test")
def _elsewhere(service):
    port = str(free_port())
    service.record(port, (0, "/item/1"), (0, "/who"))
    service.replay(port).expect_green()
    for extra in (f"127.0.0.1:{free_port()}", "new.example.test:443"):
        to = extra if extra[0].isdigit() else extra.split(":")[0]
        changed = service.replay(port, EXTRA=extra).expect(1, f"({extra} is called now)")
        changed.expect_difference("GET /item/1", to, "call-unknown", "--allow-egress", verdict="changed")
        if changed.verdicts() != {"GET /item/1": "changed"}:
            raise Failed(f"another test is blamed: {changed.verdicts()}\n{changed.said}")
        for name, text in (("terminal", changed.said), ("JUnit", changed.junit)):
            if to not in text or "has no such destination" not in text:
                raise Failed(f"{name} does not say {to} and why\n{text[-3000:]}")
    # Where it may leave the machine it is no difference.
    service.replay(port, "--allow-egress", EXTRA=extra).expect_green()


@story("elsewhere, a name that was looked up in vain when it was recorded is no difference")
def _in_vain(service):
    port, nowhere = str(free_port()), "missing.example.test:443"
    service.record(port, (0, "/item/1"), EXTRA=nowhere)
    if "names: [missing.example.test]" not in service.file("set.yaml"):
        raise Failed(service.file("set.yaml"))
    service.replay(port, EXTRA=nowhere).expect_green()
    service.replay(port, EXTRA="new." + nowhere).expect(1, "(another name)")


@story("ports, each test goes to the one that it came to")
def _ports(service):
    first, second = free_port(), free_port()
    ports = f"{first},{second}"
    service.record(ports, (0, "/who"), (1, "/who"), (1, "/item/1"), (0, "/item/1"), (1, "/second"))
    texts = [service.file(f"tests/{name}.yaml") for name in ("get-who-200", "get-who-200-2", "get-second-200")]
    if [f"\nport: {second}\n" in text for text in texts] != [False, True, True]:
        raise Failed(f"the tests do not say their ports: {texts}")
    if f'listens: ["127.0.0.1:{first}", "127.0.0.1:{second}"]' not in service.file("set.yaml"):
        raise Failed(service.file("set.yaml"))
    for options in ([], ["--jobs", "4"], ["--port", str(first)]):
        if len(service.replay(ports, *options).expect_green().tests) != 5:
            raise Failed("not every test was run")
    # Their names tell which port they are at: swapped, each test gets the other's answer.
    swapped = service.replay(f"{second},{first}").expect(1, "(each port answers as the other did)")
    if {test["verdict"] for test in swapped.tests} != {"changed"}:
        raise Failed(f"not every test is red\n{swapped.said}")
    gone = service.replay(str(first), "--ready-timeout", "3s").expect(4, "(nobody listens at the second port)")
    if str(second) not in gone.said:
        raise Failed(f"the port is not named\n{gone.said}")
    service.replay(ports, "--port", str(free_port()), "--ready-timeout", "3s").expect(4, "(--port names another one)")


@story("ports that move are found in the order in which the service listens")
def _moved(service):
    service.record("0,0,0", (1, "/who"), (2, "/who"), (0, "/who"), (2, "/item/1"))
    recorded = service.ports
    service.replay("0,0,0").expect_green()
    service.replay(f"{free_port()},{free_port()},{free_port()}").expect_green()
    # One that stayed is itself, whatever the order.
    service.replay(f"0,{recorded[1]},0").expect_green()


@story("nothing, a recording to which no request came ends with exit code 3")
def _nothing(service):
    port = str(free_port())
    said = service.record(port, code=3)
    if "nothing was recorded" not in said or f"send some to 127.0.0.1:{port}" not in said:
        raise Failed(f"it is not said where to send requests\n{said}")


@story("proxy, a port that was free by chance is another one on replay")
def _proxy(service):
    url = service.environment["HTTP_URL"] + "/item/7"
    environment = {**service.environment, "RETAKE_TEST_REFUSE": "seccomp"}

    def curl(*words):
        command = [*service.user.prefix, service.user.binary, *words, "--", "curl", "-sS", "-o", words[0], url]
        return run_process(command, cwd=service.folder, env=environment).stdout

    curl("record", "--set", "main")
    if 'proxy: "127.0.0.1:0"' not in service.file("set.yaml"):
        raise Failed(service.file("set.yaml"))
    curl("replay", "main")
    texts = []
    for name in ("record", "replay"):
        with open(os.path.join(service.folder, name)) as file:
            texts.append(file.read())
    if texts[0] != texts[1] or "/item/7" not in texts[0]:
        raise Failed(f"another answer: {texts}")
