"""An ASGI application for uvicorn, with httpx as its client."""

import json
import os

import httpx

PATH = "/changed/" if os.environ.get("CHANGE") else "/item/"
BASES = [os.environ["HTTPS_URL"] + PATH, os.environ["HTTP_URL"] + PATH]
client = httpx.AsyncClient()


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    n = scope["path"].rsplit("/", 1)[-1]
    body = json.dumps([(await client.get(base + n)).json() for base in BASES]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
