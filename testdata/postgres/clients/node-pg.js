// node-postgres: unnamed and named statements, a cursor that is closed early, errors.
const { Client } = require('pg');
const Cursor = require('pg-cursor');
(async () => {
  const client = new Client({ host: '127.0.0.1', port: +process.env.PORT, user: 'postgres', database: 'postgres' });
  await client.connect();
  await client.query('create temp table t (id int, name text)');
  await client.query('insert into t values ($1, $2)', [1, 'one']);
  for (let n = 0; n < 2; n++)
    console.log((await client.query({ name: 'find', text: 'select name from t where id = $1', values: [n] })).rows);
  await client.query('select 1 / $1::int', [0]).catch(e => console.log(e.code));
  const cursor = client.query(new Cursor('select generate_series(1, 10) as n'));
  console.log(await cursor.read(3));
  console.log(await cursor.read(3));
  await cursor.close();
  const all = client.query(new Cursor('select generate_series(1, $1::int) as n', [5]));
  console.log(await all.read(2), await all.read(10));
  await all.close();
  console.log((await client.query('select 1 as a; select 2 as b')).map(r => r.rows));
  await client.end();
})();
