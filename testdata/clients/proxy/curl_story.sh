#!/bin/sh
# Asks with curl: two hosts in turn over one connection to the proxy, tunnels with -p, HTTPS.
say='%{http_code} %{size_download} %{num_connects}\n'
{
    curl -sS -w "$say" "$PLAIN/a?x=1" "$OTHER/b" "$PLAIN/a?x=2" "$OTHER/missing"
    curl -sS -w "$say" --json '{"n":1}' "$PLAIN/echo"
    curl -sS -w "$say" -H 'Transfer-Encoding: chunked' -d 'piece 0' "$PLAIN/echo"
    curl -sS -w "$say" "$PLAIN/large" | sha256sum
    curl -sS -p -w "$say" "$PLAIN/a?x=3"
    curl -sS --proxy "$HTTP_PROXY" -I "$PLAIN/a" | grep -i -e '^HTTP' -e '^content'
    curl -sS -w "$say" "$SECURE/secret?n=0" "$SECURE/secret?n=1"
    curl -sS -w "$say" --json '{"n":2}' "$SECURE/echo"
} >"$OUT"
