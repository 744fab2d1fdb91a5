"""`traffic.py BASE`: 60 and some requests to PostGraphile: creates, reads, updates, errors, deletes."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from traffic import Sender  # noqa: E402

PERSON = "id nodeId name mood score settings createdAt shout"


def main(base):
    sender = Sender(base)

    def ask(query, **variables):
        status, found = sender.send("POST", "/graphql", {"query": query, "variables": variables})
        for error in found.get("errors", []) if isinstance(found, dict) else []:
            print("   ", status, error["message"][:100])
        return found.get("data") if isinstance(found, dict) else None

    ask("{ __schema { queryType { name } } }")
    ask("{ allPeople { totalCount } }")
    people = []
    for n, name in enumerate(["Anna", "Bořek", "O'Neil", 'Quote "D"', "李雷", "Fée"]):
        made = ask(
            "mutation($p: CreatePersonInput!) { createPerson(input: $p) { clientMutationId person { %s } } }" % PERSON,
            p={"clientMutationId": f"m{n}", "person": {
                "name": name, "mood": "BUSY" if n % 2 else "CALM", "score": f"{n}.125",
                "settings": '{"n": %d, "nested": {"a": [1, 2.50, null]}}' % n}})
        people.append(made["createPerson"]["person"])
    for person in people:
        ask("query($id: UUID!) { personById(id: $id) { %s } }" % PERSON, id=person["id"])
    for person in people[:3]:
        ask("query($id: ID!) { person(nodeId: $id) { name } node(nodeId: $id) { nodeId __typename } }", id=person["nodeId"])

    posts = []
    for n in range(8):
        made = ask(
            "mutation($p: PostInput!) { createPost(input: {post: $p}) { post { id nodeId title tags published"
            " personByAuthorId { name } } query { allPosts { totalCount } } } }",
            p={"authorId": people[n % 3]["id"], "title": f"Post number {n}", "body": "long " * 20 * n,
               "tags": ["a", f"t{n}", "with,comma"], "published": f"2026-01-{n + 1:02}"})
        posts.append(made["createPost"]["post"])
    for person in people[:3]:
        ask("query($id: UUID!) { personById(id: $id) { postsByAuthorId(orderBy: ID_DESC, first: 2) {"
            " totalCount pageInfo { hasNextPage endCursor } nodes { id title body } } } }", id=person["id"])
    page = None
    for _ in range(3):
        found = ask("query($after: Cursor) { allPosts(first: 3, after: $after, orderBy: TITLE_ASC) {"
                    " pageInfo { endCursor hasNextPage } edges { cursor node { id title } } } }", after=page)
        page = found["allPosts"]["pageInfo"]["endCursor"]
    for field in ("ID_ASC", "TITLE_DESC", "NATURAL"):
        ask("{ allPosts(orderBy: [%s], offset: 2, first: 4) { nodes { id title tags } } }" % field)
    ask("{ a: allPosts(condition: {title: \"Post number 3\"}) { nodes { id } } b: addNumbers(a: 2, b: 40) }")
    ask('{ searchPosts(term: "NUMBER 5") { nodes { id title personByAuthorId { name shout } } } }')

    for n, post in enumerate(posts[:4]):
        ask("mutation($id: Int!, $p: PostPatch!) { updatePostById(input: {id: $id, postPatch: $p}) {"
            " post { id title body published } } }", id=post["id"], p={"title": f"Changed {n}", "body": None})
    ask("mutation($id: ID!) { updatePerson(input: {nodeId: $id, personPatch: {score: \"99.5\"}}) { person { score } } }",
        id=people[0]["nodeId"])

    # Errors of the database, of GraphQL, of HTTP.
    ask('mutation { createPerson(input: {person: {name: "Anna"}}) { person { id } } }')
    ask('mutation { createPerson(input: {person: {name: "x"}}) { person { id } } }')
    ask("mutation { updatePostById(input: {id: 4711, postPatch: {title: \"none\"}}) { post { id } } }")
    ask("{ nothingLikeThis }")
    ask("query($id: UUID!) { personById(id: $id) { name } }", id="not a uuid")
    ask("{ broken")
    sender.send("POST", "/graphql", "{ not json", {"content-type": "application/json"})
    sender.send("GET", "/graphql")
    sender.send("GET", "/nowhere")
    sender.send("POST", "/graphql", "query=%7BaddNumbers(a%3A1%2Cb%3A2)%7D",
                {"content-type": "application/x-www-form-urlencoded"})
    sender.send("POST", "/graphql", "{ addNumbers(a: 20, b: 22) }", {"content-type": "application/graphql"})

    for post in posts[5:]:
        ask("mutation($id: Int!) { deletePostById(input: {id: $id}) { deletedPostId post { title } } }", id=post["id"])
    ask("mutation($id: UUID!) { deletePersonById(input: {id: $id}) { person { name } } }", id=people[5]["id"])
    ask("query($id: UUID!) { personById(id: $id) { name } }", id=people[5]["id"])
    ask("{ allPeople(orderBy: NAME_ASC) { totalCount nodes { %s postsByAuthorId(orderBy: ID_ASC) { nodes { id title } } } } }" % PERSON)
    print(sender.count, "requests")


main(sys.argv[1])
