"""signet signals: the streams of shared signals."""

from provider.signals import streams
from tests.cli.conftest import Signet
from tests.support.factories import make_client
from tests.support.installation import Work


def test_streams_are_listed_and_stopped(signet: Signet, work: Work) -> None:
    with work() as w:
        client_id = make_client(w)[0].client_id
        streams.create(w, client_id, {"events_requested": []})
    [row] = signet("signals", "list", "--json").json
    assert (row["client_id"], row["status"], row["waiting"]) == (client_id, "enabled", 0)
    assert "is paused" in signet("signals", "pause", client_id, "--reason", "Moving").out
    shown = signet("signals", "show", client_id, "--json").json
    assert (shown["status"], shown["reason"]) == ("paused", "Moving")
    for name, status in (("disable", "disabled"), ("enable", "enabled")):
        assert signet("signals", name, client_id, "--json").json["status"] == status
    assert signet("signals", "delete", client_id, "--yes").status == 0
    assert signet("signals", "show", client_id).status != 0
