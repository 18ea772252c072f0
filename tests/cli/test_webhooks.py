"""signet webhook."""

from tests.cli.conftest import Signet

URL = "https://hooks.example.test/signet"


def test_from_its_creation_to_its_deletion(signet: Signet) -> None:
    made = signet("webhook", "create", URL, "--event", "account.*", "--json").json
    assert made["secret"].startswith("whsec_")
    listed = signet("webhook", "list", "--json").json
    assert [(each["id"], each["url"], each["events"]) for each in listed] == [(made["id"], URL, ["account.*"])]
    assert "secret" not in listed[0]
    assert signet("webhook", "rotate-secret", made["id"], "--json").json["secret"] != made["secret"]
    assert signet("webhook", "replay", made["id"], "--since", "24h").out == "Queued 0 events to be sent again.\n"
    assert signet("webhook", "disable", made["id"]).out == f"Paused webhook {made['id']}.\n"
    assert signet("webhook", "replay", made["id"], "--since", "24h").status == 1
    assert signet("webhook", "enable", made["id"]).status == 0
    assert signet("webhook", "delete", made["id"]).status == 0
    gone = signet("webhook", "delete", made["id"])
    assert (gone.status, gone.err) == (1, "signet: There is no such webhook.\n")


def test_every_change_is_audited(signet: Signet) -> None:
    made = signet("webhook", "create", URL, "--event", "account.created", "--json").json
    signet("webhook", "delete", made["id"])
    names = [event["name"] for event in signet("audit", "--json").json]
    assert names[:2] == ["webhook.deleted", "webhook.created"]
