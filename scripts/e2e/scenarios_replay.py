"""Scenarios of replay: matching, misses, order, noise, generated values."""

import json
import threading

from processes import Failed
from retake import same


def scenario_17_the_same_question_gives_its_answers_in_order(case):
    case.record_requests("POST /counter", "POST /counter")
    case.replay().expect_green()


def scenario_18_another_pool_and_other_statement_names_change_nothing(case):
    case.record_requests("GET /item/1", "GET /item/2", "POST /counter", "GET /item/1", POOL="1")
    case.replay(POOL="1").expect_green()
    case.replay(POOL="6").expect_green()
    case.replay(POOL="3", PREPARE="0").expect_green()


def scenario_19_a_changed_parameter_is_a_miss_with_the_nearest_mock(case):
    case.record_requests("GET /item/2", "GET /steps", "GET /item/3")
    run = case.replay(CHANGE="parameter").expect(1)
    run.expect_difference("GET /item/2", "102")
    # 24: the driver saw an error of its protocol, and the pool goes on.
    if run.test("GET /steps")["verdict"] != "passed":
        raise Failed(f"the pool did not survive the miss\n{run.said}")
    if "item 2" in str(run.test("GET /item/2")["differences"]) and "500" not in str(run.test("GET /item/2")):
        raise Failed("the old answer was served to another question")


def scenario_20_one_call_more_fewer_or_elsewhere_is_said(case):
    case.record_requests("GET /steps", "GET /item/1")
    case.replay().expect_green()
    # No database can tell in which order it was read, so that is no difference.
    case.replay(CHANGE="order").expect_green()
    for change, kind in (("more", "extra"), ("fewer", "missing"), ("write-order", "reordered")):
        run = case.replay(CHANGE=change)
        if run.test("GET /steps")["verdict"] == "passed":
            raise Failed(f"{change}: nothing was said\n{run.said}")
        run.expect_difference("GET /steps", kind)
        if run.test("GET /item/1")["verdict"] != "passed":
            raise Failed(f"{change}: the rest of the run did not go on\n{run.said}")


def scenario_21_a_call_after_the_response_belongs_to_its_test(case):
    case.record_requests("POST /late/1", settle=0.5)
    text = "".join(case.files(r"/tests/").values())
    if "INSERT INTO jobs" not in text:
        raise Failed(f"the late call is not in the test: {case.files()}")
    for _ in range(3):
        case.replay().expect_green()


def scenario_22_requests_in_parallel_give_the_same_report_each_time(case):
    def traffic(base):
        from scenarios import Client

        def send(n):
            client = Client(base)
            for k in range(5):
                client.send(f"GET /item/{(n + k) % 5 + 1}")

        threads = [threading.Thread(target=send, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    case.record(traffic, settle=0.3, POOL="6")
    # Whose call each was could not be told: one that is missing in a test that got another's is
    # a softer verdict, and no regression.
    first = case.replay(POOL="6").expect(0).steady()
    for _ in range(2):
        same(first, case.replay(POOL="6").expect(0).steady(), "the report of the same build")


def scenario_22_a_change_of_a_call_that_several_tests_share_is_red(case):
    def traffic(base):
        from scenarios import Client

        threads = [threading.Thread(target=Client(base).send, args=(f"POST /overlap/{n}",)) for n in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    case.record(traffic, settle=1.5, POOL="4")
    text = "".join(case.files(r"/tests/").values())
    if "by: shared" not in text and "by: values" not in text:
        raise Failed(f"the requests did not overlap\n{text}")
    first = case.replay(POOL="4").expect_green().steady()
    for _ in range(4):
        same(first, case.replay(POOL="4").expect_green().steady(), "the report of the same build")
    # Another value: none of the tests of that moment recorded it.
    run = case.replay(POOL="4", CHANGE="overlap").expect(1, "(a shared call was changed)")
    run.expect_difference("POST /overlap/2", "overlap 2!")
    same(run.steady(), case.replay(POOL="4", CHANGE="overlap").steady(), "the report of the changed build")
    # None of them made it: the tests are named.
    run = case.replay(POOL="4", CHANGE="overlap-fewer").expect(1, "(a shared call was left out)")
    if "none made it" not in run.said and not any(
            one["kind"] == "call-missing" and test["title"] == "POST /overlap/2"
            for test in run.tests for one in test["differences"]):
        raise Failed(f"the missing write is not said\n{run.said[-3000:]}")
    same(run.steady(), case.replay(POOL="4", CHANGE="overlap-fewer").steady(), "the report of the build that left it out")


def scenario_22_clients_at_once_whose_work_goes_on_after_the_response_replay_green(case):
    def traffic(base):
        from scenarios import Client

        def send(n):
            client = Client(base)
            for k in range(5):
                client.send(f"POST /note/note-{n}-{k}", b"", {"x-item": str(n)})

        threads = [threading.Thread(target=send, args=(n,)) for n in (1, 2, 3, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    case.record(traffic, settle=1.2, POOL="4")
    first = case.replay(POOL="4").expect_green().steady()
    for _ in range(2):
        same(first, case.replay(POOL="4").expect_green().steady(), "the report of the same build")
    case.replay(POOL="4", CHANGE="journal").expect(1, "(what is written after the response was changed)")
    case.replay(POOL="4", CHANGE="no-journal").expect(1, "(what is written after the response was left out)")


def scenario_26_noise_goes_by_kind_or_by_rule_and_hides_nothing_else(case):
    case.record_requests("GET /noise", "GET /noise", "GET /noise")
    # Random text is told by its letters; one that may be a digest is a difference until a rule
    # names it.
    run = case.replay().expect(1).expect_difference("GET /noise", "json.request")
    if any("nonce" in str(difference) for difference in run.test("GET /noise")["differences"]):
        raise Failed("random text is a difference")
    case.settings("""
        rules:
          - path: response.body.json.request
            ignore: true
            why: the id of the request
        """)
    case.replay().expect_green()
    run = case.replay(CHANGE="total").expect(1).expect_difference("GET /noise", "total", "43")
    if len(run.test("GET /noise")["differences"]) != 1:
        raise Failed(f"more than the one difference: {run.test('GET /noise')['differences']}")


def scenario_26_a_moment_is_as_far_from_its_request_as_it_was(case):
    case.record_requests("POST /invites", "GET /item/1", "GET /item/2")
    for time in ((), ("--no-freeze",), ("--jobs", "4"), ("--jobs", "4", "--no-freeze")):
        case.replay(*time).expect_green()
    days = ("30 days after the request", "300 days after the request")
    for time in ((), ("--no-freeze",)):
        for change, words in (
            ("expiry-text", ("json.expires_at", *days)),
            ("expiry-millis", ("json.millis", "2 h after", "300 days after")),
            ("expiry-cookie", ("headers.set-cookie", "7 days after", "300 days after")),
            ("expiry-call", ("INSERT INTO invites", *days)),
        ):
            run = case.replay(*time, CHANGE=change).expect(1, f"(changed: {change})")
            run.expect_difference("POST /invites", *words)
            if len(run.test("POST /invites")["differences"]) != 1:
                raise Failed(f"{change}: more than the one difference: {run.test('POST /invites')['differences']}")
        # So far off it is no moment of the test at all, and nothing answers the call.
        case.replay(*time, CHANGE="expiry-date").expect(1, "(another date)")


def scenario_27_tokens_and_created_ids_are_tied(case):
    def traffic(base):
        from scenarios import Client

        client = Client(base)
        token = json.loads(client.send("POST /login", {"user": "u1"})[2])["token"]
        client.send("GET /me", None, {"authorization": f"Bearer {token}"})
        for name in ("one", "two"):
            id = json.loads(client.send("POST /things", {"name": name})[2])["id"]
            client.send(f"GET /things/{id}")
        client.send("GET /things/00000000-0000-0000-0000-000000000000")
        client.send("GET /me")

    case.record(traffic, settle=0.3)
    for _ in range(2):
        case.replay().expect_green()


def scenario_28_another_shape_of_an_answer_is_seen(case):
    case.record_requests("GET /shape")
    for change, words in (
        ("field", ("json.added",)), ("type", ("json.id",)), ("missing", ("json.name",)),
        ("text", ("type-changed", "not json at all")), ("content-type", ("content-type", "text/plain")),
    ):
        case.replay(CHANGE=change).expect(1, f"(changed: {change})").expect_difference("GET /shape", *words)


def scenario_32_values_in_the_text_are_parameters(case):
    case.record_requests("GET /literals", "GET /literals?name=item%202", "GET /literals?name=O%27Neil", DRIVER="psycopg2")
    case.replay(DRIVER="psycopg2").expect_green()
    run = case.replay(DRIVER="psycopg2", CHANGE="literal").expect(1)
    run.expect_difference("GET /literals", "item 1x")


def scenario_38_unordered_answers_go_by_rule(case):
    case.record_requests(*["GET /unordered"] * 6)
    case.settings("""
        rules:
          - path: response.body.json.rows
            unordered: true
            why: a hash map's order
        """)
    for _ in range(3):
        case.replay().expect_green()
    case.replay(CHANGE="element").expect(1).expect_difference("GET /unordered", "something else")


def scenario_41_random_and_signed_values_are_compared_by_kind(case):
    case.record_requests("GET /problem", "GET /signed", ("POST /accounts", {"name": "n1", "password": "p"}),
                         ("POST /accounts", {"name": "n2", "password": "p"}))
    for _ in range(2):
        case.replay().expect_green()


def scenario_41_the_claims_of_a_signed_token_are_compared(case):
    case.record_requests("POST /invites", "POST /invites")
    for time in ((), ("--no-freeze",)):
        case.replay(*time).expect_green()
        for change, words in (
            ("claim", ("claims", "scope", "read write")),
            ("no-claim", ("claims", "scope", "removed")),
            ("expiry-claim", ("claims", "exp", "1 h after the request", "300 days after the request")),
        ):
            run = case.replay(*time, CHANGE=change).expect(1, f"(changed: {change})")
            run.expect_difference("POST /invites", *words)
            if len(run.test("POST /invites")["differences"]) != 1:
                raise Failed(f"{change}: more than the one difference: {run.test('POST /invites')['differences']}")
    case.settings("""
        rules:
          - path: response.body.json.invitation.claims.scope
            ignore: true
            why: another build grants more
        """)
    case.replay(CHANGE="claim").expect_green()
