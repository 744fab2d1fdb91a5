"""What `pair_psycopg.py` does, with asyncpg: parameters and rows in the binary format, statements described first.

Arrays and types that are not built in are left out: for those asyncpg reads the catalogue, as psycopg does not.
"""

import asyncio
import os
from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg

ROWS = [
    (1, "one", Decimal("1.50"), date(2026, 3, 1), UUID(int=1), True),
    (2, None, Decimal("20"), None, UUID(int=2), False),
]


def plain(record):
    # asyncpg's UUID is a class of its own, which prints otherwise.
    return tuple(UUID(int=value.int) if isinstance(value, UUID) else value for value in record)


async def one(conn, *query):
    # fetchrow stops at the first row: how many more there were nobody would know on replay.
    return (await conn.fetch(*query))[0]


async def main():
    conn = await asyncpg.connect(os.environ["DATABASE_URL"])
    await conn.execute("CREATE TABLE pair (id int, name text, price numeric(10,2), day date, uid uuid, ok bool)")
    async with conn.transaction():
        for row in ROWS:
            await conn.execute("INSERT INTO pair VALUES ($1, $2, $3, $4, $5, $6)", *row)
    found = await conn.fetch("SELECT id, name, price, day, uid, ok FROM pair WHERE id > $1 ORDER BY id", 0)
    print(*map(plain, found), sep="\n")
    print(plain(await one(conn, "SELECT count(*), max(price) FROM pair")))
    print(plain(await one(conn, "SELECT name FROM pair WHERE uid = $1", UUID(int=1))))
    try:
        await conn.fetch("SELECT 1/$1", 0)
    except asyncpg.PostgresError as error:
        print("error", error.sqlstate)
    print(plain(await one(conn, "SELECT max(id), min(day) FROM pair")))
    await conn.close()


asyncio.run(main())
