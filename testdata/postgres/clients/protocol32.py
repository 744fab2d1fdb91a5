"""Protocol 3.2 with a cancel request, whose key is longer than before; a session that the server ends."""
import os, threading, time
import psycopg

options = f"host=127.0.0.1 port={os.environ['PORT']} user=postgres dbname=postgres sslmode=disable gssencmode=disable max_protocol_version=3.2"
conn = psycopg.connect(options, autocommit=True)
threading.Timer(0.3, conn.cancel_safe).start()
try:
    conn.execute("select pg_sleep(5)")
except psycopg.Error as error:
    print(error.sqlstate)
try:
    conn.execute("select pg_terminate_backend(pg_backend_pid())")
except psycopg.Error as error:
    print(error.sqlstate)
