"""Resource indicators: an access token for one API is good there and nowhere else (RFC 8707; attack A-57)."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from joserfc import jws

from provider.oauth.clients.metadata import InvalidMetadata
from tests.oauth.conftest import Explain, Register
from tests.support.client_keys import Signatory
from tests.support.installation import ISSUER
from tests.support.relying_party import AUTHORIZE, TOKEN, Answer, RelyingParty, Tokens

BOOKS, FILMS = "https://books.example.test/api", "https://films.example.test"


def register_api(register: Register, *identifiers: str) -> RelyingParty:
    """As operators register one: it signs nobody in."""
    nobody: dict[str, Any] = {"grant_types": (), "redirect_uris": (), "post_logout_redirect_uris": ()}
    return register(resource_identifiers=identifiers, **nobody)


@pytest.fixture
def books(register: Register) -> RelyingParty:
    return register_api(register, BOOKS)


@pytest.fixture
def films(register: Register) -> RelyingParty:
    return register_api(register, FILMS)


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    grant_types = ("authorization_code", "refresh_token", "client_credentials")
    return register(grant_types=grant_types, scope="openid profile offline_access books:read", jwks=Signatory().jwks)


def aud(tokens: Tokens) -> object:
    assert tokens.status == 200, tokens.body
    return json.loads(jws.extract_compact(tokens.access_token.encode()).payload)["aud"]


def ask(rp: RelyingParty, browser: httpx2.Client, *resources: str, **changes: str | None) -> Answer:
    """`resource` once for each (section 2)."""
    parameters, verifier = rp.request(**changes)
    query = urlencode([*parameters.items(), *(("resource", uri) for uri in resources)])
    return Answer(browser.get(f"{AUTHORIZE}?{query}", follow_redirects=False), parameters, verifier)


def test_a_token_for_an_api_is_good_there_and_nowhere_else(
    rp: RelyingParty, books: RelyingParty, films: RelyingParty, browser: httpx2.Client
) -> None:
    """RFC 8707 section 2, RFC 7662 section 2.1: without openid, userinfo is not among what was granted."""
    tokens = rp.redeem(ask(rp, browser, BOOKS, scope="books:read"))
    assert aud(tokens) == BOOKS
    assert books.introspect(tokens.access_token)["aud"] == BOOKS
    assert films.introspect(tokens.access_token) == {"active": False}
    refused = rp.userinfo(tokens)
    assert refused.status_code == 401
    assert "invalid_token" in refused.headers["www-authenticate"]
    assert rp.is_active(tokens.access_token)  # one's own


def test_each_token_of_a_grant_is_for_as_much_as_is_asked(
    rp: RelyingParty, books: RelyingParty, films: RelyingParty, browser: httpx2.Client
) -> None:
    """RFC 8707 section 2.2: all that was granted, or what is named; with openid userinfo too; at a refresh anew."""
    answer = ask(rp, browser, BOOKS, FILMS, scope="openid offline_access")
    tokens = rp.redeem(answer)
    assert aud(tokens) == [BOOKS, FILMS, ISSUER]
    assert rp.userinfo(tokens).status_code == 200
    narrowed = rp.refresh(tokens, resource=FILMS)
    assert aud(narrowed) == FILMS
    assert rp.userinfo(narrowed).status_code == 401
    own = rp.refresh(narrowed, resource=f"{ISSUER}/oauth2/userinfo")
    assert aud(own) == ISSUER
    assert aud(rp.refresh(own)) == [BOOKS, FILMS, ISSUER]
    tokens = rp.redeem(ask(rp, browser, BOOKS, FILMS), resource=BOOKS)
    assert aud(tokens) == BOOKS


def test_several_are_named_by_repeating_the_parameter(
    rp: RelyingParty, books: RelyingParty, films: RelyingParty, browser: httpx2.Client
) -> None:
    """At the token endpoint as well; and anything else may still come only once."""
    answer = ask(rp, browser, BOOKS, FILMS, scope="books:read")
    headers, _ = rp.authentication()
    form = [("grant_type", "authorization_code"), ("code", answer.code), ("code_verifier", answer.verifier)]
    form += [("redirect_uri", answer.asked["redirect_uri"]), ("resource", FILMS), ("resource", BOOKS)]
    as_form = {**headers, "content-type": "application/x-www-form-urlencoded"}
    response = rp.http.post(TOKEN, content=urlencode(form), headers=as_form)
    assert aud(Tokens(response)) == [FILMS, BOOKS]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "resource",
    ["https://nobody.example.test", BOOKS + "/", "books", f"{BOOKS}#part", "javascript:alert(1)", ISSUER + "/x"],
)
def test_what_is_no_api_of_ours_is_an_invalid_target(
    rp: RelyingParty, books: RelyingParty, browser: httpx2.Client, resource: str, explain: Explain
) -> None:
    """RFC 8707 section 2, at every endpoint that takes it."""
    assert ask(rp, browser, resource).error == "invalid_target"
    parameters, _ = rp.request(resource=resource)
    assert rp.post("/oauth2/par", **parameters).json()["error"] == "invalid_target"
    refused = rp.client_credentials(resource=resource)
    assert refused.error == "invalid_target"
    assert explain(refused.error_id).checks[-1]["section"] == "RFC 8707 section 2"


def test_what_was_not_granted_is_not_given(
    rp: RelyingParty, books: RelyingParty, films: RelyingParty, browser: httpx2.Client
) -> None:
    """RFC 8707 section 2.2; and a refusal spends nothing."""
    answer = ask(rp, browser, BOOKS, scope="openid offline_access")
    assert rp.redeem(answer, resource=FILMS).error == "invalid_target"
    tokens = rp.redeem(answer)
    assert rp.refresh(tokens, resource=FILMS).error == "invalid_target"
    assert rp.refresh(tokens, resource=BOOKS).status == 200
    plain = rp.redeem(ask(rp, browser))
    assert aud(plain) == ISSUER
    assert rp.refresh(plain, resource=BOOKS).error == "invalid_target"


def test_a_client_for_itself_names_the_api(rp: RelyingParty, books: RelyingParty, films: RelyingParty) -> None:
    tokens = rp.client_credentials(resource=BOOKS, scope="books:read")
    assert aud(tokens) == BOOKS
    assert books.introspect(tokens.access_token)["active"]
    assert films.introspect(tokens.access_token) == {"active": False}
    assert aud(rp.client_credentials(scope="books:read")) == ISSUER


def test_it_may_be_inside_a_request_object_and_is_kept_while_a_request_waits(
    rp: RelyingParty, books: RelyingParty, films: RelyingParty, browser: httpx2.Client
) -> None:
    """RFC 9101 section 4: a list there; RFC 9126."""
    parameters, verifier = rp.request()
    signed = rp.signatory.sign({**parameters, "resource": [BOOKS, FILMS], "iss": rp.client_id, "aud": ISSUER})
    uri = rp.post("/oauth2/par", request=signed).json()["request_uri"]
    response = browser.get(AUTHORIZE, params={"client_id": rp.client_id, "request_uri": uri}, follow_redirects=False)
    assert aud(rp.redeem(Answer(response, parameters, verifier))) == [BOOKS, FILMS, ISSUER]


def test_an_identifier_belongs_to_one_api(register: Register, books: RelyingParty) -> None:
    for taken in (BOOKS, ISSUER, f"{ISSUER}/api/account"):
        with pytest.raises(InvalidMetadata, match="another API's"):
            register_api(register, taken)
    for invalid in ("books", "https://books.example.test/#x", "https://books.example.test/" + "x" * 600):
        with pytest.raises(InvalidMetadata, match="resource_identifiers"):
            register_api(register, invalid)
