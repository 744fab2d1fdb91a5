// What `pair_pg.js` does, with postgres.js: statements described first, parameters of the types that it was told.
const postgres = require("postgres");

async function main() {
  const sql = postgres(process.env.DATABASE_URL, { max: 1, fetch_types: false });
  const run = async (text, values = []) => (await sql.unsafe(text, values)).map((row) => ({ ...row }));
  await run("CREATE TABLE pair (id int, name text, price numeric(10,2), ok bool)");
  await sql.begin(async (sql) => {
    await sql.unsafe("INSERT INTO pair VALUES ($1, $2, $3, $4)", [1, "one", "1.50", true]);
    await sql.unsafe("INSERT INTO pair VALUES ($1, $2, $3, $4)", [2, null, "20", false]);
  });
  console.log(await run("SELECT id, name, price, ok FROM pair WHERE id > $1 ORDER BY id", [0]));
  console.log(await run("SELECT max(price) FROM pair"));
  console.log(await run("SELECT name FROM pair WHERE ok = $1 LIMIT $2", [true, 1]));
  await sql.unsafe("SELECT id FROM pair WHERE id = 1/$1", [0]).catch((error) => console.log("error", error.code));
  await sql.end();
}

main();
