import urllib.request

from service import HTTP, HTTPS, serve

serve(lambda n: [urllib.request.urlopen(base + n).read().decode() for base in (HTTPS, HTTP)])
