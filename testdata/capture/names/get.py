"""Asks for a URL by dnspython's resolver: `get.py HOST PORT PATH`."""

import http.client
import sys

import dns.resolver

host, port, path = sys.argv[1:]
address = dns.resolver.resolve(host, "A")[0].address
connection = http.client.HTTPConnection(address, int(port), timeout=20)
connection.request("GET", path, headers={"host": host})
print(connection.getresponse().read().decode())
