"""The gRPC dependency: `grpc_server.py PORT CERTIFICATE KEY`."""

import sys
from concurrent import futures

import grpc

port, certificate, key = sys.argv[1:]


def get(request, _):
    return f"item {request}"


handler = grpc.method_handlers_generic_handler("test.Items", {"Get": grpc.unary_unary_rpc_method_handler(
    get, request_deserializer=bytes.decode, response_serializer=str.encode)})
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((handler,))
with open(key, "rb") as k, open(certificate, "rb") as c:
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(k.read(), c.read())]))
server.start()
server.wait_for_termination()
