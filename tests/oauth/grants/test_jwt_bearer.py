"""The JWT bearer grant: assertions of trusted issuers about users (RFC 7523 sections 2.1, 3), also ID-JAGs."""

import json
import time
from typing import Any

import httpx2
import pytest

from provider.accounts import linked_identities as links
from provider.accounts import suspension
from provider.audit import store as audit
from provider.oauth.authorize import connected_apps, consent
from provider.oauth.clients import clients
from provider.oauth.clients.choices import JWT_BEARER
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.grants.id_jag import ID_JAG_TYP
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.trusted_issuers import issuers
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from tests.oauth.conftest import Register, Unchanged
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import RelyingParty

IDP = "https://idp.example.test"
API, OTHER = "https://notes.example.test/mcp", "https://films.example.test"
SIGNATORY = Signatory()
SUBJECT = "00u117"
AGENT: dict[str, Any] = {
    "grant_types": (JWT_BEARER,),
    "redirect_uris": (),
    "post_logout_redirect_uris": (),
    "scope": "openid offline_access account read write",
}


@pytest.fixture
def idp(work: Work, ada: str) -> str:
    """A trusted issuer whose account Ada linked. Its ID."""
    with work() as w:
        row = issuers.create(w, IDP, IssuerSettings(jwks=SIGNATORY.jwks, user_mapping="linked"))
        links.attach(w, user_id=ada, issuer=IDP, subject=SUBJECT, email="other@example.test")
    return row.id


@pytest.fixture
def agent(register: Register, idp: str) -> RelyingParty:
    register(resource_identifiers=(API,), grant_types=(), redirect_uris=(), post_logout_redirect_uris=())
    register(resource_identifiers=(OTHER,), grant_types=(), redirect_uris=(), post_logout_redirect_uris=())
    return register(**AGENT)


def claims(agent: RelyingParty, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {
        "iss": IDP,
        "sub": SUBJECT,
        "aud": ISSUER,
        "client_id": agent.client_id,
        "exp": now + 300,
        "iat": now,
        "jti": f"{time.time_ns()}",
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def present(agent: RelyingParty, assertion: str, **body: str) -> httpx2.Response:
    return agent.post("/oauth2/token", grant_type=JWT_BEARER, assertion=assertion, **body)


def jag(agent: RelyingParty, **changes: Any) -> str:
    return SIGNATORY.sign(claims(agent, **changes), typ=ID_JAG_TYP)


def assert_refused(response: httpx2.Response, error: str = "invalid_grant") -> None:
    assert (response.status_code, response.json()["error"]) == (400, error), response.text


def test_an_id_jag_gets_an_access_token_for_the_api_it_names(agent: RelyingParty, ada: str, work: Work) -> None:
    """ID-JAG draft-03 section 4.4: scope and resource are those of the assertion; no refresh token, no ID token."""
    answer = present(agent, jag(agent, scope="read openid other", resource=API, auth_time=1_000_000))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["scope"] == "read"
    assert not {"refresh_token", "id_token"} & body.keys()
    seen = agent.introspect(body["access_token"])
    assert (seen["sub"], seen["aud"], seen["client_id"], seen["amr"]) == (ada, API, agent.client_id, ["fed"])
    with work() as w:
        event = audit.find(w.read, user_id=ada)[0]
    assert (event.name, event.client_id, event.details["issuer"]) == ("token.assertion.accepted", agent.client_id, IDP)


def test_a_plain_assertion_does_so_for_an_app_of_our_own(agent: RelyingParty) -> None:
    assert present(agent, SIGNATORY.sign(claims(agent, client_id=None))).json()["scope"] == "read write"


@pytest.mark.parametrize("changes", [{"aud": "https://other.example.test"}, {"aud": [ISSUER, API]}, {"aud": None}])
def test_an_assertion_for_another_server_is_refused(
    agent: RelyingParty, unchanged: Unchanged, changes: dict[str, Any]
) -> None:
    """N-199: an ID-JAG for another audience, also beside ours (RFC 7523 section 3 no. 3)."""
    with unchanged():
        assert_refused(present(agent, jag(agent, **changes)))


def test_an_assertion_that_names_no_client_works_once_for_all_of_them(agent: RelyingParty, register: Register) -> None:
    """N-566: RFC 7523 section 3 no. 7. The jti is the issuer's, whichever client sends it."""
    other, assertion = register(**AGENT), SIGNATORY.sign(claims(agent, client_id=None))
    assert present(agent, assertion).status_code == 200
    assert_refused(present(other, assertion))


@pytest.mark.both_databases
def test_an_assertion_works_once(agent: RelyingParty) -> None:
    """N-200: RFC 7523 section 3 no. 7."""
    assertion = jag(agent)
    assert present(agent, assertion).status_code == 200
    assert_refused(present(agent, assertion))
    assert_refused(present(agent, jag(agent, jti=None)))


def test_a_refused_request_does_not_use_the_assertion_up(agent: RelyingParty) -> None:
    assertion = jag(agent, resource=API)
    assert_refused(present(agent, assertion, scope="admin:read"), "invalid_scope")
    assert_refused(present(agent, assertion, resource=OTHER), "invalid_target")
    assert present(agent, assertion).status_code == 200


def test_an_id_jag_is_for_its_client(agent: RelyingParty, register: Register) -> None:
    """N-201: an ID-JAG of another client, or of none (ID-JAG draft-03 section 4.4.1)."""
    other = register(**AGENT)
    assert_refused(present(other, jag(agent)))
    assert_refused(present(agent, jag(agent, client_id=None)))


def test_an_issuer_speaks_for_users_only_if_an_operator_says_so(
    agent: RelyingParty, idp: str, work: Work, ada: str
) -> None:
    """N-202: an issuer of workloads is not one of users, and a disabled one is none of either."""
    with work() as w:
        issuers.update(w, idp, IssuerSettings(jwks=SIGNATORY.jwks))
    assert_refused(present(agent, jag(agent)))
    with work() as w:
        issuers.update(w, idp, IssuerSettings(jwks=SIGNATORY.jwks, user_mapping="sub"))
    assert_refused(present(agent, jag(agent)))
    assert present(agent, jag(agent, sub=ada)).status_code == 200
    assert_refused(present(agent, jag(agent, sub=ada.upper())))
    with work() as w:
        issuers.disable(w, idp)
    assert_refused(present(agent, jag(agent, sub=ada)))


def test_an_email_address_names_no_user(agent: RelyingParty) -> None:
    """N-203: whatever the issuer says of the address, only the linked identity counts."""
    for changes in ({"sub": "ada@example.test"}, {"sub": "x", "email": "ada@example.test", "email_verified": True}):
        assert_refused(present(agent, jag(agent, **changes)))
    assert_refused(present(agent, jag(agent, sub=["00u117"])))


def test_a_user_who_is_not_active_gets_no_token(agent: RelyingParty, ada: str, work: Work) -> None:
    """N-204: at the grant, and for tokens issued before."""
    token = present(agent, jag(agent)).json()["access_token"]
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    assert_refused(present(agent, jag(agent)))
    assert agent.introspect(token) == {"active": False}


def test_a_user_who_may_not_sign_in_to_the_client_gets_no_token(agent: RelyingParty, work: Work) -> None:
    """N-270: the assertion is not used up."""
    assertion = jag(agent)
    with work() as w:
        kept = agent.client.metadata.as_json()
        clients.update_client(w, agent.client_id, parse_metadata(kept | {"allowed_roles": ["editor"]}))
    assert_refused(present(agent, assertion))
    with work() as w:
        clients.update_client(w, agent.client_id, parse_metadata(kept))
    assert present(agent, assertion).status_code == 200


def test_a_disabled_client_gets_no_token(agent: RelyingParty, work: Work) -> None:
    """N-205."""
    assertion = jag(agent)
    with work() as w:
        clients.disable(w, agent.client_id)
    assert present(agent, assertion).status_code == 401


def test_a_client_of_others_needs_consent_unless_the_organization_has_decided(
    register: Register, agent: RelyingParty, ada: str, work: Work, server: AuthorizationServer
) -> None:
    """N-206: decision 276. The user's own consent counts, and its end ends the tokens."""
    theirs = register(**AGENT | {"first_party": False})

    def plain(**body: str) -> httpx2.Response:
        return present(theirs, SIGNATORY.sign(claims(theirs)), **body)

    assert_refused(plain())
    assert present(theirs, jag(theirs)).status_code == 200
    with work() as w:
        consent.grant(w, user_id=ada, client=theirs.client, scopes=("read",), claims=frozenset(), resources=(API,))
    assert_refused(plain(scope="write"))
    assert_refused(plain(scope="read", resource=OTHER))
    token = plain(scope="read", resource=API).json()["access_token"]
    assert theirs.introspect(token)["active"]
    with work() as w:
        connected_apps.disconnect(w, server, user_id=ada, client_id=theirs.client_id)
    assert theirs.introspect(token) == {"active": False}
    assert_refused(plain(scope="read"))


@in_one_world("what", ["token", "key", "typ", "expired", "long", "future"])
def test_other_jwts_are_no_assertions(agent: RelyingParty, what: str) -> None:
    """N-207: access tokens, other signers, old and long-lived assertions (RFC 7523 section 3, RFC 8725)."""
    now = int(time.time())
    sent = {
        "token": "x.y.z",
        "key": Signatory.of("RS256").sign(claims(agent)),
        "typ": SIGNATORY.sign(claims(agent), typ="at+jwt"),
        "expired": jag(agent, exp=now - 60),
        "long": jag(agent, exp=now + 7200),
        "future": jag(agent, iat=now + 60),
    }
    assert_refused(present(agent, sent[what]))


ODD_VALUES: tuple[Any, ...] = ("\ud800", "a\x00", 5, 1.5, True, [], [5], ["\ud800"], {}, {"\x00": "a"})


@pytest.mark.both_databases
@in_one_world("name", ["iss", "sub", "aud", "client_id", "exp", "jti", "scope", "resource", "auth_time"])
def test_no_value_of_a_claim_crashes_it(agent: RelyingParty, name: str) -> None:
    """N-622: RFC 7523 section 3.1. JSON can escape what no database can hold, and any claim can have any type."""
    for value in ODD_VALUES:
        answer = present(agent, jag(agent, **{name: value}))
        if name == "auth_time" and "\\u" not in json.dumps(value):
            assert answer.status_code == 200, "it is not needed"
        else:
            assert_refused(answer)


def test_a_client_is_registered_for_the_grant_and_confidential(register: Register, idp: str, rp: RelyingParty) -> None:
    """N-208: RFC 6749 section 5.2."""
    assert_refused(present(rp, jag(rp)), "unauthorized_client")
    with pytest.raises(InvalidMetadata):
        register(**AGENT, public=True)


def test_a_user_stops_an_agent_and_allows_it_again(
    agent: RelyingParty, ada: str, work: Work, server: AuthorizationServer
) -> None:
    """N-209: a client that the user stopped gets no token, whatever the issuer says."""
    token = present(agent, jag(agent)).json()["access_token"]
    with work() as w:
        connected_apps.disconnect(w, server, user_id=ada, client_id=agent.client_id)
    assert agent.introspect(token) == {"active": False}
    refused = present(agent, jag(agent))
    assert_refused(refused)
    assert "does not allow this client to act" in refused.json()["error_description"]
    with work() as w:
        connected_apps.resume(w, user_id=ada, client_id=agent.client_id)
    assert present(agent, jag(agent)).status_code == 200
    assert agent.introspect(token) == {"active": False}
