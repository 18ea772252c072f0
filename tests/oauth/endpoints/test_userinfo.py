"""Claims for an access token, and only for one that counts."""

import json
from datetime import date
from typing import Any

import pytest

from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.groups.members import add_member, remove_member
from provider.accounts.store import users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.email_addresses import add as add_address
from provider.oauth.tokens.claims import MOST_NAMES
from provider.oauth.tokens.server import AuthorizationServer
from tests.oauth.conftest import Explain, Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import USERINFO, RelyingParty

PROFILE: dict[str, Any] = {
    "name": "Ada King",
    "given_name": "Ada",
    "family_name": "King",
    "middle_name": "Augusta",
    "nickname": "ada",
    "preferred_username": "ada",
    "profile": "https://ada.example.test/",
    "picture": "https://ada.example.test/p.png",
    "website": "https://ada.example.test/w",
    "gender": "female",
    "birthdate": date(1815, 12, 10).isoformat(),
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
}
ADDRESS = {"street_address": "12 St James's Square", "locality": "London", "country": "GB"}


@pytest.fixture
def full(work: Work) -> str:
    """Somebody who filled in everything."""
    with work() as w:
        claims = {**PROFILE, "address": ADDRESS, "phone_number": "+44 20 0000", "phone_number_verified": False}
        return make_user(w, "full@example.test", roles=("admin", "editor"), **claims)


@in_one_world(
    ("scope", "claims"),
    [
        ("openid", set()),
        ("openid profile", {*PROFILE, "updated_at"}),
        ("openid email", {"email", "email_verified"}),
        ("openid address", {"address"}),
        ("openid phone", {"phone_number", "phone_number_verified"}),
        ("openid roles", {"roles"}),
        ("openid offline_access", set()),
    ],
)
def test_each_scope_releases_its_claims_and_no_other(
    rp: RelyingParty, person: Person, full: str, scope: str, claims: set[str]
) -> None:
    """OIDC Core section 5.4; A-59, oidcc-scope-*."""
    tokens = rp.sign_in(person(full), scope=scope)
    assert set(rp.userinfo(tokens).json()) == {"sub", *claims}


def test_the_claims_are_typed(rp: RelyingParty, person: Person, full: str) -> None:
    """OIDC Core section 5.1; oidcc-scope-all."""
    body = rp.userinfo(rp.sign_in(person(full), scope="openid profile email address phone roles")).json()
    assert body["sub"] == full
    assert body["email_verified"] is True
    assert body["phone_number_verified"] is False
    assert body["address"] == ADDRESS
    assert isinstance(body["updated_at"], int)
    assert body["roles"] == ["admin", "editor"]
    assert None not in body.values()
    assert "" not in body.values()


def test_roles_are_in_every_token_that_asked_for_them(rp: RelyingParty, person: Person, full: str) -> None:
    """Decision 16: scope roles, in the access token and the ID token."""
    tokens = rp.sign_in(person(full), scope="openid roles")
    assert rp.verify(tokens)["roles"] == rp.introspect(tokens.access_token)["roles"] == ["admin", "editor"]
    assert "roles" not in rp.introspect(rp.sign_in(person(full)).access_token)


def test_groups_are_in_every_token_that_asked_for_them(
    register: Register, person: Person, full: str, work: Work
) -> None:
    """RFC 9068 section 2.2.3.1: in userinfo, the ID token, the access token and introspection, if asked for."""
    with work() as w:
        create_group(w, "backend", GroupSettings(roles=("on-call",)))
        create_group(w, "engineering", GroupSettings(groups=("backend",), roles=("developer",)))
        add_member(w, "backend", user_id=full)
    rp = register(scope="openid roles groups")
    tokens = rp.sign_in(person(full), scope="openid groups roles")
    found = [rp.userinfo(tokens).json(), rp.verify(tokens), rp.introspect(tokens.access_token)]
    assert [claims["groups"] for claims in found] == [["backend", "engineering"]] * 3
    assert [claims["roles"] for claims in found] == [["admin", "editor", "developer", "on-call"]] * 3
    assert "groups" not in rp.userinfo(rp.sign_in(person(full), scope="openid roles")).json()
    with work() as w:
        remove_member(w, "backend", user_id=full)
    assert rp.userinfo(tokens).json()["roles"] == ["admin", "editor"]


def test_a_token_says_that_there_are_groups_instead_of_listing_too_many(
    register: Register, person: Person, full: str, work: Work
) -> None:
    """N-258: a list that was cut would be taken for all of it. Userinfo has them all."""
    with work() as w:
        for number in range(MOST_NAMES + 1):
            create_group(w, f"g{number:03}", GroupSettings())
            add_member(w, f"g{number:03}", user_id=full)
    rp = register(scope="openid groups")
    tokens = rp.sign_in(person(full), scope="openid groups")
    for claims in (rp.verify(tokens), rp.introspect(tokens.access_token)):
        assert "groups" not in claims
        assert claims["hasgroups"] is True
    assert len(rp.userinfo(tokens).json()["groups"]) == MOST_NAMES + 1


def test_claims_of_scopes_come_from_userinfo_and_not_in_the_id_token(
    rp: RelyingParty, person: Person, full: str
) -> None:
    """OIDC Core section 5.4; oidcc-server, oidcc-scope-email."""
    claims = rp.verify(rp.sign_in(person(full), scope="openid profile email"))
    assert not {"name", "email"} & set(claims)


def test_a_client_may_be_registered_to_get_them_in_the_id_token(register: Register, person: Person, full: str) -> None:
    """The metadata `claims_in_id_token`, for libraries that read nothing but the ID token."""
    rp = register(claims_in_id_token=True)
    claims = rp.verify(rp.sign_in(person(full), scope="openid profile email"))
    assert (claims["name"], claims["email"]) == ("Ada King", "full@example.test")


def test_what_a_person_changes_is_seen_at_once(rp: RelyingParty, browser: WatchedClient, ada: str, work: Work) -> None:
    """OIDC Core section 5.3.2."""
    tokens = rp.sign_in(browser, scope="openid profile")
    with work() as w:
        users.set_claims(w.db, ada, {"name": "Ada King"}, now=w.now)
    assert rp.userinfo(tokens).json()["name"] == "Ada King"


def test_an_unverified_address_is_not_released_as_verified(
    rp: RelyingParty, browser: WatchedClient, ada: str, work: Work
) -> None:
    """A-59, A-106: the verified address stays until the new one is."""
    with work() as w:
        new = EmailAddress(
            "0190b6b6-0000-7000-8000-000000000001", ada, "new@example.test", "new@example.test", w.now, None
        )
        add_address(w.db, new)
    body = rp.userinfo(rp.sign_in(browser, scope="openid email")).json()
    assert (body["email"], body["email_verified"]) == ("ada@example.test", True)


def test_single_claims_are_released_where_they_were_asked_for(rp: RelyingParty, person: Person, full: str) -> None:
    """OIDC Core section 5.5: each place its own, with `value` and `values` (section 5.5.1)."""
    asked = {
        "id_token": {"nickname": None, "zoneinfo": {"value": "UTC"}, "locale": {"values": ["de", "en-GB"]}},
        "userinfo": {"website": {"essential": True}, "zoneinfo": {"value": "Europe/London"}, "unheard_of": None},
    }
    tokens = rp.sign_in(person(full), claims=json.dumps(asked))
    claims, body = rp.verify(tokens), rp.userinfo(tokens).json()
    assert {name: claims.get(name) for name in PROFILE} == dict.fromkeys(PROFILE) | {
        "nickname": "ada",
        "locale": "en-GB",
    }
    assert body == {"sub": full, "website": PROFILE["website"], "zoneinfo": "Europe/London"}


# How the token is sent


def test_a_token_may_come_by_get_by_post_and_in_the_form(rp: RelyingParty, browser: WatchedClient, ada: str) -> None:
    """OIDC Core section 5.3.1; oidcc-userinfo-get, -post-header, -post-body."""
    token = rp.sign_in(browser).access_token
    header = {"authorization": f"Bearer {token}"}
    for response in (
        rp.http.get(USERINFO, headers=header),
        rp.http.post(USERINFO, headers=header),
        rp.http.post(USERINFO, data={"access_token": token}),
    ):
        assert (response.status_code, response.json()) == (200, {"sub": ada})
        assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_not_case_sensitive(rp: RelyingParty, browser: WatchedClient, scheme: str) -> None:
    """RFC 9110 section 11.1; A-60."""
    token = rp.sign_in(browser).access_token
    assert rp.http.get(USERINFO, headers={"authorization": f"{scheme} {token}"}).status_code == 200


def test_a_token_in_the_url_is_ignored(rp: RelyingParty, browser: WatchedClient) -> None:
    """OAuth 2.1 section 5.1; A-60."""
    token = rp.sign_in(browser).access_token
    response = rp.http.get(USERINFO, params={"access_token": token})
    assert response.status_code == 401
    about = f"{ISSUER}/.well-known/oauth-protected-resource/oauth2/userinfo"
    assert response.headers["www-authenticate"].startswith(f'Bearer realm="signet", resource_metadata="{about}", DPoP ')
    assert token not in response.text


def test_a_token_sent_twice_is_refused(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6750 section 2; A-60."""
    token = rp.sign_in(browser).access_token
    header = {"authorization": f"Bearer {token}"}
    form = "application/x-www-form-urlencoded"
    body = f"access_token={token}".encode()
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    for response in (
        rp.http.post(USERINFO, headers=header, data={"access_token": token}),
        rp.http.get(USERINFO, headers=twice),
        rp.http.post(USERINFO, content=body + b"&" + body, headers={"content-type": form}),
    ):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_missing_token_is_explained_too(http: WatchedClient, explain: Explain) -> None:
    """The refusal is explained: the check, what was expected, what came and what to do."""
    assert explain(http.get(USERINFO).json()["error_id"]).checks[-1]["name"] == "The request has an access token"


def test_a_form_with_a_get_is_not_read(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6750 section 2.2; A-60."""
    token = rp.sign_in(browser).access_token
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = rp.http.request("GET", USERINFO, content=f"access_token={token}".encode(), headers=headers)
    assert response.status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "Token x", "x"])
def test_without_a_token_the_challenge_has_no_code(http: WatchedClient, header: str) -> None:
    """RFC 6750 section 3.1."""
    response = http.get(USERINFO, headers={"authorization": header})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="signet"')


# Which tokens count


def test_no_other_token_is_an_access_token(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 8725 section 3.11; A-56."""
    tokens = rp.sign_in(browser, scope="openid offline_access")
    assert tokens.answer is not None
    for token in (
        tokens.id_token,
        tokens.refresh_token,
        tokens.answer.code,
        "not-a-token",
        "a.b.c",
        "\x7f",
        tokens.access_token[:-1],
    ):
        response = rp.userinfo(token)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
        assert token not in response.text


def test_an_expired_token_is_refused(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """RFC 6750 section 3.1; A-108: to the second."""
    tokens = rp.sign_in(browser)
    clock.advance(seconds=599)
    assert rp.userinfo(tokens).status_code == 200
    clock.advance(seconds=1)
    assert rp.userinfo(tokens).status_code == 401


def test_a_token_is_refused_whose_client_is_deleted_at_the_same_moment(
    rp: RelyingParty, browser: WatchedClient, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-583; RFC 6750 section 3.1: its grant was read, and then the client was gone."""
    tokens = rp.sign_in(browser)
    monkeypatch.setattr(server.clients, "find", lambda *_: None)
    response = rp.userinfo(tokens)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


def test_a_token_without_openid_is_not_enough(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 5.3.1, RFC 6750 section 3.1."""
    response = rp.userinfo(rp.redeem(rp.ask(browser, scope="email")))
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert ', scope="openid"' in response.headers["www-authenticate"]


def test_a_refused_token_is_explained_and_not_kept(
    rp: RelyingParty, browser: WatchedClient, clock: Clock, explain: Explain
) -> None:
    """The refusal is explained: the check, what was expected, what came and what to do."""
    tokens = rp.sign_in(browser)
    clock.advance(hours=1)
    row = explain(rp.userinfo(tokens).json()["error_id"])
    assert row.checks[-1]["got"] == "it has expired or is not valid yet"
    assert tokens.access_token[:40] not in str(row)
