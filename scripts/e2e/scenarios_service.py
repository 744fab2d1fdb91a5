"""Scenarios of what services do: failing, working in the background, retrying, keeping state."""

import os
import shutil
import time

from environment import APPS
from processes import Failed
from retake import clean_ledger


def scenario_29_a_service_that_does_not_start_or_ends_is_exit_4(case):
    case.record_requests("GET /item/1", "GET /risky", "GET /item/2")
    run = case.replay(CHANGE="no-start").expect(4)
    if "the configuration is broken" not in run.said:
        raise Failed(f"the service's last words are not shown\n{run.said}")
    run = case.replay(CHANGE="crash").expect(4)
    if "something terrible happened" not in run.said:
        raise Failed(f"the service's last words are not shown\n{run.said}")
    if run.test("GET /item/2")["verdict"] != "not-run" or run.test("GET /item/1")["verdict"] != "passed":
        raise Failed(f"verdicts: {run.verdicts()}")


def scenario_35_background_polling_is_never_a_verdict(case):
    case.record_requests("GET /item/1", "GET /steps", "POST /counter", "GET /item/2", settle=0.6, POLL="1")
    for _ in range(3):
        case.replay(POLL="1").expect_green()
    # A build that does not poll is no worse.
    case.replay().expect_green()


def scenario_36_work_after_the_response_belongs_to_its_test(case):
    def traffic(base):
        from scenarios import Client

        client = Client(base)
        for n in range(4):
            client.send(f"POST /enqueue/{n}")
            # Longer than the queue takes: which request the work belongs to can be told.
            time.sleep(0.3)
        client.send("GET /item/1")

    case.record(traffic)
    for _ in range(3):
        case.replay().expect_green()


def scenario_40_a_closed_connection_is_opened_again(case):
    def traffic(base):
        from scenarios import Client

        client = Client(base)
        for n in (1, 2, 3):
            client.send(f"GET /item/{n}")
            client.send(f"GET /boom/{n}")
            client.wait_until_closed()

    case.record(traffic)
    clean_ledger(case.folder, "main", "inbound")
    run = case.replay().expect_green()
    if len(run.tests) != 6:
        raise Failed(f"{len(run.tests)} tests, expected 6")


def scenario_42_a_retry_is_part_of_its_test(case):
    case.record_requests("POST /retry", "POST /retry", "GET /item/1")
    if "40001" not in "".join(case.files(r"/tests/").values()):
        raise Failed("the failure that was tried again is not in the test")
    case.replay().expect_green()


def scenario_43_state_outside_the_databases_is_named(case):
    # A copy of the service, so that another build of it is another file of the same name.
    script = os.path.join(case.folder, "app.py")
    shutil.copy(APPS / "awkward" / "app.py", script)
    python, _ = case.command(case)
    case.command = lambda _: [python, script]
    case.record_requests("POST /files", "GET /item/1")
    run = case.replay().expect(1).expect_difference("POST /files", "json.files")
    if "state outside of its dependencies" not in str(run.test("POST /files")["notes"]):
        raise Failed(f"the reason is not named\n{run.said}")
    if run.test("GET /item/1")["verdict"] != "passed":
        raise Failed(f"the other test suffered\n{run.said}")
    with open(script, "a") as file:
        file.write("# another build\n")
    run = case.replay().expect(1).expect_difference("POST /files", "json.files")
    if "state outside" in run.said:
        raise Failed(f"another build is excused\n{run.said}")
