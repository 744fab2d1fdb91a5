"""aiohttp on both sides, on asyncio's own loop or on uvloop (`uvloop` as argument)."""

import asyncio
import json
import os
import sys

import aiohttp
from aiohttp import web

from service import HTTP, HTTPS


async def get(client, url):
    async with client.get(url) as answer:
        return json.loads(await answer.text())


async def main():
    async with aiohttp.ClientSession() as client:
        async def call(request):
            n = request.match_info["n"]
            return web.json_response(await asyncio.gather(get(client, HTTPS + n), get(client, HTTP + n)))

        app = web.Application()
        app.router.add_get("/call/{n}", call)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
        await asyncio.Event().wait()


if sys.argv[1:] == ["uvloop"]:
    import uvloop

    uvloop.run(main())
else:
    asyncio.run(main())
