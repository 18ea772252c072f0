"""Logs: one JSON object a line, with the request's id, and no secrets whatever was logged."""

import errno
import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from provider.observability.logging import configure_logging, log


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logging("info", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "name", ["password", "client_secret", "refresh_token", "code", "code_verifier", "cookie", "authorization", "nonce"]
)
def test_a_value_named_like_a_secret_is_blanked(stream: io.StringIO, name: str) -> None:
    log.info("event", **{name: "hunter2"}, client_id="shop")
    (line,) = lines(stream)
    assert (line[name], line["client_id"]) == ("[redacted]", "shop")


@pytest.mark.parametrize(
    "text",
    [
        "GET /callback?code=hunter2&x=1",
        "token=hunter2",
        "eyJhbGciOiJSUzI1NiJ9.hunter2.hunter2",
        "https://id.example.test/reset-password?token=hunter2",
    ],
)
def test_a_secret_inside_a_text_is_blanked(stream: io.StringIO, text: str) -> None:
    log.warning("event", path=text)
    logging.getLogger("somebody").warning("they say %s", text)
    assert "hunter2" not in stream.getvalue()
    assert len(lines(stream)) == 2


def test_a_crash_is_one_line_with_its_traceback_and_without_its_secrets(stream: io.StringIO) -> None:
    try:
        int("code=hunter2")
    except ValueError:
        log.exception("crash")
    (line,) = lines(stream)
    assert "Traceback" in line["exception"]
    assert "hunter2" not in stream.getvalue()


def test_what_is_logged_for_a_request_carries_its_id(client: TestClient, stream: io.StringIO) -> None:
    answer = client.post("/oauth2/token", data={"grant_type": "nonsense", "client_id": "nobody"})
    assert {line["request_id"] for line in lines(stream)} == {answer.headers["x-request-id"]}


def test_libraries_are_heard_when_something_is_wrong_and_authlib_never_at_debug(stream: io.StringIO) -> None:
    """Authlib's DEBUG lines hold whole tokens."""
    configure_logging("debug", stream)
    logging.getLogger("authlib.oauth2").debug("Issue token %r", "hunter2")
    logging.getLogger("library").info("chatter")
    logging.getLogger("library").error("trouble")
    assert [line["event"] for line in lines(stream)] == ["trouble"]


def test_nobody_can_write_a_line_of_their_own(stream: io.StringIO) -> None:
    log.info("event", user_agent='x\n{"event": "forged"}')
    assert len(lines(stream)) == 1


class Disk(io.StringIO):
    """A stream that can be full."""

    is_full = False

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_log_that_cannot_be_written_stops_nothing_and_the_next_line_says_so(stream: io.StringIO) -> None:
    """F-4: a full disk, or a reader of the pipe that has ended."""
    configure_logging("info", disk := Disk())
    disk.is_full = True
    log.warning("first")
    logging.getLogger("library").error("second")
    disk.is_full = False
    log.warning("third")
    log.warning("fourth")
    assert [(line["event"], line.get("lines_lost")) for line in lines(disk)] == [("third", 2), ("fourth", None)]


def test_a_log_whose_stream_is_closed_stops_nothing(stream: io.StringIO) -> None:
    stream.close()
    log.warning("first")
    logging.getLogger("library").error("second")


def test_a_log_goes_where_it_was_last_configured_to_go(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that ran in this process before must not keep the logger."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    configure_logging("info")
    log.warning("first")
    configure_logging("info", stream)
    log.warning("second")
    assert [line["event"] for line in lines(stream)] == ["second"]
