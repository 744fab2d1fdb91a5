import requests

from service import HTTP, HTTPS, serve

session = requests.Session()
serve(lambda n: [session.get(base + n).json() for base in (HTTPS, HTTP)])
