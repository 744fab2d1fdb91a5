"""Clients recorded by capture alone, and replayed with their dependency stopped: no option, no variable names it.

Where this is root, retake and the clients run as the user nobody, where that one may run them.
"""

import http.server
import os
import shutil
import subprocess
import tempfile
import threading

import clients
import environment
from environment import CACHE, Missing
from postgres import Postgres
from processes import Failed
from retake import BINARY, clean_ledger, same

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] if os.getuid() == 0 else []
# One line per client of HTTP: a command that prints the body of URL, asked with GET.
HTTP = {
    "curl": ["curl", "-sS", "URL"],
    "wget": ["wget", "-q", "-O", "-", "URL"],
    "git": ["sh", "-c", "git ls-remote URL 2>&1 | head -n 1"],
    "python-urllib": ["/usr/bin/python3", "-c",
                      "import urllib.request as u; print(u.urlopen('URL').read().decode())"],
    "node-fetch": ["node", "-e", "fetch('URL').then(r => r.text()).then(console.log)"],
    "node-http": ["node", "-e", "require('http').get('URL', r => r.pipe(process.stdout))"],
    "java-HttpClient": ["java", "JAVA"],
    "go-net/http": ["GO", "URL"],
}
GO = """package main
import ("fmt"; "io"; "net/http"; "os")
func main() {
	response, err := http.Get(os.Args[1])
	if err != nil { fmt.Println(err); os.Exit(1) }
	body, _ := io.ReadAll(response.Body)
	fmt.Println(string(body))
}
"""
JAVA = """import java.net.URI;
import java.net.http.*;
class Get {
    public static void main(String[] words) throws Exception {
        var request = HttpRequest.newBuilder(URI.create("URL")).version(HttpClient.Version.HTTP_1_1).build();
        System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
    }
}
"""


def run(results, only=None):
    """Every client; writes `captured.md`."""
    table = {}
    with tempfile.TemporaryDirectory(prefix="retake-captured-") as place:
        os.chmod(place, 0o755)
        # One copy, in a place that everybody can read.
        subprocess.run(["install", "-m", "755", str(BINARY), os.path.join(place, "retake")], check=True)
        _scratch.place = place
        _http(results, table, only)
        _postgres(results, table, only)
        broken = [name for name, row in table.items() if "FAILED" in row.values()]
        if broken:
            kept = tempfile.mkdtemp(prefix="retake-kept-")
            shutil.copytree(place, kept, dirs_exist_ok=True, symlinks=True)
            os.remove(os.path.join(kept, "retake"))
            print(f"           kept: {kept}")
    lines = ["| client | captured | replayed, dependency stopped |", "| --- | --- | --- |"]
    lines += [f"| {name} | {row.get('record', '-')} | {row.get('replay', '-')} |" for name, row in table.items()]
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "captured.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


class Answers(http.server.BaseHTTPRequestHandler):
    """Says what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f'{{"asked": "{self.path.split("?")[0]}", "by": "the real one"}}'.encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def _http(results, table, only):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    recorded = {}
    for name, words in HTTP.items():
        if only and not name.startswith(only):
            continue
        scratch = _scratch(name)
        try:
            command = _made(scratch, words, f"http://127.0.0.1:{port}/{name}")
        except Missing as why:
            results.skip(f"captured {name}", why)
            continue
        expected = subprocess.run([*NOBODY, *command], cwd=scratch, env=_environment(scratch), stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=60).stdout.decode()
        recorded[name] = (scratch, command, _environment(scratch), expected)
        _step(results, table, name, "record", lambda r=recorded[name]: _record(*r))
    server.shutdown()
    server.server_close()
    for name, parts in recorded.items():
        _step(results, table, name, "replay", lambda r=parts: _replay(*r))


def _made(scratch, words, url):
    """The command, with what has to be built for it."""
    words = [word.replace("URL", url) for word in words]
    if words[0] == "GO":
        environment.need("go")
        with open(os.path.join(scratch, "get.go"), "w") as file:
            file.write(GO)
        done = subprocess.run(["go", "build", "-o", "get", "get.go"], cwd=scratch, capture_output=True,
                              env={**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off"})
        if done.returncode != 0:
            raise Failed(done.stderr.decode())
        return [os.path.join(scratch, "get"), *words[1:]]
    if words[-1] == "JAVA":
        environment.need("java")
        with open(os.path.join(scratch, "Get.java"), "w") as file:
            file.write(JAVA.replace("URL", url))
        return ["java", os.path.join(scratch, "Get.java")]
    environment.need(words[0])
    return words


def _postgres(results, table, only):
    environment.psql()
    with Postgres(15) as server:
        recorded = {}
        for name, install in clients.CLIENTS_BY_NAME.items():
            if only and not name.startswith(only):
                continue
            try:
                command = install()
            except (Missing, Failed) as why:
                results.skip(f"captured {name}", why)
                continue
            scratch = _scratch(name)
            env = {**clients._environment(server, name, server.port), **_environment(scratch)}
            expected = clients._run_directly(server, name, command)
            server.create(name)
            recorded[name] = (scratch, command, env, expected)
            _step(results, table, name, "record", lambda r=recorded[name]: _record(*r))
        server.stop()
        for name, parts in recorded.items():
            if table[name].get("record") == "ok":
                _step(results, table, name, "replay", lambda r=parts: _replay(*r))


def _step(results, table, name, mode, test):
    row = table.setdefault(name, {})
    row[mode] = "ok" if results.check(f"captured {name}, {mode}", test) else "FAILED"


def _scratch(name):
    folder = os.path.join(_scratch.place, name.replace("/", "-"))
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    return folder


def _environment(scratch):
    """The environment of an ordinary user, with a home of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "XDG_"))}
    kept["PATH"] = ":".join(part for part in kept["PATH"].split(":") if not part.startswith("/root"))
    return {**kept, "HOME": scratch, "TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "GIT_TERMINAL_PROMPT": "0"}


def _who(command):
    """How to become nobody, unless only root may run the command (an interpreter below /root)."""
    may = subprocess.run([*NOBODY, "sh", "-c", 'command -v "$0" >/dev/null && test -x "$(command -v "$0")"', command[0]])
    return NOBODY if may.returncode == 0 else []


def _call(scratch, command, env, file, *arguments):
    words = [*_who(command), os.path.join(_scratch.place, "retake"), *arguments, "--", "sh", "-c", f'exec "$@" >{file}', "sh", *command]
    done = subprocess.run(words, cwd=scratch, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    said = (done.stdout + done.stderr).decode(errors="replace")
    with open(os.path.join(scratch, file), errors="replace") as text:
        return done.returncode, text.read(), said


def _record(scratch, command, env, expected):
    code, text, said = _call(scratch, command, env, "recorded.txt", "record", "--set", "story")
    same(expected, text, f"the client's transcript while captured (record ended with {code}: {said[-1500:]})")
    if code != 0:
        raise Failed(f"record ended with {code}\n{said[-2000:]}")
    clean_ledger(scratch, "story")


def _replay(scratch, command, env, expected):
    code, text, said = _call(scratch, command, env, "replayed.txt", "replay", "story")
    same(expected, text, f"the client's transcript (replay ended with {code}: {said[-1500:]})")
    if code != 0:
        raise Failed(f"replay ended with {code}\n{said[-2000:]}")
