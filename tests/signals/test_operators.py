"""What operators see of streams and do with them: the admin API and the command line."""

from starlette.testclient import TestClient

from tests.admin.conftest import events, program
from tests.signals.conftest import PUSH, SSF, Receiver
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
