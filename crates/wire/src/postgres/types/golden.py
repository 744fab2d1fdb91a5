#!/usr/bin/env python3
"""Writes golden.tsv: literals as a real server gives them in both formats.

Usage: golden.py 'host=127.0.0.1 port=5432 user=postgres' > golden.tsv   (needs psycopg 3)
Columns: type, binary in hex, text.
"""
import random, struct, sys, psycopg

random.seed(7)
CASES = {
    "bool": "t f",
    "int2": "0 1 -1 32767 -32768",
    "int4": "0 -1 2147483647 -2147483648",
    "int8": "0 9223372036854775807 -9223372036854775808",
    "oid": "0 4294967295", "xid": "4294967295", "cid": "3", "xid8": "18446744073709551615",
    "tid": "(0,1) (4294967295,65535)",
    "float4": "0 -0 1 1.5 0.1 100000 999999 1000000 1e6 123456.7 1234567 0.0001 0.00001 3.4028235e38 1e-45 1.17549435e-38 NaN Infinity -Infinity 16777216",
    "float8": "0 -0 1 -1.5 0.1 0.30000000000000004 1e14 123456789012345 999999999999999 1e15 1e16 1e22 1e23 5e-324 2.2250738585072014e-308 1.7976931348623157e308 0.0001 0.00001 0.000123 NaN Infinity -Infinity 9007199254740993 5.9604644775390625e-08 123.456",
    "numeric": "0 0.0 0.00 -0 1 -1 10 100 9999 10000 10001 100000000 123456789.987654321 0.1 0.01 0.0001 0.00001 0.00010 -0.00000000123000 1.50 1e10 1e100 1e-20 NaN Infinity -Infinity 12345678901234567890123456789012345678901234567890.5 9999.9999 0.9999 1.0000 1000000.0000001",
    "text": ["", "a", "Grüße ✓", " sp ", "NULL", 'q"\\'],
    "varchar": ["", "abc"], "bpchar": ["a  ", ""], "name": ["abc"], '"char"': ["", "a", "\\377"],
    "json": ['{"a": [1, 2]}', "null"], "jsonb": ['{"b":1,"a":[1.50,null]}', '"x"'],
    "jsonpath": ["$.a[*]"], "xml": ["<a>x</a>"],
    "bytea": ["", "\\x00ff10", "abc"],
    "uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 00000000-0000-0000-0000-000000000000",
    "date": ["2000-01-01", "1999-12-31", "2026-11-21", "1970-01-01", "0001-01-01", "0001-12-31 BC", "0044-03-15 BC", "4714-11-24 BC", "5874897-12-31", "2024-02-29", "1900-03-01", "infinity", "-infinity", "0005-02-28 BC"],
    "time": "00:00:00 24:00:00 23:59:59.999999 12:30:00.5 01:02:03.000001 00:00:00.1",
    "timetz": "00:00:00+00 12:00:00+02 12:00:00-03:30 23:59:59.999999+14 01:02:03.5-15:59:59 12:00:00+00:00:01",
    "timestamp": ["2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2026-11-21 01:02:03.04", "0044-03-15 12:00:00 BC", "294276-12-31 23:59:59.999999", "4714-11-24 00:00:00 BC", "infinity", "-infinity", "10000-01-01 00:00:00"],
    "timestamptz": ["2000-01-01 00:00:00+00", "2026-11-21 01:02:03.04+02", "0044-03-15 12:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "4714-11-24 00:00:00+00 BC", "infinity", "-infinity"],
    "interval": ["0", "1 day", "-1 day", "1 mon", "-1 mons", "1 year", "2 years 3 mons 4 days 05:06:07.08", "-1 year +2 days -00:00:00.5", "1 mon -1 day +00:00:01", "-13 mons", "-1 days +02:03:00", "1 day -00:00:01", "2562047788:00:54.775807", "178956970 years 7 mons", "-00:00:00.000001", "1 year -1 mon", "-2 years -2 mons +3 days"],
    "inet": "127.0.0.1 10.0.0.1/8 0.0.0.0/0 ::1 :: ::/0 fe80::1/64 2001:db8::1 ::ffff:1.2.3.4 ::1.2.3.4 ::0.1.0.0 1:0:0:2:0:0:0:3 1:0:2:3:4:5:6:7 0:0:1:: ::ffff:0:1 ::1:2:3 ::ffff:0.0.1.2",
    "cidr": "10.0.0.0/8 192.168.1.1/32 0.0.0.0/0 2001:db8::/32 ::1/128 ::/0",
    "macaddr": "08:00:2b:01:02:03", "macaddr8": "08:00:2b:01:02:03:04:05",
    "bit(1)": "1 0", "bit(11)": "10101010101", "varbit": ["", "1", "00000000", "111100001"],
    "pg_lsn": "0/0 16/B374D848 FFFFFFFF/FFFFFFFF",
    "regtype": ["integer", "text[]", "timestamp with time zone", "numeric", '"char"', "-", "character varying"],
    "point": "(1,2) (0.1,-1e+20) (NaN,Infinity)", "lseg": "[(1,2),(3,4.5)]", "box": "(3,4),(1,2)",
    "line": "{1,-1,0}", "circle": "<(1,2),3.5>", "path": "[(1,2),(3,4)] ((1,2),(3,4),(5,6)) ((1,2))",
    "polygon": "((1,2),(3,4),(5,6))", "point[]": ['{"(1,2)",NULL}'], "box[]": ["{(3,4),(1,2);(1,1),(0,0)}"],
    "regproc": "-", "regclass": "-",
    "int2vector": ["1 2 3", "-1"], "oidvector": ["", "23 25"],
    "int4range": "empty [1,10) (,5) [5,) (,)", "int8range": "[1,9000000000)",
    "numrange": "[1.50,2.5] (1,2) (,1]", "daterange": "[2026-01-01,2026-02-01) (,)",
    "tsrange": ['["2026-01-01 00:00:00","2026-01-02 12:00:00.5"]', "[,infinity)"],
    "tstzrange": ['["2026-01-01 00:00:00+00",)'],
    "int4multirange": ["{}", "{[1,2),[5,8)}", "{(,)}"], "nummultirange": ["{[1.0,2.0]}"],
    "tsmultirange": ['{["2026-01-01 00:00:00","2026-01-02 12:00:00")}'],
    "bool[]": "{t,f,NULL}", "int2[]": "{1,2}",
    "int4[]": "{} {1} {1,NULL,3} {{1,2},{3,4}} [0:2]={1,2,3} [-1:0][2:3]={{1,2},{3,NULL}} {{{{{{1}}}}}}".split(),
    "int8[]": "{9223372036854775807}", "float8[]": "{1.5,NaN,-Infinity,1e+20}", "float4[]": "{0.1}",
    "text[]": ["{}", '{a,"b c",NULL,"NULL","",null,"q\\"\\\\","{x}","a,b","tab\there","ü","semi;colon"}', '{"null","NuLl"}', '{"\u00a0"}'],
    "varchar[]": ["{a,b}"], "bpchar[]": ['{"a "}'], "name[]": ["{a}"], '"char"[]': ["{a,b}"], "oid[]": ["{1,2}"],
    "numeric[]": ["{1.50,NULL,-0.001}"], "uuid[]": ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"],
    "json[]": ['{"{\\"a\\": 1}"}'], "jsonb[]": ['{"{\\"a\\": [1, \\"x y\\"]}",NULL}'],
    "bytea[]": ['{"\\\\x0001",NULL}'], "date[]": ["{2026-01-01,infinity}"], "time[]": ["{00:00:00}"],
    "timestamp[]": ['{"2026-01-01 00:00:00"}'], "timestamptz[]": ['{"2026-01-01 00:00:00+00",NULL}'],
    "interval[]": ['{"1 day","01:00:00"}'], "inet[]": ["{127.0.0.1,::1}"], "cidr[]": ["{10.0.0.0/8}"],
    "int4range[]": ['{"[1,2)",empty}'], "bit[]": ["{1,0}"], "varbit[]": ["{101}"], "regtype[]": ["{integer}"],
    "daterange[]": ['{"[2026-01-01,2026-02-01)"}'], "xml[]": ["{<a/>}"], "macaddr[]": ["{08:00:2b:01:02:03}"],
}

def random_floats():
    for _ in range(300):
        yield "float8", repr(struct.unpack(">d", random.randbytes(8))[0])
        yield "float8", repr(round(random.uniform(-1e6, 1e6), random.randrange(8)))
        yield "float4", repr(struct.unpack(">f", random.randbytes(4))[0])
    for e in range(-60, 64, 3):
        yield "float8", repr(2.0 ** e)
        yield "float4", repr(2.0 ** e)

def random_numerics():
    for _ in range(200):
        digits = "".join(random.choice("0001234567899") for _ in range(random.randrange(1, 40)))
        at = random.randrange(len(digits) + 1)
        yield "numeric", random.choice(["", "-"]) + (digits[:at] or "0") + ("." + digits[at:] if digits[at:] else "")

def random_moments():
    for _ in range(100):
        days = random.randrange(-2451507, 200000000) if random.random() < .3 else random.randrange(-800000, 200000)
        yield "date", f"@{days}"
        micros = random.randrange(-210866803200000000, 9223371331200000000) // random.choice([1, 10, 1000, 10**6])
        yield "timestamp", f"@{micros}"

conn = psycopg.connect(sys.argv[1], autocommit=True)
conn.execute("set timezone = 'UTC'")

def emit(kind, literal):
    if literal.startswith("@"):
        n = literal[1:]
        literal = f"'2000-01-01'::date + {n}" if kind == "date" else f"'2000-01-01'::timestamp + make_interval(days => ({n}::int8/86400000000)::int) + ({n}::int8%86400000000) * '1us'::interval"
    elif literal.startswith("@") is False:
        literal = "'" + literal.replace("'", "''") + "'"
    rows = []
    for binary in (True, False):
        cur = conn.cursor(binary=binary)
        cur.execute(f"select ({literal})::{kind}")
        rows.append(cur.pgresult.get_value(0, 0))
        oid = cur.pgresult.ftype(0)
    name = conn.execute("select case when typelem<>0 and typcategory='A' and typname like '\\_%%' then substr(typname,2)||'[]' else typname end from pg_type where oid=%s", [oid]).fetchone()[0]
    text = rows[1].decode()
    assert "\n" not in text
    print(f"{name}\t{rows[0].hex()}\t{text}")

for kind, literals in CASES.items():
    for literal in literals.split() if isinstance(literals, str) else literals:
        emit(kind, literal)
for source in (random_floats(), random_numerics(), random_moments()):
    for kind, literal in source:
        emit(kind, literal)
