"""signet signals: the streams of shared signals."""

from pathlib import Path

import pytest

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


URL = "https://shop.example.com/events"
FILE = f"""
[clients.shop]
client_name = "Shop"
redirect_uris = ["https://shop.example.com/callback"]

[signal_streams.shop]
endpoint_url = "{URL}"
events = ["session-revoked", "account-disabled"]
authorization_header_env = "SHOP_EVENTS"
"""


def test_streams_are_applied_from_a_file_and_changed(
    signet: Signet, tmp_path: Path, environ: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "signet.toml"
    file.write_text(FILE)
    assert "SHOP_EVENTS (authorization_header_env) is not set" in signet("apply", str(file), "--yes").err
    environ.setenv("SHOP_EVENTS", "Bearer secret-header")
    applied = signet("apply", str(file), "--yes")
    assert applied.status == 0, applied.err
    environ.delenv("SHOP_EVENTS")
    assert "No changes" in signet("apply", str(file)).out
    shown = signet("signals", "show", "shop", "--json").json
    assert (shown["endpoint_url"], shown["method"], len(shown["events"])) == (URL, "push", 2)
    assert "secret-header" not in applied.out + str(shown)
    changed = signet(
        "signals", "set", "shop", "--event", "session-revoked", "--default-subjects", "NONE", "--json"
    ).json
    assert (changed["endpoint_url"], changed["default_subjects"], len(changed["events"])) == (URL, "NONE", 1)
    assert "method must be push or poll" in signet("signals", "set", "shop", "--method", "mail").err
    assert signet("signals", "set", "shop", "--method", "poll", "--header-stdin", stdin="").status == 0
    assert signet("signals", "verify", "shop").status == 0
    assert signet("signals", "show", "shop", "--json").json["waiting"] == 1
    assert signet("signals", "deliveries", "shop", "--json").json == []
    file.write_text(FILE.partition("[signal_streams")[0] + '\n[signal_streams.shop]\nevents = ["none"]\n')
    assert "Unknown event types: none" in signet("apply", str(file), "--yes").err
