"""gRPC through TLS: HTTP/2, which is relayed but not read."""

import os

import grpc

from service import PATH, serve

channel = grpc.secure_channel(os.environ["GRPC_TARGET"], grpc.ssl_channel_credentials())
call = channel.unary_unary("/test.Items/Get", request_serializer=str.encode, response_deserializer=bytes.decode)
serve(lambda n: call(PATH + n, timeout=10))
