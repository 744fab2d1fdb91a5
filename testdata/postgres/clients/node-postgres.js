// postgres.js: pipelined queries, described statements, transactions.
const postgres = require('postgres');
(async () => {
  const sql = postgres({ host: '127.0.0.1', port: +process.env.PORT, user: 'postgres', database: 'postgres', max: 1, onnotice() {} });
  await sql`create temp table t (id int, name text)`;
  console.log(await Promise.all([sql`select ${1}::int as a`, sql`select ${2}::int as a`, sql`select 1 / ${0}::int`.catch(e => e.code), sql`select ${3}::int as a`]));
  await sql.begin(async sql => { await sql`insert into t values (${1}, ${'x'})`; await sql`select name from t where id = ${1}`; });
  await sql`select generate_series(1, 5) as n`.cursor(2, rows => console.log(rows.length));
  await sql.end();
})();
