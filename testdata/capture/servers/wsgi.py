"""A WSGI application for gunicorn, with requests as its client."""

import json
import os

import requests

PATH = "/changed/" if os.environ.get("CHANGE") else "/item/"
BASES = [os.environ["HTTPS_URL"] + PATH, os.environ["HTTP_URL"] + PATH]
session = requests.Session()


def app(environ, start_response):
    n = environ["PATH_INFO"].rsplit("/", 1)[-1]
    body = json.dumps([session.get(base + n).json() for base in BASES]).encode()
    start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(body)))])
    return [body]
