"""What operators see of streams and do with them: the admin API and the command line."""

from typing import Any

from starlette.testclient import TestClient

from tests.admin.conftest import events, program
from tests.signals.conftest import PUSH, SSF, Receiver
from tests.support.foreign_server import answer
from tests.support.installation import Work


def test_streams_in_the_admin_api(receiver: Receiver, client: TestClient, work: Work) -> None:
    """The receiver hears of a new status (SSF 1.0 section 8.1.5), and its Authorization header is never shown."""
    operator, reader = (program(work, client, scope) for scope in ("admin:write", "admin:read"))
    at = f"/signal-streams/{receiver.client_id}"
    assert reader("GET", at).status_code == 404
    made = receiver.create(PUSH)
    shown = reader.get(at)
    assert (shown["stream_id"], shown["method"], shown["status"]) == (made["stream_id"], "push", "enabled")
    assert reader.get("/signal-streams")["streams"] == [shown]
    assert reader("POST", f"{at}/pause", reason="Moving").status_code == 403
    assert operator("POST", f"{at}/pause", reason="Moving").status_code == 204
    receiver.run()
    assert receiver.pushed[-1]["events"] == {SSF + "stream-updated": {"status": "paused", "reason": "Moving"}}
    receiver.verify()
    [state] = reader.get("/signal-stream-states")["states"]
    assert (state["waiting"], state["dropped"], state.get("error")) == (1, 0, None)
    assert operator("POST", f"{at}/disable", reason="Closing").status_code == 204
    assert reader.get("/signal-stream-states")["states"][0]["waiting"] == 1  # the notice alone
    receiver.run()
    assert receiver.pushed[-1]["events"] == {SSF + "stream-updated": {"status": "disabled", "reason": "Closing"}}
    assert operator("POST", f"{at}/enable", reason="Back").status_code == 204
    assert "of-the-receiver" not in str(reader.get("/signal-streams"))
    assert operator("DELETE", at).status_code == 204
    assert reader.get("/signal-streams")["streams"] == []
    names = ("created", "status_changed", "deleted")
    recorded = [events(work, f"signal_stream.{name}") for name in names]
    assert all(recorded)
    assert "of-the-receiver" not in str(recorded)


def test_an_operator_sets_up_a_stream_that_the_app_did_not(receiver: Receiver, client: TestClient, work: Work) -> None:
    """N-539: its Authorization header stays as long as the URL does, so that no one has it sent elsewhere."""
    operator, reader = (program(work, client, scope) for scope in ("admin:write", "admin:read"))
    at, url = f"/signal-streams/{receiver.client_id}", receiver.server.url("/events")
    given: dict[str, Any] = {"endpoint_url": url, "events": ["session-revoked"], "default_subjects": "NONE"}
    assert reader("PUT", at, **given).status_code == 403
    made = operator("PUT", at, **given, authorization_header="Bearer of-the-receiver").json()
    assert (made["method"], made["default_subjects"]) == ("push", "NONE")
    assert made["events"] == ["https://schemas.openid.net/secevent/caep/event-type/session-revoked"]
    assert operator("POST", f"{at}/verify").status_code == 204
    assert operator("POST", f"{at}/verify").status_code == 429
    receiver.run()
    assert operator("PUT", at, **given | {"description": "Shop"}).status_code == 200
    receiver.server.behaviour = answer(b"", status="503 Unavailable")
    receiver.clock.advance(seconds=10)
    assert operator("POST", f"{at}/verify").status_code == 204
    receiver.run()
    headers = [each.headers["authorization"] for each in receiver.server.requests]
    assert headers == ["Bearer of-the-receiver"] * 2
    last, first = reader.get(f"/signal-deliveries?client_id={receiver.client_id}")["deliveries"]
    assert (first["event"], first["outcome"], last["outcome"]) == ("verification", "delivered", "failed")
    assert "503" in last["error"]
    elsewhere = receiver.server.url("/other")
    assert operator("PUT", at, **given | {"endpoint_url": elsewhere}).status_code == 200
    receiver.server.behaviour = answer(b"", status="202 Accepted")
    receiver.run()
    assert "authorization" not in receiver.server.requests[-1].headers
    assert len(events(work, "signal_stream.verification_sent")) == 2


def test_what_no_stream_can_be_is_rejected(receiver: Receiver, client: TestClient, work: Work) -> None:
    """N-540."""
    operator = program(work, client, "admin:write")
    changes: list[dict[str, Any]] = [
        {"default_subjects": "SOME"},
        {"events": ["nothing"]},
        {"endpoint_url": None},
        {"endpoint_url": "https://10.0.0.1/events"},
        {"authorization_header": "a\r\nb: c"},
    ]
    for change in changes:
        given = {"endpoint_url": receiver.server.url("/events"), "events": ["session-revoked"]} | change
        assert operator("PUT", f"/signal-streams/{receiver.client_id}", **given).status_code == 400, change
    assert operator.get("/signal-streams")["streams"] == []
