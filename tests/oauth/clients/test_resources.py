"""Resource indicators: an access token for one API is good there and nowhere else (RFC 8707; attack A-57)."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from joserfc import jws

from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.resources import normalize, spellings
from provider.oauth.grants.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from tests.oauth.conftest import Explain, Register
from tests.support.cases import in_one_world
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
@in_one_world(
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
        with pytest.raises(InvalidMetadata, match="registered for another API"):
            register_api(register, taken)
    for invalid in ("books", "https://books.example.test/#x", "https://books.example.test/" + "x" * 600):
        with pytest.raises(InvalidMetadata, match="resource_identifiers"):
            register_api(register, invalid)


@pytest.mark.parametrize(
    ("uri", "normal"),
    [
        ("https://api.test", "https://api.test/"),
        ("https://api.test/", "https://api.test/"),
        ("HTTPS://API.test:443", "https://api.test/"),
        ("https://api.test:", "https://api.test/"),
        ("http://localhost:80/", "http://localhost/"),
        ("http://localhost:8080", "http://localhost:8080/"),
        ("https://[::1]", "https://[::1]/"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]/"),
        ("https://api%2Etest/", "https://api.test/"),
        ("https://api.test?x=Y", "https://api.test/?x=Y"),
        ("https://api.test/Path", "https://api.test/Path"),
        ("https://api.test/path/", "https://api.test/path/"),
        ("https://api.test:80/", "https://api.test:80/"),
        ("urn:example:books", "urn:example:books"),
        ("com.example.api:/x", "com.example.api:/x"),
        ("books", "books"),
    ],
)
def test_resources_are_compared_in_normal_form(uri: str, normal: str) -> None:
    """RFC 3986 sections 6.2.2.1, 6.2.3."""
    assert normalize(uri) == normal
    assert normal in spellings(uri)
    assert normalize(normal) == normal


@pytest.mark.both_databases
@pytest.mark.parametrize("registered", ["https://films.example.test", "https://films.example.test/"])
def test_an_empty_path_and_a_slash_are_one_resource(
    register: Register, rp: RelyingParty, browser: httpx2.Client, registered: str
) -> None:
    """RFC 3986 section 6.2.3: at every endpoint; the token names the API as it is registered, because it compares."""
    films = register_api(register, registered)
    for asked in ("https://films.example.test", "https://films.example.test/", "https://FILMS.example.test:443"):
        answer = ask(rp, browser, asked, scope="offline_access books:read")
        tokens = rp.redeem(answer, resource=asked)
        assert aud(tokens) == registered
        assert films.is_active(tokens.access_token)
        for again in (FILMS, FILMS + "/"):
            tokens = rp.refresh(tokens, resource=again)
            assert aud(tokens) == registered
        assert aud(rp.client_credentials(resource=asked, scope="books:read")) == registered
    both = ask(rp, browser, FILMS, FILMS + "/", scope="books:read")
    assert aud(rp.redeem(both)) == registered
    for own in (ISSUER, ISSUER + "/", ISSUER.replace("https", "HTTPS") + ":443"):
        assert aud(rp.client_credentials(resource=own, scope="books:read")) == ISSUER


@pytest.mark.both_databases
def test_a_resource_in_another_spelling_is_taken(register: Register) -> None:
    """RFC 3986 section 6.2.3: of another API, of the same one, and of this installation."""
    register_api(register, FILMS)
    for taken in (FILMS, FILMS + "/", ISSUER, ISSUER + "/"):
        with pytest.raises(InvalidMetadata, match="registered for another API"):
            register_api(register, taken)
    with pytest.raises(InvalidMetadata, match="the same resource"):
        register_api(register, "https://maps.example.test", "https://maps.example.test/")
    with pytest.raises(InvalidMetadata, match="must be written as https"):
        register_api(register, "https://Maps.example.test:443")


def test_tokens_are_exchanged_for_an_api_in_either_spelling(
    register: Register, rp: RelyingParty, browser: httpx2.Client
) -> None:
    """RFC 8693 section 2.1, RFC 3986 section 6.2.3."""
    register_api(register, FILMS)
    nobody: dict[str, Any] = {"redirect_uris": (), "post_logout_redirect_uris": (), "scope": "books:read"}
    books = register(
        resource_identifiers=("https://books.example.test/",),
        exchange_targets=(FILMS + "/",),
        grant_types=("client_credentials", GRANT_TYPE),
        **nobody,
    )
    shown = rp.redeem(ask(rp, browser, "https://books.example.test", scope="books:read"))
    given = {"subject_token": shown.access_token, "subject_token_type": ACCESS_TOKEN}
    for name in ("resource", "audience"):
        exchanged = Tokens(books.post(TOKEN, grant_type=GRANT_TYPE, **{name: FILMS}, **given))
        assert aud(exchanged) == FILMS
