"use strict";
const { Pool } = require("pg");
const { changed, serve } = require("./service.js");

const factor = changed ? 3 : 2;
const pools = ["DATABASE_TLS_URL", "DATABASE_URL"].map((name) => new Pool({ connectionString: process.env[name], max: 2 }));

serve(async (n) => {
  const said = [];
  for (const pool of pools) {
    said.push((await pool.query("SELECT id, name FROM items WHERE id = $1", [factor * Number(n)])).rows);
  }
  return said;
});
