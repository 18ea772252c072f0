"""What programs ask all day runs in the event loop; where it waits for the database, the loop serves others."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from provider.database.outages import TransactionConflict
from provider.refusals import Forbidden
from provider.runtime import greenlets
from provider.web import errors
from provider.web.call import Call
from provider.web.endpoint import machine_endpoint
from provider.work import Installation
from tests.support.installation import Work
from tests.web.conftest import Mount
from tests.web.test_endpoint import ask_database, leave_a_trace, traces

pytestmark = pytest.mark.both_databases
FOREVER = 60.0


def quick(function: Callable[[Call], Response]) -> object:
    return machine_endpoint(render=errors.as_json, is_quick=True)(function)


def test_reads_writes_counts_and_refusals_need_no_thread(mount: Mount, client: TestClient, work: Work) -> None:
    ran: list[str] = []

    def read(call: Call) -> Response:
        ran.append(threading.current_thread().name)
        return ask_database(call)

    def write(call: Call) -> Response:
        leave_a_trace(call)
        return read(call)

    def count(call: Call) -> Response:
        call.work.counter.hit("5/minute", "key")
        return read(call)

    def refuse(call: Call) -> Response:
        leave_a_trace(call)
        read(call)
        raise Forbidden

    for function, status in ((read, 200), (write, 200), (count, 200), (refuse, 403)):
        mount(f"/test/{function.__name__}", quick(function))
        assert client.get(f"/test/{function.__name__}").status_code == status
    assert len(ran) == 4
    assert len(set(ran)) == 1
    assert not ran[0].startswith("endpoint")
    assert traces(work) == 2


def test_others_are_served_while_one_waits_for_a_lock_in_the_database(
    mount: Mount, client: TestClient, installation: Installation
) -> None:
    if installation.database.is_sqlite:
        pytest.skip("SQLite has no such locks")
    waits = threading.Event()

    def wait(call: Call) -> Response:
        waits.set()
        call.work.db.execute(text("SELECT pg_advisory_xact_lock(1)"))
        return PlainTextResponse("locked")

    mount("/test/wait", quick(wait))
    mount("/test/read", quick(ask_database))
    with installation.database.engine.connect() as other, ThreadPoolExecutor(1) as threads:
        other.execute(text("SELECT pg_advisory_lock(1)"))
        try:
            waiting = threads.submit(client.get, "/test/wait")
            assert waits.wait(FOREVER)
            assert client.get("/test/read").text == "fine"
            assert not waiting.done()
        finally:
            other.execute(text("SELECT pg_advisory_unlock(1)"))
        assert waiting.result(FOREVER).text == "locked"


def test_after_the_loop_had_to_wait_endpoints_run_in_threads_for_a_while(
    mount: Mount, client: TestClient, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def read(call: Call) -> Response:
        ran.append(threading.current_thread().name)
        return ask_database(call)

    mount("/test/read", quick(read))
    monkeypatch.setattr(greenlets, "LONG", -1)
    client.get("/test/read")
    client.get("/test/read")
    assert [name.startswith("endpoint") for name in ran] == [False, True]
    assert app.state.threads.quick is app.state.threads.ordinary


def test_a_transaction_that_loses_against_another_runs_again_without_stopping_the_loop(
    mount: Mount, client: TestClient
) -> None:
    asked: list[str] = []

    def lose_once(call: Call) -> Response:
        asked.append("again")
        if len(asked) == 1:
            raise TransactionConflict("could not serialize access")
        return ask_database(call)

    mount("/test/lose", quick(lose_once))
    assert client.get("/test/lose").status_code == 200
    assert len(asked) == 2
