"""Clients: made, changed, disabled, deleted; and the copy a process works with."""

from dataclasses import replace
from typing import Any

import pytest

from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.config.settings import Settings
from provider.crypto.digests import digest
from provider.crypto.vault import Vault
from provider.oauth.clients import clients, secret_rotation
from provider.oauth.clients.clients import NoSuchClient
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.work import Installation
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work, settings_for
from tests.support.relying_party import RelyingParty

URI = "https://app.example.test/cb"


def test_what_is_stored_comes_back(work: Work) -> None:
    metadata = ClientMetadata(redirect_uris=(URI,), client_name="Näme", default_max_age=60, contacts=("a@b.test",))
    with work() as w:
        client, secret = clients.create_client(w, metadata)
    with work() as w:
        found = clients.find_client(w, client.client_id)
    assert found is not None
    assert found.metadata == metadata
    assert secret is not None
    assert found.has_secret(secret)


@pytest.mark.parametrize("client_id", ["", "x" * 129, "ä", "a\x00b", "a\nb", "0190b6b6-0000-7000-8000-000000000000"])
def test_a_client_id_brought_along_must_be_plausible_and_never_look_like_a_person(work: Work, client_id: str) -> None:
    """RFC 9700 section 4.15: a client acting for itself is its own sub."""
    with work() as w, pytest.raises(InvalidMetadata):
        clients.create_client(w, ClientMetadata(redirect_uris=(URI,)), client_id=client_id or "\n")


@pytest.mark.both_databases
def test_a_client_id_is_taken_once(rp: RelyingParty, work: Work) -> None:
    with work() as w, pytest.raises(InvalidMetadata):
        clients.create_client(w, ClientMetadata(redirect_uris=(URI,)), client_id=rp.client_id)


def test_a_weak_secret_is_refused(work: Work) -> None:
    """RFC 6749 section 10.10."""
    with work() as w, pytest.raises(InvalidMetadata):
        clients.create_client(w, ClientMetadata(redirect_uris=(URI,)), secret="short")


@pytest.mark.parametrize("secret", ["s", "hunter2", "x" * 31])
def test_a_short_secret_is_accepted_where_an_operator_allows_it(
    work: Work, http: WatchedClient, installation: Installation, secret: str
) -> None:
    """RFC 6749 section 2.3.1: apps that move over keep their secret. Its digest cannot be tried without our key."""
    metadata = ClientMetadata(redirect_uris=(URI,))
    with work() as w:
        client, shown = clients.create_client(w, metadata, secret=secret, allow_short_secret=True)
    assert (shown, client.keeps_short_secret) == (secret, True)
    assert digest(secret) not in {stored.digest for stored in client.secrets}
    other = Vault(("another key of the same length, 40 chars",))
    assert client.has_short_secret(secret, installation.vault)
    assert not client.has_short_secret(secret, other)
    rp = RelyingParty(http, client, secret)
    assert rp.client_credentials().error == "unauthorized_client", "it is authenticated"
    for wrong in (secret + "x", secret[:-1], secret.upper() + "!", ""):
        rp.secret = wrong
        assert rp.client_credentials().error == "invalid_client"
    with work() as w:
        secret_rotation.rotate_secret(w, client.client_id)
        secret_rotation.end_retired_secrets(w, client.client_id)
    with work() as w:
        found = clients.find_client(w, client.client_id)
    assert found is not None
    assert not found.keeps_short_secret


def test_a_short_secret_is_never_the_key_of_an_hmac(work: Work) -> None:
    """RFC 7518 section 3.2."""
    metadata = ClientMetadata(redirect_uris=(URI,), token_endpoint_auth_method="client_secret_jwt")
    with work() as w, pytest.raises(InvalidMetadata, match="at least 32 characters"):
        clients.create_client(w, metadata, secret="x" * 31, allow_short_secret=True)


def test_two_clients_with_one_short_secret_have_different_digests(work: Work) -> None:
    metadata = ClientMetadata(redirect_uris=(URI,))
    with work() as w:
        made = [clients.create_client(w, metadata, secret="hunter2", allow_short_secret=True)[0] for _ in range(2)]
    assert made[0].secrets[0].digest != made[1].secrets[0].digest


@pytest.mark.parametrize("act", [clients.disable, clients.enable, clients.delete_client, secret_rotation.rotate_secret])
def test_an_unknown_client_cannot_be_changed(work: Work, act: Any) -> None:
    with work() as w, pytest.raises(NoSuchClient):
        act(w, "nobody")


def test_a_public_client_has_no_secret(register: Register, work: Work) -> None:
    rp = register(public=True)
    assert rp.secret is None
    with work() as w, pytest.raises(InvalidMetadata):
        secret_rotation.rotate_secret(w, rp.client_id)


@pytest.mark.both_databases
def test_a_deleted_client_takes_everything_with_it(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """Everything that points at a client cascades."""
    tokens = rp.sign_in(browser, scope="openid offline_access")
    answer = rp.ask(browser)
    with work() as w:
        clients.delete_client(w, rp.client_id)
    assert rp.refresh(tokens).error == "invalid_client"
    assert rp.redeem(answer).error == "invalid_client"
    assert rp.userinfo(tokens).status_code == 401


def test_changes_are_told_to_the_audit_log_without_secrets(rp: RelyingParty, work: Work) -> None:
    with work() as w:
        clients.update_client(w, rp.client_id, replace(rp.client.metadata, client_name="Other"))
        new = secret_rotation.rotate_secret(w, rp.client_id)
        clients.disable(w, rp.client_id)
    with work() as w:
        events = find_events(w.read, client_id=rp.client_id)
    names = [event.name for event in events]
    wanted = [Event.CLIENT_CREATED, Event.CLIENT_UPDATED, Event.CLIENT_SECRET_ROTATED, Event.CLIENT_DISABLED]
    assert sorted(names) == sorted(wanted)
    assert new not in str(events)
    assert next(e for e in events if e.name == Event.CLIENT_UPDATED).details == {
        "changed": ["client_name"],
        "before": {"client_name": "Example app"},
        "after": {"client_name": "Other"},
    }


@pytest.mark.both_databases
def test_clients_are_listed_page_by_page(register: Register, work: Work) -> None:
    ids = sorted(register().client_id for _ in range(3))
    with work() as w:
        first = clients.list_clients(w, limit=2)
        rest = clients.list_clients(w, after=first[-1].client_id)
    assert [client.client_id for client in first + rest] == ids


class TestCached:
    """SIGNET_CLIENT_CACHE: a process trusts its copy for a moment."""

    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, client_cache=1)

    def test_a_disabled_client_is_refused_within_a_second(self, rp: RelyingParty, work: Work, clock: Clock) -> None:
        """A-105: within 1 s and on every node."""
        assert rp.client_credentials().error == "unauthorized_client"
        with work() as w:
            clients.disable(w, rp.client_id)
        clock.advance(seconds=1)
        assert rp.client_credentials().error == "invalid_client"

    def test_an_unknown_client_is_not_remembered(self, rp: RelyingParty, work: Work, http: WatchedClient) -> None:
        """Anybody can make up names; and a client just made works at once."""
        parked = RelyingParty(http, replace(rp.client, client_id="made-later"), "x" * 43)
        assert parked.client_credentials().error == "invalid_client"
        metadata = ClientMetadata(grant_types=("client_credentials",), scope="api")
        with work() as w:
            clients.create_client(w, metadata, client_id="made-later", secret="x" * 43)
        assert parked.client_credentials().status == 200


REACHABLE = "https://app.example.test/jwks.json"


@pytest.mark.parametrize(
    "uri",
    [
        "https://127.0.0.1/jwks",
        "https://localhost/jwks",
        "https://10.1.2.3/jwks",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/jwks",
        "https://[::ffff:127.0.0.1]/jwks",
        "https://[64:ff9b::7f00:1]/jwks",
        "http://app.example.test/jwks",
        "http://93.184.215.14/jwks",
    ],
)
def test_no_url_at_an_address_that_may_not_be_asked_is_registered(work: Work, uri: str) -> None:
    """A-101: no row, and nobody is asked; a change is looked at like a registration."""
    with work() as w:
        known, _ = clients.create_client(w, ClientMetadata(redirect_uris=(URI,), jwks_uri=REACHABLE))
    for changes in ({"jwks_uri": uri}, {"request_uris": (REACHABLE, uri)}, {"backchannel_logout_uri": uri}):
        metadata = ClientMetadata(redirect_uris=(URI,), **changes)
        with work() as w:
            with pytest.raises(InvalidMetadata):
                clients.create_client(w, metadata)
            with pytest.raises(InvalidMetadata):
                clients.update_client(w, known.client_id, metadata)
            assert [client.metadata.jwks_uri for client in clients.list_clients(w)] == [REACHABLE]


class TestInAnIntranet:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, outbound_allow=frozenset({"10.0.0.0/8"}))

    def test_what_the_operator_allows_may_be_registered(self, work: Work) -> None:
        with work() as w:
            for uri in ("https://10.1.2.3/jwks", "http://10.1.2.3/jwks"):
                clients.create_client(w, ClientMetadata(redirect_uris=(URI,), jwks_uri=uri))
            with pytest.raises(InvalidMetadata):
                clients.create_client(w, ClientMetadata(redirect_uris=(URI,), jwks_uri="https://127.0.0.1/jwks"))
