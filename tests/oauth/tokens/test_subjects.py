"""Who a person is to an app: the same for all, or for each sector another."""

import dataclasses
import json
import uuid
from typing import Any

import pytest

from provider.app import create_app
from provider.config.environment import SettingsError
from provider.crypto.vault import Vault
from provider.oauth.clients.clients import update_client
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.tokens import subjects
from provider.oauth.tokens.store import installation_secrets
from provider.oauth.tokens.subjects import Subjects
from provider.work import Installation
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.factories import make_user
from tests.support.installation import ISSUER, SECRET_KEY, Work
from tests.support.relying_party import LOGOUT, RelyingParty, Tokens

HERE = ("https://app.example.test/callback",)
THERE = ("https://there.example.test/callback",)
OFFLINE = "openid offline_access"


@pytest.fixture
def pairwise(register: Register) -> RelyingParty:
    return register(subject_type="pairwise", redirect_uris=HERE)


def subject(rp: RelyingParty, browser: WatchedClient) -> str:
    return str(rp.verify(rp.sign_in(browser))["sub"])


def everything_told(rp: RelyingParty, tokens: Tokens) -> list[dict[str, Any]]:
    """All the places where a client, or the API it calls, is told of the person."""
    return [rp.verify(tokens), rp.introspect(tokens.access_token), rp.introspect(tokens.refresh_token)]


def test_one_person_is_the_same_everywhere_an_app_is_told_of_them(
    pairwise: RelyingParty, browser: WatchedClient, ada: str
) -> None:
    """OIDC Core sections 5.3.2, 8.1; RFC 9068 section 5, RFC 7662 section 2.2."""
    tokens = pairwise.sign_in(browser, scope=OFFLINE)
    told = everything_told(pairwise, tokens)
    subs = {*(claims["sub"] for claims in told), pairwise.userinfo(tokens).json()["sub"]}
    assert len(subs) == len({claims["sid"] for claims in told}) == 1
    assert ada not in subs
    assert str(ada) not in str(told)


def test_an_api_is_told_what_the_app_is_told(
    register: Register, pairwise: RelyingParty, browser: WatchedClient
) -> None:
    """RFC 9068 section 5: it may not correlate what the app could not."""
    api = register(redirect_uris=(), grant_types=("client_credentials",), response_types=())
    tokens = pairwise.sign_in(browser)
    assert api.introspect(tokens.access_token)["sub"] == pairwise.verify(tokens)["sub"]


def test_two_sectors_cannot_tell_that_it_is_one_person(register: Register, person: Person, ada: str) -> None:
    """OIDC Core section 8.1: not by sub, and not by sid."""
    here, there = (register(subject_type="pairwise", redirect_uris=uris) for uris in (HERE, THERE))
    browser = person(ada)
    told = [rp.verify(rp.sign_in(browser)) for rp in (here, there)]
    for claim in ("sub", "sid"):
        assert told[0][claim] != told[1][claim]


def test_apps_of_one_sector_see_one_person(register: Register, browser: WatchedClient) -> None:
    """OIDC Core section 8.1: the host, or what sector_identifier_uri says."""
    first = register(subject_type="pairwise", redirect_uris=HERE)
    second = register(subject_type="pairwise", redirect_uris=("https://app.example.test/other",))
    third = register(
        subject_type="pairwise",
        redirect_uris=THERE,
        sector_identifier_uri="https://app.example.test/uris.json",
    )
    assert subject(first, browser) == subject(second, browser) == subject(third, browser)


def test_two_users_have_two_subjects(pairwise: RelyingParty, person: Person, ada: str, work: Work) -> None:
    with work() as w:
        bob = make_user(w, "bob@example.test")
    assert subject(pairwise, person(ada)) != subject(pairwise, person(bob))


def test_a_client_with_public_subjects_gets_the_user_id(rp: RelyingParty, browser: WatchedClient, ada: str) -> None:
    """OIDC Core section 8: public is the default, and stays what it was."""
    assert subject(rp, browser) == ada


def test_a_subject_looks_like_one_and_never_like_a_client(pairwise: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 2, at most 255 ASCII characters; RFC 9700 section 4.15: a client id is never a UUID."""
    sub = subject(pairwise, browser)
    assert str(uuid.UUID(sub)) == sub


def test_a_refresh_keeps_the_subject(pairwise: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 12.2."""
    tokens = pairwise.sign_in(browser, scope=OFFLINE)
    refreshed = pairwise.refresh(tokens)
    before, after = pairwise.verify(tokens), pairwise.verify(refreshed, refreshed=True)
    assert (before["sub"], before["sid"]) == (after["sub"], after["sid"])


def test_a_client_that_acts_for_itself_is_its_own_subject(register: Register) -> None:
    """RFC 6749 section 4.4, RFC 9068 section 2.2."""
    rp = register(
        subject_type="pairwise", redirect_uris=HERE, grant_types=("authorization_code", "client_credentials"), scope="x"
    )
    assert rp.introspect(rp.client_credentials().access_token)["sub"] == rp.client_id


# What an app sends back


def test_a_hint_and_a_claim_mean_whom_the_app_knows_by_it(
    register: Register, pairwise: RelyingParty, person: Person, ada: str, work: Work
) -> None:
    """OIDC Core sections 3.1.2.1, 5.5.1: compared as the app knows people, and never by our own id."""
    browser = person(ada)
    tokens = pairwise.sign_in(browser)
    sub = pairwise.verify(tokens)["sub"]
    other = register(subject_type="pairwise", redirect_uris=THERE)
    with work() as w:
        bob = make_user(w, "bob@example.test")
    bobs = person(bob)

    def asked(browser: WatchedClient, **hint: str) -> str | None:
        return pairwise.ask(browser, prompt="none", **hint).error

    def claim(value: str) -> str:
        return json.dumps({"id_token": {"sub": {"value": value}}})

    assert asked(browser, id_token_hint=tokens.id_token) is None
    assert asked(browser, claims=claim(sub)) is None
    assert asked(bobs, id_token_hint=tokens.id_token) == "login_required"
    for stranger in (subject(other, browser), ada, "nobody", "", "0" * 32, sub.upper(), "\x00"):
        assert asked(browser, claims=claim(stranger)) == ("login_required" if stranger else None), stranger


def test_a_pairwise_hint_signs_its_person_out(pairwise: RelyingParty, browser: WatchedClient) -> None:
    """RP-Initiated Logout section 2: at once, because it is the person who is here."""
    response = pairwise.log_out(browser, pairwise.sign_in(browser))
    assert response.headers["location"].startswith("https://app.example.test/signed-out")
    assert pairwise.ask(browser, prompt="none").error == "login_required"


def test_somebody_elses_pairwise_hint_asks_first(
    pairwise: RelyingParty, browser: WatchedClient, person: Person, work: Work
) -> None:
    """RP-Initiated Logout section 2."""
    with work() as w:
        bob = make_user(w, "bob@example.test")
    bobs = person(bob)
    assert pairwise.log_out(bobs, pairwise.sign_in(browser)).status_code == 200
    assert pairwise.ask(bobs, prompt="none").error is None


def test_without_a_cookie_the_hidden_sid_ends_its_session(
    pairwise: RelyingParty, browser: WatchedClient, new_http: Any
) -> None:
    """RP-Initiated Logout section 2: a POST from the app's site brings no cookie (SameSite=Lax)."""
    tokens = pairwise.sign_in(browser)
    assert new_http().post(LOGOUT, data={"id_token_hint": tokens.id_token}).status_code == 303
    assert pairwise.ask(browser, prompt="none").error == "login_required"


# What it stands on


def test_rotating_the_secret_key_changes_no_subject(
    pairwise: RelyingParty, browser: WatchedClient, installation: Installation
) -> None:
    """docs/reference/settings.md, the secret key: `new,old`, and in time only what was made with `new` is left."""
    before = subject(pairwise, browser)
    rotated = dataclasses.replace(installation, vault=Vault(("a newer secret key of 32 characters", SECRET_KEY)))
    app = create_app(rotated)
    again = RelyingParty(WatchedClient(app, ISSUER), pairwise.client, pairwise.secret)
    other_process = WatchedClient(app, ISSUER)
    other_process.cookies = browser.cookies
    other_process.may_go_to = browser.may_go_to
    assert subject(again, other_process) == before
    app.state.threads.close()


@pytest.mark.both_databases
def test_two_processes_agree(pairwise: RelyingParty, work: Work, ada: str) -> None:
    with work() as w:
        found = {Subjects().user_id_of(w, pairwise.client, ada) for _ in range(2)}
    assert len(found) == 1


@pytest.mark.both_databases
def test_the_salt_is_made_once_and_encrypted(work: Work) -> None:
    """A-104."""
    with work() as w:
        assert not subjects.create_salt(w)
        sealed = installation_secrets.find(w.read, subjects.PURPOSE)
        assert sealed is not None
        assert len(w.vault.decrypt(sealed, purpose=subjects.PURPOSE)) == 32
        assert not installation_secrets.add(w.db, subjects.PURPOSE, "another", now=w.now)
        assert installation_secrets.find(w.read, subjects.PURPOSE) == sealed


def test_a_lost_salt_is_an_error_and_is_not_replaced(work: Work) -> None:
    """F-12: another one would make strangers of everybody."""
    with work() as w:
        sealed = installation_secrets.find(w.read, subjects.PURPOSE)
        assert sealed is not None
        w.db.execute(installation_secrets.installation_secrets.delete())
        with pytest.raises(SettingsError, match="signet migrate"):
            Subjects().require_salt(w)
        # The PostgreSQL database is not made anew for each test; this row stays.
        installation_secrets.add(w.db, subjects.PURPOSE, sealed, now=w.now)


def test_a_public_client_needs_no_salt(rp: RelyingParty, work: Work, ada: str) -> None:
    """Decision 25: no query more than before."""
    with work() as w:
        assert Subjects().user_id_of(w, rp.client, ada) == ada
        assert w._connection is None


# Registration


@pytest.mark.parametrize(
    "changes",
    [
        {"subject_type": "private"},
        {"subject_type": "pairwise", "redirect_uris": [*HERE, *THERE]},
        {"subject_type": "pairwise", "redirect_uris": ["com.example.app:/callback"]},
        {"subject_type": "pairwise", "redirect_uris": ["http://127.0.0.1/callback"]},
        {"subject_type": "pairwise", "redirect_uris": [], "grant_types": ["client_credentials"]},
        {"sector_identifier_uri": "http://app.example.test/uris.json"},
        {"sector_identifier_uri": 1},
    ],
)
def test_a_sector_must_be_one(changes: dict[str, Any]) -> None:
    """OIDC Core section 8.1: several hosts need a sector_identifier_uri."""
    with pytest.raises(InvalidMetadata):
        parse_metadata({"redirect_uris": list(HERE), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"subject_type": "public"},
        {"redirect_uris": THERE},
        {"sector_identifier_uri": "https://there.example.test/uris.json"},
    ],
)
def test_no_change_of_a_client_may_change_its_subjects(
    pairwise: RelyingParty, work: Work, changes: dict[str, Any]
) -> None:
    """OIDC Core section 12.2: a refresh would name somebody else."""
    with work() as w, pytest.raises(InvalidMetadata, match="cannot be changed"):
        update_client(w, pairwise.client_id, dataclasses.replace(pairwise.client.metadata, **changes))


def test_a_pairwise_client_may_move_within_its_sector(
    pairwise: RelyingParty, browser: WatchedClient, work: Work, hosts: set[str]
) -> None:
    """OIDC Core section 8.1: what sector_identifier_uri is for."""
    before = subject(pairwise, browser)
    hosts.add("there.example.test")
    sector = "https://app.example.test/uris.json"
    moved = dataclasses.replace(pairwise.client.metadata, redirect_uris=THERE, sector_identifier_uri=sector)
    with work() as w:
        update_client(w, pairwise.client_id, moved)
    pairwise.client = dataclasses.replace(pairwise.client, metadata=moved)
    assert subject(pairwise, browser) == before
