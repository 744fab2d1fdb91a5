\set ON_ERROR_STOP off
create temp table item (id int primary key, name varchar(20), price numeric(10,2), data bytea, tags text[]);
insert into item values (1, 'pen', 1.50, '\x00ff', '{a,b}'), (2, null, null, null, null);
select * from item order by id;
select 1 as one \; select 2 as two;
select 1 \; select 1/0 \; select 3;
select nothing from nowhere;

;
begin;
update item set name = 'pencil' where id = 1;
savepoint s;
select 1/0;
rollback to s;
commit;
do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$;
set application_name = 'psql-test';
set timezone = 'Europe/Berlin';
show timezone;
listen jobs;
notify jobs, 'one';
select pg_notify('jobs', 'two');
\copy item to stdout with csv
\copy item (id, name) from stdin
3	ink
4	cap
\.
copy item (id) from stdin;
x
\.
copy (select id from item order by id) to stdout;
copy item (id) from stdin \; select count(*) from item \; copy item (id) from stdin;
5
\.
6
\.
select name from item where id = 2 \gdesc
select '';
/* traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' */ select count(*) from item;
create temp table late (id int primary key deferrable initially deferred);
insert into late values (1), (1);
