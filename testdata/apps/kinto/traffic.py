"""`traffic.py BASE`: some 50 requests to Kinto: accounts, buckets, collections, records, queries, conflicts, batches."""

import base64
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from traffic import Sender  # noqa: E402

PASSWORDS = {"ann": "s3cret-of-ann", "bob": "s3cret-of-bob"}


def basic(name, password=None):
    pair = f"{name}:{password or PASSWORDS[name]}".encode()
    return {"authorization": "Basic " + base64.b64encode(pair).decode()}


def main(base):
    sender = Sender(base)

    def send(method, path, body=None, who="ann", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.update(who if isinstance(who, dict) else basic(who) if who else {})
        return sender.send(method, "/v1" + path, body, headers)[1]

    send("GET", "/", who=None)
    send("GET", "/__version__", who=None)
    for name, password in PASSWORDS.items():
        send("PUT", f"/accounts/{name}", {"data": {"password": password}}, who=None)
    send("GET", "/accounts/ann")
    send("GET", "/accounts/ann", who="bob")
    send("GET", "/buckets", who=None)
    send("GET", "/", who=basic("ann", "wrong"))
    send("GET", "/accounts/ann", who=basic("ann", "wrong"))

    shop = send("PUT", "/buckets/shop", {"data": {"city": "Brno"}, "permissions": {"read": ["system.Everyone"]}})
    send("PUT", "/buckets/shop", {"data": {"city": "Praha"}}, if_none_match="*")
    send("GET", "/buckets/shop")
    send("GET", "/buckets/shop", if_none_match=f'"{shop["data"]["last_modified"]}"')
    send("PUT", "/buckets/shop/collections/items", {"data": {"schema": {"type": "object"}}})
    send("PUT", "/buckets/shop/groups/team", {"data": {"members": ["account:bob"]}})

    items = "/buckets/shop/collections/items/records"
    made = [send("POST", items, {"data": {"title": title, "price": price, "tags": ["a", "b"][: price % 3]}})["data"]
            for title, price in [("pen", 3), ("ink", 17), ("paper", 5), ("ruler – dlouhé", 11)]]
    send("PUT", f"{items}/fixed", {"data": {"title": "fixed", "price": 1}})
    send("POST", items, {"data": ["no", "object"]})
    send("POST", items, "{broken", content_type="application/json")
    for one in made[:2]:
        send("GET", f"{items}/{one['id']}")
    send("GET", f"{items}/missing")
    send("GET", items)
    send("HEAD", items)
    send("GET", f"{items}?min_price=5&_sort=-price")
    send("GET", f"{items}?_limit=2&_sort=title")
    send("GET", f"{items}?_fields=title&in_price=3,17&_sort=price")
    send("GET", f"{items}?like_title=*p*&_sort=title")
    send("GET", f"{items}?_since={made[1]['last_modified']}")
    send("GET", f"{items}?_sort=nonsense")

    first = made[0]
    changed = send("PATCH", f"{items}/{first['id']}", {"data": {"price": 4}},
                   if_match=f'"{first["last_modified"]}"')["data"]
    send("PATCH", f"{items}/{first['id']}", {"data": {"price": 5}}, if_match=f'"{first["last_modified"]}"')
    send("PUT", f"{items}/{first['id']}", {"data": {"title": "pencil", "price": 6}},
         if_match=f'"{changed["last_modified"]}"')
    send("PATCH", f"{items}/{made[1]['id']}", [{"op": "replace", "path": "/data/price", "value": 18}],
         content_type="application/json-patch+json")
    send("PATCH", f"{items}/{made[2]['id']}", {"data": {"price": 1}}, who="bob")
    send("GET", f"{items}/{made[2]['id']}", who="bob")

    send("POST", "/batch", {"defaults": {"method": "PUT", "path": f"/v1{items}/from-batch"}, "requests": [
        {"body": {"data": {"title": "batch", "price": 2}}},
        {"method": "GET", "path": f"/v1{items}/{made[3]['id']}"},
        {"method": "POST", "path": f"/v1{items}", "body": {"data": {"title": "made in a batch"}}},
        {"method": "GET", "path": "/v1/buckets/nowhere"}]})
    send("GET", "/buckets/default")
    send("POST", "/buckets/default/collections/notes/records", {"data": {"text": "mine"}})
    send("GET", "/buckets/default/collections/notes/records", who="bob")

    send("DELETE", f"{items}/{made[3]['id']}")
    send("GET", f"{items}/{made[3]['id']}")
    send("DELETE", f"{items}?max_price=2")
    send("GET", f"{items}?_since=0&_sort=last_modified")
    send("GET", f"{items}?_before={changed['last_modified']}", who=None)
    send("DELETE", "/buckets/shop/collections/items")
    send("GET", items)
    send("DELETE", "/buckets/shop")
    send("DELETE", "/accounts/bob", who="bob")
    send("GET", "/accounts/bob", who="bob")
    print(sender.count, "requests")


if __name__ == "__main__":
    main(sys.argv[1])
