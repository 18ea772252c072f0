"""What each signal of an upstream ends, and what it never does (docs/explanation/ending-access.md)."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.accounts.factors.store import passkeys
from provider.accounts.store import linked_identities, passwords
from provider.config.settings import Settings
from provider.database.base import new_id
from provider.federation.signals import effects
from provider.oauth.authorize.store import approved_grants
from provider.oauth.tokens.store import active_grants
from provider.sessions.store import find_all
from provider.signals import event_types as types
from provider.signals.event_types import SESSION_REVOKED
from provider.work import Installation, UnitOfWork
from tests.accounts.account_with_everything import make_passkey
from tests.federation.conftest import EXAMPLE, NewTraveller, events_of, identities_of
from tests.federation.fake_provider import ISSUER, Traveller
from tests.federation.signals.conftest import ADA, Ends, Transmitter
from tests.support.clock import Clock
from tests.support.factories import make_client
from tests.support.installation import Work
from tests.support.locks import meanwhile
from tests.support.people import find_user
from tests.support.relying_party import RelyingParty, sign_in_person

DOCUMENT = Path(__file__).parents[3] / "docs/explanation/ending-access.md"
BOB = {**ADA, "sub": "bob-at-example"}
EMAIL = {"format": "email", "email": "ADA@example.test"}
SESSION = {"format": "opaque", "id": "s1"}
"""Of Ada, there."""
REASON = "upstream_signal"


@pytest.fixture
def app_of_ada(inside: Traveller, client: TestClient, work: Work) -> tuple[RelyingParty, dict[str, Any]]:
    """An app in which Ada signed in by her session, with tokens that end with it, and tokens that do not."""
    with work() as w:
        registered, secret = make_client(w, first_party=True, scope="openid offline_access")
    app = RelyingParty(client, registered, secret)
    tokens = {scope: app.sign_in(inside.browser.client, scope=scope) for scope in ("openid", "openid offline_access")}
    return app, {"session": tokens["openid"], "offline": tokens["openid offline_access"]}


def with_password(work: Work) -> str:
    """Give Ada a password that no one knows. Her id."""
    user_id = find_user(work).id
    with work() as w:
        passwords.add(w.db, user_id, "unusable", now=w.now)
    return user_id


def test_the_document_has_each_event() -> None:
    table = DOCUMENT.read_text().split("## Signals of upstream providers")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", table, flags=re.MULTILINE)
    named = {name for cell in cells for name in re.findall("`([a-z-]+)`", cell)}
    assert named == {one.rpartition("/")[2] for one in effects.EFFECTS}


CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "caep session-revoked": (types.SESSION_REVOKED, {}, "sessions"),
    "risc sessions-revoked": (types.SESSIONS_REVOKED, {}, "sessions"),
    "tokens-revoked": (types.TOKENS_REVOKED, {}, "access"),
    "token-revoked": (types.TOKEN_REVOKED, {}, "tokens"),
    "account-disabled": (types.ACCOUNT_DISABLED, {}, "access"),
    "in bulk": (types.ACCOUNT_DISABLED, {"reason": "bulk-account"}, "access"),
    "hijacked": (types.ACCOUNT_DISABLED, {"reason": "hijacking"}, "access_and_proof"),
    "account-enabled": (types.ACCOUNT_ENABLED, {}, "none"),
    "account-purged": (types.ACCOUNT_PURGED, {}, "access_and_link"),
    "change required": (types.CREDENTIAL_CHANGE_REQUIRED, {}, "access_and_proof"),
    "compromise": (types.CREDENTIAL_COMPROMISE, {}, "access_and_proof"),
    "credential-change": (types.CREDENTIAL_CHANGE, {"change_type": "revoke"}, "none"),
    "identifier-changed": (types.IDENTIFIER_CHANGED, {"new-value": "bob@example.test"}, "none"),
    "identifier-recycled": (types.IDENTIFIER_RECYCLED, {}, "none"),
    "lower assurance": (types.ASSURANCE_LEVEL_CHANGE, {"change_direction": "decrease"}, "sessions"),
    "higher assurance": (types.ASSURANCE_LEVEL_CHANGE, {"change_direction": "increase"}, "none"),
    "not compliant": (types.DEVICE_COMPLIANCE_CHANGE, {"current_status": "not-compliant"}, "sessions"),
    "compliant": (types.DEVICE_COMPLIANCE_CHANGE, {"current_status": "compliant"}, "none"),
    "claims": (types.TOKEN_CLAIMS_CHANGE, {"claims": {"groups": []}}, "none"),
}


def test_each_event_has_its_effect(
    inside: Traveller, transmitter: Transmitter, ends: Ends, work: Work, installation: Installation, client: TestClient
) -> None:
    """Of a user with a password, who also signed in with it: that session stays whatever the upstream says."""
    user_id = with_password(work)
    sign_in_person(client, installation, user_id)
    for name, (event_type, event, effect) in CASES.items():
        inside.provider.claims["auth_time"] = int(transmitter.provider.clock.now.timestamp())
        if ends().count(None) < 2:
            _sign_in_anew(inside)
        transmitter.send(event_type, event)
        received = [one for one in events_of(work, user_id) if one.name == "account.signal.received"][-1]
        assert received.details["effect"] == effect, name
        still = ends().count(None)
        assert still == (2 if effect in {"none", "tokens"} else 1), name
        assert bool(identities_of(work, user_id)) == (effect != "access_and_link"), name
        if effect == "access_and_link":
            with work() as w:
                linked_identities.add(w.db, _identity(w, user_id))
    assert set(ends()) == {None, REASON}


def _sign_in_anew(traveller: Traveller) -> None:
    """Sign in, twice if the upstream has to ask again."""
    page = traveller.sign_in()
    if "Continue to Example" in page.links:
        traveller.come_back(page.links["Continue to Example"])


def _identity(w: Any, user_id: str) -> linked_identities.LinkedIdentity:
    return linked_identities.LinkedIdentity(
        "00000000-0000-4000-8000-000000000001", user_id, ISSUER, "ada-at-example", None, w.now, w.now
    )


def test_where_the_upstream_is_the_only_way_in_a_closed_account_ends_everything(
    app_of_ada: tuple[RelyingParty, dict[str, Any]], transmitter: Transmitter, ends: Ends
) -> None:
    app, tokens = app_of_ada
    transmitter.send(types.ACCOUNT_DISABLED)
    assert ends() == [REASON]
    assert [app.refresh(one).status for one in tokens.values()] == [400, 400]


def test_a_passkey_and_a_later_sign_in_are_other_ways_in(inside: Traveller, work: Work) -> None:
    """N-568: where there is one, a signal never ends what was not opened through the upstream."""
    user_id = find_user(work).id
    with work() as w:
        identity = linked_identities.find(w.db, ISSUER, "ada-at-example")
        assert identity is not None
        assert effects.is_only_way_in(w, identity, at=w.now)
        assert not effects.is_only_way_in(w, identity, at=w.now - timedelta(hours=1))
        passkeys.add(w.db, make_passkey(user_id, w.now))
        assert not effects.is_only_way_in(w, identity, at=w.now)


@pytest.mark.both_databases
def test_a_user_with_a_password_loses_what_came_from_there_and_nothing_else(
    app_of_ada: tuple[RelyingParty, dict[str, Any]],
    inside: Traveller,
    transmitter: Transmitter,
    installation: Installation,
    client: TestClient,
    work: Work,
) -> None:
    """N-526: tokens with offline_access go with an account that is closed there, and stay after a sign-out there."""
    app, tokens = app_of_ada
    user_id = with_password(work)
    sign_in_person(client, installation, user_id)
    elsewhere = app.sign_in(client, scope="openid offline_access")
    transmitter.send(SESSION_REVOKED)
    assert app.refresh(tokens["session"]).status == 400
    offline = app.refresh(tokens["offline"])
    assert offline.status == 200
    transmitter.send(types.ACCOUNT_DISABLED, sub_id=EMAIL)
    assert app.refresh(offline).status == 400
    assert app.refresh(elsewhere).status == 200
    with work() as w:
        assert {one.end_reason for one in find_all(w.read, user_id)} == {REASON, None}


@pytest.mark.only_on("postgresql")
def test_an_app_that_is_approved_when_the_signal_comes_loses_its_tokens_too(
    app_of_ada: tuple[RelyingParty, dict[str, Any]], transmitter: Transmitter, installation: Installation, work: Work
) -> None:
    """N-599: the sessions end first, so that what is approved in one of them is there when tokens are revoked."""
    with_password(work)
    with work() as w:
        [before] = [one for one in active_grants.find_active(w.read, find_user(work).id, now=w.now) if one.offline]

    def approve(w: UnitOfWork) -> None:
        assert approved_grants.add(w.db, replace(before, id=new_id()), needs_consent=False)

    meanwhile(installation, approve, lambda: transmitter.send(types.ACCOUNT_DISABLED))
    with work() as w:
        assert active_grants.find_active(w.read, before.user_id, now=w.now) == []


class TestCodesFromEmails:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"email_code_sign_in": True})

    def test_a_user_who_signs_in_with_codes_keeps_what_came_from_them(
        self,
        app_of_ada: tuple[RelyingParty, dict[str, Any]],
        transmitter: Transmitter,
        ends: Ends,
        installation: Installation,
        client: TestClient,
        work: Work,
    ) -> None:
        """N-555: the mailbox is another way in, though no credential is stored for it."""
        app, tokens = app_of_ada
        sign_in_person(client, installation, find_user(work).id)
        elsewhere = app.sign_in(client, scope="openid offline_access")
        transmitter.send(types.ACCOUNT_DISABLED)
        assert ends() == [REASON, None]
        assert [app.refresh(one).status for one in (*tokens.values(), elsewhere)] == [400, 400, 200]


NOT_ADA: dict[str, Any] = {
    "another user": BOB,
    "another issuer": {**ADA, "iss": "https://other.example.test"},
    "an unknown address": {**EMAIL, "email": "bob@example.test"},
    "a phone number": {"format": "phone_number", "phone_number": "+15550100"},
    "a device": {"format": "complex", "device": {"format": "opaque", "id": "s1"}},
    "another session of hers": {"format": "complex", "user": ADA, "session": {"format": "opaque", "id": "s2"}},
    "her session, of another": {"format": "complex", "user": BOB, "session": SESSION},
    "a session that is none": {"format": "complex", "user": ADA, "session": {"format": "opaque"}},
    "no format": {"iss": ISSUER, "sub": "ada-at-example"},
    "no subject": None,
    "a text": "ada-at-example",
    "a list": [ADA],
    "aliases of aliases": {"format": "aliases", "identifiers": [{"format": "aliases", "identifiers": [ADA]}]},
}
IS_ADA: dict[str, Any] = {
    "by issuer and subject": ADA,
    "by the drafts": {"subject_type": "iss-sub", "iss": ISSUER, "sub": "ada-at-example"},
    "by her address": EMAIL,
    "by claims": {"subject_type": "id-token-claims", "iss": ISSUER, "sub": "ada-at-example", "email": "x@x.test"},
    "by an ID": {"format": "opaque", "id": "ada-at-example"},
    "by aliases": {"format": "aliases", "identifiers": [BOB | {"format": "did"}, EMAIL]},
    "by user and session": {"format": "complex", "user": ADA, "session": SESSION},
    "by session": {"format": "complex", "session": SESSION},
    "without format": {"user": ADA, "session": SESSION},
}


def test_a_signal_is_about_whom_it_names_and_about_no_one_else(
    inside: Traveller, new_traveller: NewTraveller, transmitter: Transmitter, ends: Ends
) -> None:
    """N-527: an unknown subject is acknowledged, and nothing says that it is unknown (RFC 9493, SSF 1.0 section 3)."""
    for subject in NOT_ADA.values():
        transmitter.send(sub_id=subject)
    assert ends() == [None]
    for done, (name, subject) in enumerate(IS_ADA.items(), start=1):
        transmitter.send(sub_id=subject)
        assert ends() == [REASON] * done, name
        inside.sign_in()


def test_unknown_events_are_acknowledged_and_do_nothing(
    inside: Traveller, transmitter: Transmitter, ends: Ends
) -> None:
    transmitter.send("https://schemas.example.test/event-type/another", {"a": 1})
    transmitter.send(types.STREAM_UPDATED, {"status": "paused"})
    for state in ("test", "t\u00e9st", None, ["test"]):  # of tests that were not requested here
        transmitter.send(types.VERIFICATION, {"state": state}, sub_id={"format": "opaque", "id": "stream"})
        transmitter.send(types.RISC_VERIFICATION, {"state": state}, sub_id=...)
    assert ends() == [None]


def test_after_a_hijacking_the_upstream_has_to_ask_its_user_again(
    inside: Traveller, new_traveller: NewTraveller, transmitter: Transmitter, ends: Ends, clock: Clock
) -> None:
    """N-528: a sign-in that began before does not do, and one that the upstream shows no new proof for neither."""
    elsewhere = new_traveller()
    begun = elsewhere.leave("/login?prompt=login")
    clock.advance(minutes=2)
    transmitter.send(types.ACCOUNT_DISABLED, {"reason": "hijacking"})
    page = elsewhere.come_back(begun)
    again = page.links["Continue to Example"]
    assert "max_age=0" in again
    assert "prompt=login" in again
    inside.provider.claims["auth_time"] = int(clock.now.timestamp()) - 600
    assert elsewhere.come_back(again).status == 403
    assert ends() == [REASON]
    inside.provider.claims["auth_time"] = int(clock.now.timestamp())
    page = inside.sign_in()
    inside.come_back(page.links["Continue to Example"])
    assert ends() == [REASON, None]
    assert "Continue to Example" not in new_traveller().sign_in().links, "once is enough"


class TestRoles:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"example": {**EXAMPLE, "receives_signals": True, "groups_claim": "groups"}}

    def test_changed_claims_end_sessions_where_they_give_roles_or_groups(
        self, inside: Traveller, transmitter: Transmitter, ends: Ends
    ) -> None:
        transmitter.send(types.TOKEN_CLAIMS_CHANGE, {"claims": {"groups": []}})
        assert ends() == [REASON]
