"""Relaying PostgreSQL: pgbench's read-only script, direct, through pgbouncer, through a relay that only forwards, and
through `retake record`."""

import os
import re
import statistics

import environment
import relay
import tools
from contestants import Direct, Proxy, retake
from postgres import PASSWORD, Postgres
from processes import Failed, run

SCALE = 10


def arguments(parts):
    part = parts.add_parser("postgres", help="relaying PostgreSQL, beside pgbouncer")
    part.add_argument("--rounds", type=int, default=3)
    part.add_argument("--seconds", type=int, default=8)
    part.add_argument("--modes", nargs="*", default=["simple", "prepared"])
    part.add_argument("--clients", nargs="*", type=int, default=[1, 16])
    part.set_defaults(run=measure)


def measure(options):
    tools.build(options)
    environment.postgres(15)
    environment.debian("/usr/sbin/pgbouncer", "pgbouncer")
    tools.compiled("bare")
    print(f"machine: {tools.machine()}")
    with Postgres(15) as server:
        server.create("bench")
        pgbench(server, server.port, "-i", "-q", "-s", SCALE)
        for mode in options.modes:
            for clients in options.clients:
                one(server, mode, clients, options)


def one(server, mode, clients, options):
    makers = [
        ("direct", lambda: Direct("direct", server.port)),
        ("pgbouncer", lambda: pgbouncer(server)),
        ("bare relay", lambda: relay.bare(server.port)),
        ("retake", lambda: retake("retake", server.port, dependency="db=postgres")),
    ]
    results = {name: [] for name, _ in makers}
    for number in range(options.rounds):
        at = number % len(makers)
        for name, make in makers[at:] + makers[:at]:
            with make() as running:
                rate = transactions(server, running.port, mode, clients, options.seconds)
                memory = running.memory()
                running.settle()
                results[name].append((rate, memory, running.finish()))
            print(f"round {number + 1} of {options.rounds}: {mode}, {clients} clients: {name}: {results[name][-1]}", flush=True)
    reference = statistics.median(rate for rate, *_ in results["pgbouncer"])
    lines = []
    for name, measured in results.items():
        rates = [rate for rate, *_ in measured]
        memory = [memory for _, memory, _ in measured if memory is not None]
        lines.append((name, tools.spread(rates), f"{statistics.median(rates) / reference:.2f}",
                      f"{max(memory):.0f}" if memory else "", measured[-1][2]))
    tools.table([f"{mode}, {clients} clients", "transactions/s: median (lowest to highest)", "of pgbouncer",
                 "peak memory, MiB", ""], lines)


def transactions(server, port, mode, clients, seconds):
    text = pgbench(server, port, "-S", "-n", "-M", mode, "-c", clients, "-j", 1, "-T", seconds)
    rate = re.search(r"tps = ([\d.]+)", text)
    if not rate:
        raise Failed(f"pgbench said:\n{text}")
    return float(rate[1])


def pgbench(server, port, *arguments):
    settings = {**server.environment("bench", port=port), "PGSSLMODE": "disable"}
    return run(["pgbench", *map(str, arguments)], env={**os.environ, **settings}, timeout=300).stdout


def pgbouncer(server):
    def command(self):
        users = self.write("users.txt", f'"app" "{PASSWORD}"\n')
        config = self.write("pgbouncer.ini", f"""
[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = session
default_pool_size = 40
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
""")
        as_other = ["runuser", "-u", server.user, "--"] if os.getuid() == 0 else []
        return [*as_other, "pgbouncer", config]
    return Proxy("pgbouncer", server.port, command)
