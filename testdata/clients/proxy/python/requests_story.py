"""Asks with requests."""

import hashlib
import os

import requests

PLAIN, OTHER, SECURE = (os.environ[name] for name in ("PLAIN", "OTHER", "SECURE"))


def pieces():
    for n in range(3):
        yield f"piece {n}\n".encode()


with open(os.environ["OUT"], "w") as out, requests.Session() as session:
    def say(answer):
        digest = hashlib.sha256(answer.content).hexdigest()[:8]
        print(answer.status_code, len(answer.content), digest, answer.text[:40].strip(), file=out)

    # Two hosts in turn.
    for url in (PLAIN + "/a?x=1", OTHER + "/b", PLAIN + "/a?x=2", OTHER + "/missing"):
        say(session.get(url))
    say(session.post(PLAIN + "/echo", json={"n": 1}))
    say(session.post(PLAIN + "/echo", data=pieces()))
    say(session.get(PLAIN + "/large"))
    say(session.head(PLAIN + "/a"))
    for n in range(3):
        say(session.get(f"{SECURE}/secret?n={n}"))
    say(session.post(SECURE + "/echo", json={"n": 2}))
