"""Asks two names that lead to one address, over TLS and without, for the same path."""

import json
import os
import urllib.request

from service import PATH, serve

BASES = os.environ["NAMED_URLS"].split()


def ask(n):
    bases = reversed(BASES) if os.environ.get("REVERSE") else BASES
    return {base: json.load(urllib.request.urlopen(base + PATH + n)) for base in bases}


serve(ask)
