\set ON_ERROR_STOP off
\pset pager off
CREATE TABLE items (
  id int PRIMARY KEY, name text, qty bigint, price numeric(12,4), ratio float8, small float4, ok bool,
  data bytea, made timestamp, seen timestamptz, day date, span interval, uid uuid, doc jsonb,
  tags text[], nums int[]
);
INSERT INTO items VALUES
  (1, 'plain', 9007199254740993, 12.5000, 0.1, 1.5, true, '\x00ff10', '2026-03-01 10:20:30.123456',
   '2026-03-01 10:20:30.5+02', '2026-02-28', '1 year 2 mons 3 days 04:05:06.7',
   '7f3c0000-0000-4000-8000-000000000001', '{"b": [1, 2.50, null], "a": "x"}', '{a,"b c",NULL}', '{1,2,3}'),
  (2, 'žluťoučký "kůň" ''quoted'' \ back', -1, 'NaN', 'Infinity', '-0', false, '', 'infinity', '-infinity',
   '0044-03-15 BC', '-1 day', '00000000-0000-0000-0000-000000000000', '[]', '{}', '{}'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
\x on
SELECT * FROM items ORDER BY id;
\x off
PREPARE by_id(int) AS SELECT id, name FROM items WHERE id = $1;
EXECUTE by_id(1);
EXECUTE by_id(2);
EXECUTE by_id(1);
DEALLOCATE by_id;
BEGIN;
UPDATE items SET qty = 10 WHERE id = 1;
SAVEPOINT one;
UPDATE items SET qty = 20 WHERE id = 1;
SELECT qty FROM items WHERE id = 1;
ROLLBACK TO SAVEPOINT one;
SELECT qty FROM items WHERE id = 1;
COMMIT;
SELECT qty FROM items WHERE id = 1;
BEGIN;
INSERT INTO items (id) VALUES (1);
SELECT 1;
ROLLBACK;
SELECT 1/0;
SELECT no_such_column FROM items;
SELECT 1 AS "one" \; SELECT 'two' AS "two" \; SELECT 3 AS "three";
DO $$ BEGIN RAISE NOTICE 'a notice of % words', 4; RAISE WARNING 'a warning'; END $$;
\set FETCH_COUNT 10
SELECT g AS n FROM generate_series(1, 25) g;
\unset FETCH_COUNT
COPY items (id, name) FROM STDIN;
10	ten
11	with\ttab
12	\N
\.
COPY (SELECT id, name, price FROM items ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER);
COPY items (id, name) FROM STDIN WITH (FORMAT csv);
20,"quo""ted"
x,not a number
\.
BEGIN;
DECLARE c CURSOR FOR SELECT g FROM generate_series(1, 7) g;
FETCH 3 FROM c;
FETCH 3 FROM c;
FETCH 3 FROM c;
CLOSE c;
COMMIT;
SELECT id,
       name
  FROM items
 WHERE id > 9
 ORDER BY id;
SELECT count(*) AS total FROM items \gset
\echo total is :total
\d items
;
SELECT;
CREATE TEMP TABLE wide AS SELECT g, repeat('é', 1000) AS filler FROM generate_series(1, 300) g;
SELECT count(*), sum(length(filler)), md5(string_agg(filler, ',' ORDER BY g)) FROM wide;
SELECT g, filler FROM wide WHERE g > 297 ORDER BY g;
SHOW server_encoding;
SET application_name = 'story';
SHOW application_name;
COPY missing FROM STDIN;
BEGIN \; COPY wide FROM STDIN \; SELECT count(*) FROM wide \; COMMIT;
400	four
\.
SELECT count(*) FROM wide WHERE g >= 400;
