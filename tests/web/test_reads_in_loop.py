"""Reads on SQLite run in the event loop; whatever does more runs in a thread, once."""

import threading

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from provider.refusals import Forbidden
from provider.web import errors
from provider.web.call import Call
from provider.web.endpoint import machine_endpoint
from tests.support.installation import Work
from tests.web.conftest import Mount
from tests.web.test_endpoint import ask_database, leave_a_trace, traces

pytestmark = pytest.mark.both_databases


def test_only_what_does_more_than_read_on_sqlite_needs_a_thread(mount: Mount, client: TestClient, work: Work) -> None:
    ran: list[bool] = []

    def note(call: Call) -> None:
        ran.append(threading.current_thread().name.startswith("endpoint"))
        assert ask_database(call).status_code == 200

    def read(call: Call) -> Response:
        note(call)
        return PlainTextResponse("read")

    def write(call: Call) -> Response:
        note(call)
        leave_a_trace(call)
        return PlainTextResponse("written")

    def count(call: Call) -> Response:
        note(call)
        return PlainTextResponse(str(call.work.counter.hit("5/minute", "key")))

    def refuse(call: Call) -> Response:
        note(call)
        raise Forbidden

    first = [False] if work_is_sqlite(work) else []
    for function, again in ((read, first or [True]), (write, [*first, True]), (count, [*first, True])):
        mount(f"/test/{function.__name__}", machine_endpoint(render=errors.as_json, only_reads=True)(function))
        ran.clear()
        assert client.get(f"/test/{function.__name__}").status_code == 200
        assert ran == again, function.__name__
    mount("/test/refuse", machine_endpoint(render=errors.as_json, only_reads=True)(refuse))
    ran.clear()
    assert client.get("/test/refuse").status_code == 403
    assert ran == [*first, True]
    assert traces(work) == 1


def work_is_sqlite(work: Work) -> bool:
    with work() as w:
        return w.installation.database.is_sqlite
