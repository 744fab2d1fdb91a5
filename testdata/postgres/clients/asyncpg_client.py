"""asyncpg: statements described once, binary values, cursors that fetch a few rows, executemany, COPY."""
import asyncio, datetime, os, uuid
import asyncpg


async def main():
    conn = await asyncpg.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="postgres", database="postgres", ssl=False)
    await conn.execute("create temp table t (id int, name text, at timestamptz, u uuid, tags text[], doc jsonb)")
    await conn.execute("insert into t values ($1, $2, $3, $4, $5, $6)", 1, "one",
                       datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc), uuid.UUID(int=7), ["a", None], '{"a": 1}')
    print(await conn.fetch("select * from t where id = $1", 1))
    print(await conn.fetchval("select name from t where id = $1", 1))
    await conn.executemany("insert into t (id, name) values ($1, $2)", [(n, str(n)) for n in range(2, 5)])
    async with conn.transaction():
        async for row in conn.cursor("select generate_series(1, $1::int) as n", 7, prefetch=3):
            print(row["n"], end=" ")
        cursor = await conn.cursor("select generate_series(1, 10) as n")
        print(await cursor.fetch(2))
    statement = await conn.prepare("select $1::mood as m") if False else await conn.prepare("select $1::int + 1 as m")
    print(await statement.fetchval(1), await statement.fetchval(2))
    try:
        await conn.fetch("select 1 / $1::int", 0)
    except asyncpg.PostgresError as error:
        print(error.sqlstate)
    try:
        await conn.fetch("select nothing")
    except asyncpg.PostgresError as error:
        print(error.sqlstate)
    await conn.copy_records_to_table("t", records=[(9, "nine")], columns=["id", "name"])
    await conn.reset()
    await conn.close()

asyncio.run(main())
