"""Scenarios of the forward proxy, with real clients that know it by the environment alone."""

import os
import re
import sys

from environment import PROXY_CLIENTS, proxy_go, proxy_node, proxy_python, python_clients
from processes import Failed, free_port
from proxied import Company, Hosts
from retake import call, clean_ledger, same


def scenario_15_curl_through_a_companys_proxy(case):
    _through_the_company(case, ["sh", str(PROXY_CLIENTS / "curl_story.sh")])


def scenario_15_requests_through_a_companys_proxy(case):
    _through_the_company(case, [proxy_python(), str(PROXY_CLIENTS / "python" / "requests_story.py")])


def scenario_15_httpx_through_a_companys_proxy(case):
    _through_the_company(case, [proxy_python(), str(PROXY_CLIENTS / "python" / "httpx_story.py")])


def scenario_15_undici_through_a_companys_proxy(case):
    place = proxy_node()
    _through_the_company(case, ["node", str(PROXY_CLIENTS / "node" / "undici_story.js")],
                         NODE_PATH=str(place / "node_modules"))


def scenario_15_go_through_a_companys_proxy(case):
    _through_the_company(case, [str(proxy_go())])


def scenario_15_a_host_that_was_not_recorded_is_a_miss(case):
    hosts = Hosts(case.folder)
    proxy = f"127.0.0.1:{free_port()}"
    base = f"http://localhost:{hosts.port('plain.test')}"
    ask = "curl -sS --fail {0}/a && curl -sS -p --fail {0}/b"
    try:
        _record(case, proxy, ["sh", "-c", ask.format(base)])
    finally:
        hosts.close()
    run = _replay(case, ["sh", "-c", ask.format(base)])
    if run.code != 0:
        _fail("exit code 0", run)
    for other, expect in (
        # In absolute-form and through a tunnel.
        (f"curl -sS {base}/a; curl -sS -i http://elsewhere.test/x; true", ("elsewhere.test: no recorded answer", "GET /x")),
        (f"curl -sS {base}/a; curl -sS -i -p http://elsewhere.test:81/x; true", ("no recorded answer", "CONNECT elsewhere.test:81")),
    ):
        run = _replay(case, ["sh", "-c", other])
        if run.code != 3 or any(words not in run.out + run.said for words in expect):
            _fail(f"a miss that says `{expect}` and exit code 3", run)


def scenario_15_postgres_in_a_tunnel_is_read(case):
    proxy = f"127.0.0.1:{free_port()}"
    command = [python_clients(), str(PROXY_CLIENTS / "python" / "tunnel_story.py")]
    recorded, replayed = (os.path.join(case.folder, name) for name in ("recorded.txt", "replayed.txt"))
    at = f"127.0.0.1:{case.server.port}"
    changes = {**case.server.environment("app"), "DATABASE": at}
    _record(case, proxy, command, OUT=recorded, **changes)
    clean_ledger(case.folder, "main", re.escape(at) + '"')
    # On replay the proxy leads nowhere: what answers is the mock.
    run = _replay(case, command, OUT=replayed, **changes)
    if run.code != 0:
        _fail("exit code 0", run)
    with open(recorded) as one, open(replayed) as two:
        same(one.read(), two.read(), "what the client got")


def scenario_15_calls_of_a_service_through_the_proxy_belong_to_its_tests(case):
    hosts = Hosts(case.folder)
    case.command = lambda _: [sys.executable, str(PROXY_CLIENTS / "python" / "service.py")]
    case.environment = _environment({"PLAIN": f"http://localhost:{hosts.port('plain.test')}", "PATH": os.environ["PATH"]})
    case.extra = ["--no-capture", "--proxy", f"127.0.0.1:{free_port()}"]
    try:
        case.record_requests("GET /a", "GET /b", "GET /missing")
    finally:
        hosts.close()
    clean_ledger(case.folder, "main", "localhost")
    files = case.files(r"tests/.*\.yaml$")
    if len(files) != 3 or not all("to: localhost" in text for text in files.values()):
        raise Failed(f"not every test has its call: {files}")
    for _ in range(2):
        case.replay("--no-capture").expect_green()
    case.replay("--no-capture", CHANGE="another").expect(1).expect_difference("GET /a", "x-who", "another")
    case.replay("--no-capture", CHANGE="curious").expect(1).expect_difference("GET /b", "strange.test")
    # A rule can name a dependency whose name has dots.
    dotted = {name: text.replace("to: localhost", "to: plain.example.test") for name, text in case.files(r"\.yaml$").items()}
    for name, text in dotted.items():
        text = text.replace("name: localhost", "name: plain.example.test").replace("    localhost:", "    plain.example.test:")
        with open(os.path.join(case.folder, name), "w") as file:
            file.write(text)
    case.replay("--no-capture", CHANGE="another").expect(1)
    case.settings("""
        rules:
          - path: calls["plain.example.test"].headers.x-who
            ignore: true
    """)
    case.replay("--no-capture", CHANGE="another").expect_green()


def _through_the_company(case, command, **more):
    """Records the client's story through the company's proxy, and replays it with everything stopped."""
    hosts = Hosts(case.folder)
    company = Company(hosts)
    case.settings(f"""
        tls:
          roots: [{hosts.certificate}]
    """)
    proxy = f"127.0.0.1:{free_port()}"
    names = {"PLAIN": "http://plain.test", "OTHER": "http://other.test:8080", "SECURE": "https://secure.test"}
    changes = {**names, **more}
    recorded, replayed = (os.path.join(case.folder, name) for name in ("recorded.txt", "replayed.txt"))
    try:
        _record(case, proxy, command, "--upstream-proxy", company.url, OUT=recorded, **changes)
    finally:
        company.close()
        hosts.close()
    if not {"CONNECT plain.test:80", "CONNECT secure.test:443"} <= set(company.asked):
        raise Failed(f"the company was asked {company.asked}")
    clean_ledger(case.folder, "main", "plain.test", "other.test", "secure.test")
    files = "".join(case.files(r"\.yaml$").values())
    for word in ("127.0.0.1:" + str(hosts.port("plain.test")), "Proxy-", "proxy-auth", "secret@"):
        if word in files:
            raise Failed(f"`{word}` was recorded")
    if "path: /a?x=1" not in files or "path: /secret?n=0" not in files:
        raise Failed("the inner requests were not recorded in origin-form")
    for _ in range(2):
        run = _replay(case, command, OUT=replayed, **changes)
        if run.code != 0:
            _fail("exit code 0", run)
        with open(recorded) as one, open(replayed) as two:
            same(one.read(), two.read(), "what the client got")


def _record(case, proxy, command, *options, **changes):
    done = call("record", "--set", "main", "--no-capture", "--proxy", proxy, *options, "--", *command,
                cwd=case.folder, env=_environment(changes))
    if done.code != 0:
        raise Failed(f"record ended with {done.code}:\n{done.out}{done.said}")


def _replay(case, command, **changes):
    return call("replay", "--no-capture", "--", *command, cwd=case.folder, env=_environment(changes))


def _environment(changes):
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, **changes}


def _fail(expected, run):
    raise Failed(f"expected {expected}; it ended with {run.code}:\n{(run.out + run.said)[-3000:]}")
