"""asyncpg: binary throughout; statement cache, cursors, executemany, binary COPY, LISTEN/NOTIFY, a pool."""

import asyncio
import io
import os
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import asyncpg

URL = os.environ["DATABASE_URL"]
ROW = (
    1, "žluťoučký \"kůň\" 'quoted' \\ back", 9007199254740993, Decimal("12.5000"), 0.1, True,
    b"\x00\xff\x10", datetime(2026, 3, 1, 10, 20, 30, 123456),
    datetime(2026, 3, 1, 10, 20, 30, 500000, timezone(timedelta(hours=2))), date(2026, 2, 28),
    timedelta(days=3, hours=4, seconds=1.5), uuid.UUID("7f3c0000-0000-4000-8000-000000000001"),
    '{"a": "x", "b": [1, 2.5, null]}', ["a", "b c", None], [1, 2, 3], (1.5, -2.0), "mood",
)


async def failing(awaitable):
    try:
        await awaitable
    except asyncpg.PostgresError as error:
        print("error", error.sqlstate, error.message if hasattr(error, "message") else error)


async def main():
    conn = await asyncpg.connect(URL)
    await conn.execute("CREATE TYPE feeling AS ENUM ('mood', 'calm')")
    await conn.execute("""CREATE TABLE items (
      id int PRIMARY KEY, name text, qty bigint, price numeric, ratio float8, ok bool, data bytea,
      made timestamp, seen timestamptz, day date, span interval, uid uuid, doc jsonb,
      tags text[], nums int[], place point, feels feeling)""")
    marks = ", ".join(f"${n + 1}" for n in range(len(ROW)))
    insert = await conn.prepare(f"INSERT INTO items VALUES ({marks})")
    await insert.fetch(*ROW)
    await insert.fetch(2, "", -1, Decimal("NaN"), float("-inf"), False, b"", *[None] * 10)
    await insert.fetch(3, *[None] * 16)

    print("== types")
    for row in await conn.fetch("SELECT * FROM items WHERE id <= $1 ORDER BY id", 3):
        for name, value in row.items():
            print(name, repr(value))

    print("== prepared")
    for n in (1, 2, 3, 2, 1, 9):
        print(await conn.fetchval("SELECT name FROM items WHERE id = $1", n))
    statement = await conn.prepare("SELECT id, price FROM items WHERE id = ANY($1::int[]) ORDER BY id")
    print([a.name for a in statement.get_attributes()], [p.name for p in statement.get_parameters()])
    print(await statement.fetch([1, 3]), await statement.fetch([]))

    print("== transactions")
    async with conn.transaction():
        await conn.execute("UPDATE items SET qty = 10 WHERE id = 1")
    try:
        async with conn.transaction():
            await conn.execute("UPDATE items SET qty = 99 WHERE id = 1")
            raise ValueError
    except ValueError:
        pass
    async with conn.transaction(isolation="serializable"):
        try:
            async with conn.transaction():
                await conn.execute("INSERT INTO items (id) VALUES ($1)", 1)
        except asyncpg.UniqueViolationError as error:
            print("error", error.sqlstate, error.constraint_name, error.detail)
        await conn.execute("UPDATE items SET qty = qty + 1 WHERE id = 1")
    print(await conn.fetchrow("SELECT qty FROM items WHERE id = 1"))

    print("== errors")
    await failing(conn.fetch("SELECT 1/$1::int", 0))
    await failing(conn.fetch("SELECT * FROM missing"))
    await failing(conn.execute("SELECT 1; SELECT broken"))
    print(await conn.fetchval("SELECT 'still here'"))

    print("== cursors")
    async with conn.transaction():
        print([row[0] async for row in conn.cursor("SELECT g FROM generate_series(1, $1::int) g", 25, prefetch=10)])
        cur = await conn.cursor("SELECT g FROM generate_series(1, 25) g")
        print(await cur.fetch(3), await cur.forward(5), await cur.fetchrow())
    print(await (await conn.prepare("SELECT g FROM generate_series(1, 9) g")).fetchrow())

    print("== batches")
    await conn.executemany("INSERT INTO items (id, name) VALUES ($1, $2)", [(n, f"many {n}") for n in range(100, 400)])
    print(await conn.fetchval("SELECT count(*) FROM items"))
    await failing(conn.executemany("INSERT INTO items (id) VALUES ($1)", [(900,), (901,), (900,)]))
    print(await conn.fetchval("SELECT count(*) FROM items WHERE id >= 900"))
    print(await conn.execute("SELECT 1; SELECT 2 AS two; UPDATE items SET qty = 5 WHERE id = 100"))

    print("== copy")
    print(await conn.copy_records_to_table("items", columns=["id", "name", "uid"], records=[
        (500, "tab\tx", uuid.UUID(int=7)), (501, None, None)]))
    out = io.BytesIO()
    print(await conn.copy_from_query("SELECT id, name, uid FROM items WHERE id >= 500 ORDER BY id", output=out))
    print(out.getvalue())
    print(await conn.copy_to_table("items", source=io.BytesIO(b"600,six\n601,\n"), columns=["id", "name"], format="csv"))
    await failing(conn.copy_to_table("items", source=io.BytesIO(b"x\n"), columns=["id"], format="csv"))

    print("== notify")
    heard = asyncio.Queue()
    await conn.add_listener("news", lambda _conn, _pid, channel, payload: heard.put_nowait((channel, payload)))
    other = await asyncpg.connect(URL)
    await other.execute("NOTIFY news, 'first'")
    await other.execute("SELECT pg_notify('news', $1)", "second")
    await other.close()
    for _ in range(2):
        print("notified", await asyncio.wait_for(heard.get(), 10))
    await conn.close()

    print("== pool")
    async with asyncpg.create_pool(URL, min_size=3, max_size=5) as pool:
        async def ask(n):
            return n, tuple(await pool.fetchrow("SELECT $1::int * 2, count(*) FROM items", n))

        for line in await asyncio.gather(*map(ask, range(20))):
            print(line)


asyncio.run(main())
