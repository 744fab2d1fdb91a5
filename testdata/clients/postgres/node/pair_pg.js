// What `pair_postgres.js` does, with node-postgres: parameters as text, of types that nobody tells.
const { Client } = require("pg");

async function main() {
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  const run = async (text, values) => (await client.query(text, values)).rows.map((row) => ({ ...row }));
  await run("CREATE TABLE pair (id int, name text, price numeric(10,2), ok bool)");
  await run("BEGIN");
  await run("INSERT INTO pair VALUES ($1, $2, $3, $4)", [1, "one", "1.50", true]);
  await run("INSERT INTO pair VALUES ($1, $2, $3, $4)", [2, null, "20", false]);
  await run("COMMIT");
  console.log(await run("SELECT id, name, price, ok FROM pair WHERE id > $1 ORDER BY id", [0]));
  console.log(await run("SELECT max(price) FROM pair"));
  console.log(await run("SELECT name FROM pair WHERE ok = $1 LIMIT $2", [true, 1]));
  await client.query("SELECT id FROM pair WHERE id = 1/$1", [0]).catch((error) => console.log("error", error.code));
  await client.end();
}

main();
