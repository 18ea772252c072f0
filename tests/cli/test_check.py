"""signet check: what an operator hears before people do."""

import json
from pathlib import Path
from typing import Any

import pytest

from provider.accounts.roles.roles import create_role, require_factor
from provider.audit.events import Event
from provider.audit.log import record
from provider.doctor import system_checks
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.clients import create_client, disable
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.clients.store import clients as store
from provider.oauth.keys.store import signing_keys
from provider.oauth.trusted_issuers import issuers
from provider.outbox import messages
from provider.work import Origin
from tests.cli.conftest import Ran, Signet
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.factories import make_client
from tests.support.installation import Work
from tests.support.server_process import free_port

WORKLOAD: dict[str, Any] = {"grant_types": ("client_credentials",), "response_types": ()}


def said(ran: Ran) -> dict[str, bool]:
    return {finding["about"]: finding["dangerous"] for finding in json.loads(ran.out)}


@pytest.fixture
def careful(environ: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "SIGNET_BCRYPT_COST": "12",
        "SIGNET_TRUSTED_PROXIES": "10.0.0.1",
        "SIGNET_SMTP_FROM": "id@example.com",
        "SIGNET_SMTP_PORT": str(free_port()),
        "SIGNET_SQLITE_SYNCHRONOUS": "FULL",
    }.items():
        environ.setenv(name, value)
    return environ


@pytest.mark.also_on_postgresql
def test_a_fit_installation_has_nothing_dangerous(
    careful: pytest.MonkeyPatch, database_url: str, signet: Signet
) -> None:
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).chmod(0o600)
    assert signet("purge").status == 0  # as its worker does every hour
    ran = signet("check", "--json")
    assert ran.status == 0, ran.out
    expected = {"SIGNET_DATABASE_URL"} if database_url.startswith("sqlite") else {"SIGNET_REDIS_URL"}
    assert said(ran) == dict.fromkeys(expected, False)


def test_what_is_dangerous_is_the_exit_status(careful: pytest.MonkeyPatch, signet: Signet) -> None:
    """F-12."""
    careful.setenv("SIGNET_BCRYPT_COST", "4")
    ran = signet("check")
    assert ran.status == 1
    assert "error   SIGNET_BCRYPT_COST: password hashes with cost 4 are quick to crack if they are stolen.\n" in ran.out
    assert "        Set it to 12 or more, or remove it.\n" in ran.out
    assert "1 error, " in ran.out
    refused = signet("serve", "--port", "0")
    assert refused.status == 1
    assert "SIGNET_BCRYPT_COST" in refused.err


@pytest.mark.only_on("sqlite")
def test_on_this_machine_alone_any_setting_is_fit_unless_it_is_to_be_deployed(
    environ: pytest.MonkeyPatch, database_url: str, signet: Signet
) -> None:
    Path(database_url.removeprefix("sqlite:///")).chmod(0o600)
    environ.setenv("SIGNET_ISSUER", "http://localhost:8000")
    environ.setenv("SIGNET_SMTP_PORT", str(free_port()))
    environ.setenv("SIGNET_REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    assert signet("check").out == "No problems found.\n"
    ran = signet("check", "--deploy", "--json")
    assert ran.status == 1
    found = said(ran)
    dangerous = {"SIGNET_ISSUER", "SIGNET_BCRYPT_COST", "SIGNET_REDIS_URL", "SIGNET_SMTP_HOST"}
    assert {name for name, is_dangerous in found.items() if is_dangerous} == dangerous


def test_what_keeps_it_from_starting_is_found(
    environ: pytest.MonkeyPatch, empty_database_url: str, signet: Signet
) -> None:
    environ.setenv("SIGNET_DATABASE_URL", empty_database_url)
    ran = signet("check", "--json")
    assert (ran.status, said(ran)["installation"]) == (1, True)
    environ.setenv("SIGNET_ISSUER", "http://id.example.com")
    ran = signet("check", "--json")
    assert (ran.status, said(ran)) == (1, {"settings": True})


@pytest.mark.only_on("sqlite")
def test_what_stands_around_it_is_looked_at(
    careful: pytest.MonkeyPatch, database_url: str, signet: Signet, work: Work, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "emails").mkdir()
    (tmp_path / "emails/invitation.jinja").write_text("{{ unknown }}")
    careful.setenv("SIGNET_EMAIL_TEMPLATES", str(tmp_path / "emails"))
    careful.setenv("SIGNET_LANGUAGES", "en,de")  # every email is rendered in each
    path = Path(database_url.removeprefix("sqlite:///"))
    path.chmod(0o644)
    clock.advance(days=-100)  # the command lives 100 days later
    with work() as w:
        messages.enqueue(w, "mail", {}, about="a letter")
        w.db.execute(signing_keys.update().values(signs_from=w.now))
    careful.setattr(system_checks, "LITTLE", 1 << 60)
    found = said(signet("check", "--json"))
    looked_at = ("database file", "disk", "outbox", "signing keys", "SIGNET_EMAIL_TEMPLATES")
    assert dict.fromkeys(looked_at, False).items() <= found.items()
    careful.setattr(system_checks, "TOO_LITTLE", 1 << 60)
    assert said(signet("check", "--json"))["disk"] is True


def test_events_that_seem_to_come_from_the_proxy_are_explained(
    careful: pytest.MonkeyPatch, work: Work, signet: Signet
) -> None:
    """Issue 12, line 30: what cannot be read is logged, and here is why it matters."""
    for network in ("2001:db8::1", "10.0.0.1", "10.0.0.1"):
        with work(Origin(network=network)) as w:
            record(w, Event.SIGNED_IN)
    (found,) = [one for one in json.loads(signet("check", "--json").out) if one["about"] == "SIGNET_TRUSTED_PROXIES"]
    assert found["problem"] == "2 of the last 3 events have the address of your proxy, 10.0.0.1"
    assert "X-Forwarded-For" in found["fix"]
    careful.setenv("SIGNET_TRUSTED_PROXIES", "10.0.0.2")
    assert "SIGNET_TRUSTED_PROXIES" not in said(signet("check", "--json"))


def test_a_requirement_that_no_one_can_meet_is_found(careful: pytest.MonkeyPatch, work: Work, signet: Signet) -> None:
    with work() as w:
        create_role(w, name="staff", description="")
        require_factor(w, name="staff", required_factor="passkey")
        client, _ = make_client(w, required_factor="passkey")
        make_client(w, required_factor="two-factor")
    assert "role staff" not in said(signet("check", "--json"))
    careful.setenv("SIGNET_FEATURES", "two-factor")
    found = said(signet("check", "--json"))
    assert found["role staff"] is False
    assert [about for about in found if about.startswith("client ")] == [f"client {client.client_id}"]
    careful.setenv("SIGNET_FEATURES", "passkeys")
    careful.setenv("SIGNET_ISSUER", "https://192.0.2.7")
    found = said(signet("check", "--json"))
    assert (found["SIGNET_ISSUER"], found["role staff"]) == (False, False)


@pytest.mark.also_on_postgresql
def test_clients_that_cannot_keep_their_profile_are_named(
    careful: pytest.MonkeyPatch, work: Work, signet: Signet
) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.1, RFC 8705: changed metadata, and settings that were taken away."""
    stored: dict[str, dict[str, Any]] = {
        "good": {"token_endpoint_auth_method": "private_key_jwt", "profile": "fapi2"},
        "weak": {"token_endpoint_auth_method": "client_secret_basic", "profile": "fapi2"},
        "old": {"token_endpoint_auth_method": "private_key_jwt", "profile": "fapi2"},
        "certified": {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example.com"},
        "bound": {"tls_client_certificate_bound_access_tokens": True},
        "plain": {},
        "off": {"token_endpoint_auth_method": "client_secret_basic", "profile": "fapi2"},
        "unsigned": {"token_endpoint_auth_method": "private_key_jwt", "profile": "fapi2-message-signing"},
        "device": {"jwks": {"keys": []}, "require_signed_request_object": True, "grant_types": [DEVICE_CODE]},
    }
    with work() as w:
        for name, members in stored.items():
            client, _ = create_client(w, ClientMetadata(redirect_uris=("https://a.example.com/",)), client_id=name)
            alg = "RS256" if name == "old" else "ES256"
            given = client.metadata.as_json() | {"id_token_signed_response_alg": alg} | members
            store.replace_metadata(w.db, name, given, now=w.now)
        disable(w, "off")
    ran = signet("check", "--json")
    problems = {each["about"]: each["problem"] for each in json.loads(ran.out)}
    named = {about.removeprefix("client "): problem for about, problem in problems.items() if about[:7] == "client "}
    assert named.keys() == {"weak", "old", "certified", "bound", "unsigned", "device"}
    assert "fapi2-message-signing requires jwks or jwks_uri" in named["unsigned"]
    assert "require_signed_request_object does not allow the grant type" in named["device"]
    assert "private_key_jwt, tls_client_auth or self_signed_tls_client_auth" in named["weak"]
    assert "does not allow RS256" in named["old"]
    assert "requires mutual TLS" in named["certified"]
    careful.setenv("SIGNET_CLIENT_CERTIFICATE_HEADER", "Client-Cert")
    assert {"client weak", "client old", "client certified", "client unsigned", "client device"} == {
        about for about in said(signet("check", "--json")) if about.startswith("client ")
    }


@pytest.mark.also_on_postgresql
def test_clients_without_a_trusted_issuer_are_named(careful: pytest.MonkeyPatch, work: Work, signet: Signet) -> None:
    """RFC 7523 section 3: the issuer was deleted, is disabled, or was never added."""
    trusted, off, unknown = (f"https://{name}.example.com" for name in ("ci", "off", "unknown"))
    keys = {"keys": [Signatory().jwk]}
    with work() as w:
        for issuer in (trusted, off):
            row = issuers.create(w, issuer, issuers.IssuerSettings(jwks=keys))
        issuers.disable(w, row.id)
        for name, issuer in (("good", trusted), ("paused", off), ("lost", unknown)):
            subjects: dict[str, Any] = {"assertion_issuer": issuer, "assertion_subjects": ("job",)}
            metadata = ClientMetadata(token_endpoint_auth_method="federated_jwt", **WORKLOAD, **subjects)
            create_client(w, metadata, client_id=name)
    ran = signet("check", "--json")
    named = {each["about"]: each["problem"] for each in json.loads(ran.out) if each["about"].startswith("client ")}
    assert named == {
        "client paused": f"its assertion_issuer {off} is disabled, so the client cannot authenticate",
        "client lost": f"its assertion_issuer {unknown} is not a trusted issuer, so the client cannot authenticate",
    }


def test_apps_of_every_website_are_a_warning(careful: pytest.MonkeyPatch, signet: Signet) -> None:
    careful.setenv("SIGNET_CLIENT_DOCUMENTS", "listed")
    assert "SIGNET_CLIENT_DOCUMENTS" not in said(signet("check", "--json"))
    careful.setenv("SIGNET_CLIENT_DOCUMENTS", "all")
    assert said(signet("check", "--json"))["SIGNET_CLIENT_DOCUMENTS"] is False
