"""What an endpoint promises whatever its function does: refusals kept, crashes undone, outages told from verdicts."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from provider.audit import store
from provider.audit.events import Event
from provider.audit.log import record
from provider.config.settings import Settings
from provider.parameters import MAX_FIELDS
from provider.refusals import Forbidden, RedirectRequired, TooManyRequests
from provider.web import errors
from provider.web.bodies import MAX_BODY
from provider.web.call import Call
from provider.web.endpoint import endpoint, machine_endpoint
from tests.support.installation import Work
from tests.support.waiting import PATIENCE
from tests.web.conftest import Mount


def machine(function: Callable[[Call], Response]) -> object:
    return machine_endpoint(render=errors.as_json)(function)


def leave_a_trace(call: Call) -> None:
    record(call.work, Event.SIGNED_IN, user_id=None)


def traces(work: Work) -> int:
    with work() as w:
        return len(store.find(w.read))


def test_a_refusal_keeps_its_traces(mount: Mount, client: TestClient, work: Work) -> None:
    """Decision 40."""

    def refuse(call: Call) -> Response:
        leave_a_trace(call)
        raise Forbidden

    mount("/test/refuse", endpoint(refuse))
    assert client.get("/test/refuse").status_code == 403
    assert traces(work) == 1


def test_a_crash_leaves_none_and_tells_only_its_id(
    mount: Mount, client: TestClient, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(call: Call) -> Response:
        leave_a_trace(call)
        raise RuntimeError("something private")

    mount("/test/page", endpoint(crash))
    mount("/test/json", machine(crash))
    page, json = client.get("/test/page"), client.get("/test/json")
    assert (page.status_code, json.status_code) == (500, 500)
    assert "private" not in page.text + json.text
    assert page.headers["x-request-id"] in page.text
    assert json.json()["error_id"] == json.headers["x-request-id"]
    assert json.json()["error"] == "server_error"
    assert traces(work) == 0


def test_a_refusal_may_be_a_place_to_go(mount: Mount, client: TestClient) -> None:
    def elsewhere(call: Call) -> Response:
        raise RedirectRequired("/login")

    mount("/test/go", endpoint(elsewhere))
    answer = client.get("/test/go")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_too_many_says_when_to_come_back(mount: Mount, client: TestClient) -> None:
    def busy(call: Call) -> Response:
        raise TooManyRequests(17)

    mount("/test/busy", machine(busy))
    answer = client.get("/test/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "17")


def ask_database(call: Call) -> Response:
    call.work.read.execute(text("SELECT 1"))
    return PlainTextResponse("fine")


class TestWithoutItsDatabase:
    """F-1, R-1."""

    @pytest.fixture(params=["sqlite:////nowhere/x.db", "postgresql+psycopg://signet@127.0.0.1:1/signet"])
    def database_url(self, request: pytest.FixtureRequest) -> str:
        url: str = request.param
        return url

    def test_the_answer_is_an_outage_and_not_a_verdict(self, mount: Mount, client: TestClient) -> None:
        mount("/test/page", endpoint(ask_database))
        mount("/test/json", machine(ask_database))
        for path in ("/test/page", "/test/json"):
            began = time.monotonic()
            answer = client.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert time.monotonic() - began < 30
        assert client.get("/test/json").json()["error"] == "temporarily_unavailable"


@pytest.mark.only_on("postgresql")
def test_after_the_database_came_back_so_do_we(mount: Mount, client: TestClient, work: Work) -> None:
    """F-1: ready again without a restart; no broken connection stays in the pool."""
    mount("/test/ask", machine(ask_database))
    assert client.get("/test/ask").status_code == 200
    with work() as w:
        w.read.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    answers = [client.get("/test/ask").status_code for _ in range(6)]
    assert set(answers) <= {200, 503}
    assert answers[-3:] == [200, 200, 200]


@pytest.mark.only_on("postgresql")
def test_a_statement_that_takes_too_long_is_an_outage(mount: Mount, client: TestClient) -> None:
    """F-3."""

    def slow(call: Call) -> Response:
        call.work.read.execute(text("SET statement_timeout = 50"))
        call.work.read.execute(text("SELECT pg_sleep(5)"))
        return PlainTextResponse("never")

    mount("/test/slow", machine(slow))
    assert client.get("/test/slow").status_code == 503


def test_a_body_that_is_too_large_is_refused_unread(mount: Mount, client: TestClient) -> None:
    mount("/test/form", endpoint(csrf_checked=False)(lambda call: PlainTextResponse(call.form.text("a"))))
    answer = client.post("/test/form", data={"a": "x" * MAX_BODY})
    assert answer.status_code == 413


def test_a_body_that_is_no_form_has_no_fields(mount: Mount, client: TestClient) -> None:
    mount("/test/form", machine(lambda call: PlainTextResponse(str(len(call.form)))))
    assert client.post("/test/form", content=b"a=1", headers={"content-type": "text/plain"}).text == "0"
    form = {"content-type": "Application/X-WWW-Form-Urlencoded; charset=utf-8"}
    assert client.post("/test/form", content=b"a=1", headers=form).text == "1"


@pytest.mark.parametrize("query", ["a=%ff", "&".join(f"a{number}=1" for number in range(MAX_FIELDS + 1))])
def test_what_is_not_text_is_the_callers_fault(mount: Mount, client: TestClient, query: str) -> None:
    mount("/test/query", endpoint(lambda call: PlainTextResponse(str(len(call.query)))))
    assert client.get(f"/test/query?{query}").status_code == 400


def test_a_request_that_breaks_off_is_not_carried_out(mount: Mount, app: object) -> None:
    """Half a form is not a form: its last field may be cut in two."""
    ran: list[str] = []

    def act(call: Call) -> Response:
        ran.append("yes")
        return PlainTextResponse("done")

    mount("/test/act", machine(act))
    messages: list[dict[str, object]] = [
        {"type": "http.request", "body": b"grant_type=refr", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    async def send(message: object) -> None:
        raise AssertionError(f"nobody is there to hear {message}")

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/test/act",
        "raw_path": b"/test/act",
        "query_string": b"",
        "headers": [(b"host", b"id.example.test")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "scheme": "https",
        "http_version": "1.1",
        "root_path": "",
    }
    anyio.run(app, scope, receive, send)  # type: ignore[arg-type]
    assert ran == []


class TestSomebodyElsesServer:
    """A-103: a server that is slow or dead holds up those who need it, and nobody else."""

    def test_whoever_asks_it_begins_anew_in_a_thread_of_its_own(self, mount: Mount, client: TestClient) -> None:
        threads: list[str] = []

        def ask(call: Call) -> Response:
            threads.append(threading.current_thread().name)
            _ = call.work.outbound
            call.set_cookie("thing", call.form["a"])
            return PlainTextResponse(call.form["a"])

        mount("/test/ask", endpoint(csrf_checked=False)(ask))
        answer = client.post("/test/ask", data={"a": "b"})
        assert (answer.status_code, answer.text) == (200, "b")
        assert [name.partition("_")[0] for name in threads] == ["endpoint", "outbound"]

    def test_all_who_wait_for_it_leave_the_others_alone(
        self, mount: Mount, app: Starlette, client: TestClient, settings: Settings
    ) -> None:
        released = threading.Event()
        waiting = threading.Semaphore(0)

        def ask(call: Call) -> Response:
            _ = call.work.outbound
            waiting.release()
            released.wait(PATIENCE)
            return PlainTextResponse("at last")

        mount("/test/ask", machine(ask))
        mount("/test/other", machine(ask_database))
        with ThreadPoolExecutor(20) as callers, client:
            answers = [callers.submit(client.get, "/test/ask") for _ in range(20)]
            for _ in range(settings.outbound_threads):
                assert waiting.acquire(timeout=PATIENCE)
            assert client.get("/test/other").status_code == 200
            released.set()
            assert {answer.result().status_code for answer in answers} == {200}
