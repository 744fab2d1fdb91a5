"""Passwords by SCRAM, a right one and a wrong one; a request for encryption that is declined."""
import os
import psycopg

options = f"host=127.0.0.1 port={os.environ['PORT']} user=scram dbname=postgres sslmode=prefer gssencmode=disable "
psycopg.connect(options + "password=only-for-the-test").close()
try:
    psycopg.connect(options + "password=wrong")
except psycopg.Error as error:
    print(error)
