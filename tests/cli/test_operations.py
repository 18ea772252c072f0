"""signet migrate, key, outbox, audit, explain, purge; and what every command does without its database or settings."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from provider.audit import hourly
from provider.jose.algorithms import KEY_PAIRS
from provider.oauth.keys import rotation
from provider.oauth.keys.store import signing_keys
from provider.observability import counters
from provider.outbox import messages, relay, store
from provider.work import Installation
from tests.cli.conftest import Signet
from tests.support.installation import Work

pytestmark = pytest.mark.also_on_postgresql


def test_migrating_an_empty_database_makes_everything_an_installation_needs(
    signet: Signet, environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "new.db"
    environ.setenv("SIGNET_DATABASE_URL", f"sqlite:///{path}")
    environ.delenv("SIGNET_SECRET_KEY")
    ran = signet("migrate")
    assert ran.status == 0, ran.err
    assert f"Created the secret key file {path}.key" in ran.out
    assert "Created signing keys: " in ran.out
    assert stat.S_IMODE(Path(f"{path}.key").stat().st_mode) == 0o600
    assert {key["state"] for key in signet("key", "list", "--json").json} == {"current"}
    again = signet("migrate", "--json").json
    assert again["from"] == again["to"]
    assert again["signing_keys"] == []


def test_migrating_without_a_secret_key_changes_nothing(
    signet: Signet, environ: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    """F-12. Only an embedded installation that is still empty gets a key file."""
    environ.setenv("SIGNET_DATABASE_URL", empty_database_url)
    if empty_database_url.startswith("sqlite"):
        assert signet("migrate").status == 0
        Path(empty_database_url.removeprefix("sqlite:///") + ".key").unlink(missing_ok=True)
    environ.delenv("SIGNET_SECRET_KEY")
    ran = signet("migrate")
    assert (ran.status, ran.out) == (1, "")
    assert "SIGNET_SECRET_KEY" in ran.err


def test_the_statements_are_printed_and_nothing_is_run(
    signet: Signet, environ: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    environ.setenv("SIGNET_DATABASE_URL", empty_database_url)
    assert "CREATE TABLE users" in signet("migrate", "--sql").out
    assert "signet migrate" in signet("user", "list").err


@pytest.mark.slow
def test_down_to_the_base_and_up_again(signet: Signet) -> None:
    """Replaces: migrations both ways."""
    assert signet("migrate", "--to", "base", "--json").json["to"] is None
    assert len(signet("migrate", "--json").json["signing_keys"]) == len(KEY_PAIRS)


def test_keys_rotate_in_two_steps_and_are_revoked_by_name(signet: Signet, work: Work) -> None:
    first = signet("key", "rotate", "--json").json
    assert "may sign from" in signet("key", "rotate").err
    second = signet("key", "rotate", "--at-once", "--json").json
    assert second["current"] == first["upcoming"]
    assert signet("key", "revoke", second["current"], "--json").json["state"] == "revoked"
    with work() as w:
        states = {key.kid: key.state for key in rotation.list_keys(w)}
    assert states[second["current"]] == "revoked"
    assert signet("key", "revoke", "-nonsense").status == 1
    assert signet("key", "rotate", "--alg", "HS256").status == 1


def test_a_retired_key_is_listed_with_its_apps_and_removed(signet: Signet, work: Work) -> None:
    with work() as w:
        (kid,) = (key.kid for key in rotation.list_keys(w) if key.alg == "ES256" and key.state == "current")
        rotation.rotate(w, alg="ES256", at_once=True)
        hourly.add_key_use(w.db, w.now, counters.use_of_key(kid, "access_token", "shop"), 3)
    assert "revoke the key" in signet("key", "remove", kid).err
    (row,) = (row for row in signet("key", "list", "--json").json if row["kid"] == kid)
    assert [(use["source"], use["use"], use["count"]) for use in row["uses"]] == [("shop", "access_token", 3)]
    assert "shop (3 times, last " in signet("key", "list").out
    with work() as w:
        w.db.execute(signing_keys.update().values(tokens_expire_at=w.now - timedelta(minutes=1)))
    assert "shop (3 times" in signet("key", "remove", kid).err
    assert "Removed key" in signet("key", "remove", kid, "--even-if-used").out


def test_a_failed_email_is_listed_and_retried(signet: Signet, work: Work) -> None:
    """Replaces: mail through a queue."""
    with work() as w:
        promise_id = messages.enqueue(w, "mail", {"link": "a credential"}, about="verify_email to ada@example.test")
        w.db.execute(store.outbox.update().values(state="failed", error="550 no such mailbox", attempts=3))
    (failed,) = signet("outbox", "list", "--state", "failed", "--json").json
    assert (failed["id"], failed["error"]) == (promise_id, "550 no such mailbox")
    assert "credential" not in signet("outbox", "list").out
    assert signet("outbox", "retry", promise_id, "--json").json == {"due": [promise_id]}
    assert signet("outbox", "retry", promise_id).status == 1
    assert signet("outbox", "retry", "--all", "--json").json == {"due": []}
    names = [event["name"] for event in signet("audit", "--json").json]
    assert names[0] == "promise.retried"
    assert "waiting" in signet("outbox", "list").out
    assert signet("outbox", "list", "--state", "waiting", "--json").json[0]["id"] == promise_id
    assert "must be one of waiting, sending, sent" in signet("outbox", "list", "--state", "lost").err
    (due,) = signet("outbox", "list", "--json").json
    assert (due["state"], due["attempts"]) == ("due", 0)
    for narrowed in (("--topic", "logout"), ("--about", "somebody%")):
        assert signet("outbox", "list", *narrowed, "--json").json == []
    assert signet("outbox", "list", "--topic", due["topic"], "--about", due["about"][1:], "--json").json == [due]


def test_a_cancelled_job_is_never_delivered(signet: Signet, work: Work, installation: Installation) -> None:
    with work() as w:
        promise_id = messages.enqueue(w, "mail", {}, about="a letter")
    assert signet("outbox", "cancel", promise_id).out == f"Canceled job {promise_id}.\n"
    assert signet("outbox", "cancel", promise_id).status == 1
    assert signet("outbox", "retry", promise_id).status == 1
    assert not relay.deliver(installation, promise_id, {"mail": print})
    assert signet("outbox", "list", "--state", "cancelled", "--json").json[0]["id"] == promise_id


def test_the_audit_can_be_narrowed(signet: Signet) -> None:
    """Replaces: limits, sessions, headers, validation, log. Replaces: events."""
    for name in ("ada", "bob"):
        signet("user", "create", "--email", f"{name}@example.test", "--password-stdin", stdin="a long password")
    assert len(signet("audit", "--json").json) == 2
    assert len(signet("audit", "--user", "ada@example.test", "--json").json) == 1
    assert len(signet("audit", "--client", "shop", "--json").json) == 0
    assert len(signet("audit", "--since", "1h", "--json").json) == 2
    assert len(signet("audit", "--since", "2099-01-01T00:00Z", "--json").json) == 0
    assert len(signet("audit", "--name", "account.*", "--json").json) == len(signet("audit", "--json").json)
    assert signet("audit", "--name", "client.created", "--until", "1h", "--json").json == []
    assert signet("audit", "--name", "nothing.*").status == 1
    assert signet("audit", "--csv", "--limit", "1").out.count("\n") == 2
    assert signet("audit", "--since", "yesterday").status == 2


def test_a_refused_request_is_explained(signet: Signet, client: TestClient) -> None:
    answer = client.post("/oauth2/token", data={"grant_type": "client_credentials", "client_id": "nobody"})
    error_id = answer.headers["x-request-id"]
    told = signet("explain", error_id, "--json").json
    assert told["error"] == answer.json()["error"]
    assert told["checks"]
    passed = [check["passed"] for check in told["checks"]]
    assert passed[-1] is False
    lines = signet("explain", error_id).out.splitlines()
    assert any(line.startswith("failed check") and line.endswith(told["checks"][-1]["name"]) for line in lines)
    assert signet("explain", "0" * 16).status == 1


def test_purging_says_what_went(signet: Signet) -> None:
    assert signet("purge").out == "Deleted nothing.\n"
    assert signet("purge", "--json").json["sessions"] == 0


@pytest.mark.parametrize(
    ("variable", "value", "because"),
    [
        ("SIGNET_DATABASE_URL", "postgresql://signet@127.0.0.1:1/signet", "cannot reach the database"),
        ("SIGNET_SECRET_KEY", "short", "32 characters"),
        ("SIGNET_NONSENSE", "1", "unknown setting"),
    ],
)
def test_without_its_database_or_settings_every_command_says_so_in_one_line(
    signet: Signet, environ: pytest.MonkeyPatch, variable: str, value: str, because: str
) -> None:
    environ.setenv("SIGNET_BCRYPT_COST", "12")  # `serve` would not start with less
    environ.setenv(variable, value)
    for command in (("user", "list"), ("key", "list"), ("purge",), ("worker",), ("serve", "--port", "0")):
        ran = signet(*command)
        assert (ran.status, ran.err.count("\n")) == (1, 1), ran.err
        assert because in ran.err


def test_a_bug_is_not_mistaken_for_bad_luck(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("provider.outbox.store.find", crash)
    with pytest.raises(ZeroDivisionError):
        signet("outbox", "list")
