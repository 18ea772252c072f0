"""signet doctor on connected systems: break an upstream, a SCIM service, a receiver or a webhook, and it is named."""

import json
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import insert

from provider.config.settings import Settings
from provider.database.base import new_id
from provider.doctor.connected import upstreams
from provider.doctor.connected.examinations import CONNECTED
from provider.doctor.examination import Case
from provider.federation import managed
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Upstream
from provider.oauth.clients.store import clients
from provider.outbound.client import Outbound
from provider.outbox.store import DeliveryState, outbox
from provider.outbox.topics import Topic
from provider.provisioning import connections
from provider.provisioning.settings import ProvisioningSettings
from provider.signals import streams
from provider.signals.store import streams as stored_streams
from provider.webhooks import subscriptions
from provider.work import utc_now
from tests.federation.conftest import write_upstreams
from tests.federation.fake_provider import rsa_key
from tests.support.doctor import found_by
from tests.support.factories import make_client
from tests.support.foreign_server import ForeignServer, Request, answer
from tests.support.installation import Work, settings_for

RSA = rsa_key("first").as_dict(private=False)
WELL_KNOWN = "/.well-known/openid-configuration"
Reply = tuple[int, Any]


@pytest.fixture
def world(foreign_server: ForeignServer) -> dict[str, Reply]:
    """What the other systems answer, by the path: all of them as they should."""
    base = foreign_server.url("").rstrip("/")
    discovery = {
        "issuer": base,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "jwks_uri": f"{base}/jwks",
    }
    replies: dict[str, Reply] = {
        WELL_KNOWN: (200, discovery),
        "/jwks": (200, {"keys": [RSA]}),
        "/client-jwks": (200, {"keys": [RSA]}),
        "/token": (400, {"error": "invalid_grant"}),
        "/scim/ServiceProviderConfig": (200, {"patch": {"supported": True}}),
        "/scim/Users": (200, {"totalResults": 0, "Resources": []}),
        "/hook": (204, {}),
        "/signals": (405, {}),
    }

    def reply(connection: socket.socket, request: Request) -> None:
        status, body = replies.get(request.target.partition("?")[0], (404, {}))
        answer(json.dumps(body), status=f"{status} X")(connection, request)

    foreign_server.behaviour = reply
    return replies


@pytest.fixture
def settings(
    database_url: str, outbound_settings: Mapping[str, Any], foreign_server: ForeignServer, tmp_path: Path
) -> Settings:
    table = {
        "name": "Example",
        "issuer": foreign_server.url("").rstrip("/"),
        "client_id": "signet",
        "client_secret": "a secret of signet at the example",
    }
    path = write_upstreams(tmp_path / "upstreams.toml", {"example": table})
    return settings_for(database_url, upstreams=path, **outbound_settings)


@pytest.fixture
def connected(work: Work, foreign_server: ForeignServer) -> tuple[str, str]:
    """A client with everything. The IDs of its stream and of a webhook."""
    base = foreign_server.url("").rstrip("/")
    with work() as w:
        client, _ = make_client(w)
        row = clients.find(w.db, client.client_id)
        assert row is not None
        clients.replace_metadata(w.db, row.client_id, row.metadata | {"jwks_uri": f"{base}/client-jwks"}, now=w.now)
        connections.put(w, client.client_id, ProvisioningSettings(base_url=f"{base}/scim"), token="a-token-of-the-app")
        given = {"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": f"{base}/signals"}, "events_requested": []}
        stream = streams.create(w, client.client_id, given)
        webhook, _ = subscriptions.create(w, url=f"{base}/hook")
    return stream.id, webhook.id


def found(case: Case) -> dict[str, str]:
    case.inside.outbound.forget_failures()
    return {name: each.severity for name, each in found_by(case, CONNECTED).items()}


def test_what_breaks_at_connected_systems_is_named(
    case: Case, work: Work, world: dict[str, Reply], connected: tuple[str, str], settings: Settings
) -> None:
    """Each breakage alone, with the one finding that names it."""
    assert found(case) == {}
    usual = dict(world)
    broken: dict[str, tuple[dict[str, Reply], str, str]] = {
        "the provider is down": ({WELL_KNOWN: (503, {})}, "connected.upstream-does-not-answer", "unknown"),
        "its discovery moved": ({WELL_KNOWN: (404, {})}, "connected.upstream-has-moved", "problem"),
        "it has another issuer": (
            {WELL_KNOWN: (200, usual[WELL_KNOWN][1] | {"issuer": "https://new.example"})},
            "connected.upstream-has-another-issuer",
            "problem",
        ),
        "it has no keys": ({"/jwks": (200, {"keys": []})}, "connected.upstream-has-no-keys", "problem"),
        "its secret has expired": (
            {"/token": (401, {"error": "invalid_client"})},
            "connected.upstream-rejects-the-secret",
            "problem",
        ),
        "the app rejects the token": ({"/scim/Users": (401, {})}, "connected.scim-token-is-rejected", "problem"),
        "the app moved its service": (
            {"/scim/ServiceProviderConfig": (404, {})},
            "connected.scim-service-is-not-usable",
            "problem",
        ),
        "the app is down": ({"/scim/Users": (503, {})}, "connected.system-does-not-answer", "unknown"),
        "the webhook is gone": ({"/hook": (410, {})}, "connected.endpoint-is-gone", "problem"),
        "the receiver is gone": ({"/signals": (404, {})}, "connected.endpoint-is-gone", "problem"),
        "a client lost its keys": ({"/client-jwks": (404, {})}, "connected.client-keys-are-missing", "problem"),
    }
    named = {}
    for breakage, (change, _, _) in broken.items():
        world |= change
        named[breakage] = found(case)
        world |= usual
    assert named == {breakage: {name: severity} for breakage, (_, name, severity) in broken.items()}
    stream_id, webhook_id = connected
    with work() as w:
        stored_streams.change(w.db, stream_id, failures=3, error="it answered 401", dropped=2)
        row: dict[str, object] = {
            "id": new_id(),
            "topic": Topic.WEBHOOK,
            "about": f"user.created to {webhook_id}",
            "payload": "{}",
        }
        row |= {"state": DeliveryState.FAILED, "attempts": 9}
        row |= {"created_at": w.now, "next_at": w.now}
        w.db.execute(insert(outbox).values(**row))
    assert found(case) == {
        "connected.signals-are-not-taken": "problem",
        "connected.signals-were-dropped": "warning",
        "connected.webhook-deliveries-failed": "problem",
    }


def test_an_invented_code_is_all_that_a_provider_gets(
    case: Case, world: dict[str, Reply], foreign_server: ForeignServer
) -> None:
    """N-545: it is not the secret, and nothing is stored."""
    assert found(case) == {}
    (asked,) = [each for each in foreign_server.requests if each.method == "POST"]
    assert b"grant_type=authorization_code" in asked.body
    assert not [each for each in foreign_server.requests if each.method not in {"GET", "POST", "OPTIONS"}]


def test_addresses_secrets_keys_and_directories_are_named(
    case: Case, work: Work, settings: Settings, connected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = settings.model_copy(update={"outbound_allow": frozenset()})
    blocked = replace(
        case, installation=replace(case.inside, settings=strict, outbound=Outbound(strict, clock=utc_now))
    )
    assert found(blocked)["connected.system-may-not-be-asked"] == "problem"
    given = {"name": "Apple", "preset": "apple", "client_id": "a", "team_id": "t", "key_id": "k", "key": "apple"}
    build: Any = UpstreamSettings.model_construct  # without a valid key
    apple = Upstream(build(**given, issuer="https://x", client_secret=SecretStr("no key")))
    directory = build(key="staff", preset="ldap", servers=("ldap://127.0.0.1:9",))
    metadata = SimpleNamespace(secret_in_header=False, token_endpoint="https://x/token")
    with work() as w:
        managed.create(
            w, "saved", {"name": "S", "issuer": "https://s.example", "client_id": "a", "client_secret": "b" * 20}
        )
        found_key = upstreams._secret(w, apple, metadata, "apple")  # type: ignore[arg-type]
        assert found_key.id == "connected.apple-key-is-unusable"
        assert [each.id for each in upstreams._directory(w, directory)] == ["connected.directory-does-not-answer"]
    monkeypatch.setattr(upstreams, "read", lambda *_: None)
    assert found(case)["connected.upstream-secret-is-unreadable"] == "problem"
