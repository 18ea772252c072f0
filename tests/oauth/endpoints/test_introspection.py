"""Whether a token is good, told only to those it concerns."""

import pytest

from provider.oauth.clients import clients
from provider.oauth.explanations import find_explanation
from tests.oauth.conftest import Explain, Register
from tests.oauth.grants.test_authorization_code import ENDINGS
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import INTROSPECT, ISSUER, RelyingParty, Tokens

INACTIVE = {"active": False}


@pytest.fixture
def api(register: Register) -> RelyingParty:
    """A resource server: a client that signs nobody in."""
    return register(redirect_uris=(), grant_types=())


@pytest.fixture
def tokens(rp: RelyingParty, browser: WatchedClient) -> Tokens:
    return rp.sign_in(browser, scope="openid offline_access")


def test_an_access_token_is_described(rp: RelyingParty, tokens: Tokens, ada: str, clock: Clock) -> None:
    """RFC 7662 section 2.2, RFC 9068 section 2.2. Replaces: second factor inside the token."""
    body = rp.introspect(tokens.access_token)
    now = int(clock.now.timestamp())
    assert (body["active"], body["token_type"], body["iss"], body["aud"]) == (True, "Bearer", ISSUER, ISSUER)
    assert (body["sub"], body["client_id"], body["scope"]) == (ada, rp.client_id, "openid offline_access")
    assert (body["iat"], body["exp"], body["auth_time"]) == (now, now + 600, now - 40)
    assert (body["acr"], body["amr"]) == ("aal1", ["pwd"])
    assert body["jti"]


def test_a_refresh_token_is_described_to_its_client(rp: RelyingParty, tokens: Tokens, ada: str) -> None:
    """RFC 7662 section 2.2."""
    body = rp.introspect(tokens.refresh_token)
    assert (body["active"], body["sub"], body["client_id"]) == (True, ada, rp.client_id)


def test_an_api_may_ask_about_the_access_tokens_it_is_shown(api: RelyingParty, tokens: Tokens) -> None:
    """RFC 7662 section 2.1."""
    assert api.is_active(tokens.access_token)
    assert api.introspect(tokens.refresh_token) == INACTIVE


def test_an_api_that_signs_people_in_too_may_ask_about_tokens_that_name_it(
    register: Register, rp: RelyingParty, browser: WatchedClient
) -> None:
    """RFC 7662 section 2.1: by its resource_identifiers, in any spelling; not about tokens for the issuer."""
    both = register(resource_identifiers=("https://books.example.test",))
    for resource in ("https://books.example.test", "https://books.example.test/"):
        tokens = rp.redeem(rp.ask(browser, resource=resource))
        assert both.introspect(tokens.access_token)["aud"] == ["https://books.example.test", ISSUER]
    assert both.introspect(rp.redeem(rp.ask(browser)).access_token) == INACTIVE


def test_another_app_learns_nothing_and_its_operator_learns_why(
    register: Register, tokens: Tokens, explain: Explain
) -> None:
    """RFC 7662 section 4; A-57: also not whether the token is one of ours."""
    other = register()
    for token, whose in ((tokens.access_token, "a token of"), (tokens.refresh_token, "one of")):
        answer = other.post(INTROSPECT, token=token)
        assert (answer.status_code, answer.json()) == (200, INACTIVE)
        row = explain(answer.headers["x-request-id"])
        assert (row.endpoint, row.client_id, row.error) == ("introspection", other.client_id, "access_denied")
        assert row.checks[-1]["got"].startswith(whose)
        assert token not in str(row)


def test_an_inactive_token_needs_no_explanation(rp: RelyingParty, work: Work) -> None:
    """RFC 7662 section 2.2: the usual answer about an old token writes nothing."""
    answer = rp.post(INTROSPECT, token="x")
    with work() as w:
        assert find_explanation(w, answer.headers["x-request-id"]) is None


def test_public_and_unauthenticated_clients_cannot_introspect(
    register: Register, http: WatchedClient, tokens: Tokens
) -> None:
    """RFC 7662 section 2.1; A-57."""
    public = register(public=True)
    for form in ({"token": tokens.access_token}, {"token": tokens.access_token, "client_id": public.client_id}):
        response = http.post(INTROSPECT, data=form)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    bearer = {"authorization": f"Bearer {tokens.access_token}"}
    assert http.post(INTROSPECT, data={"token": tokens.access_token}, headers=bearer).status_code == 401


def test_a_malformed_token_is_inactive(rp: RelyingParty, tokens: Tokens) -> None:
    """RFC 7662 section 2.2; A-56."""
    assert tokens.answer is not None
    wrong = (
        tokens.id_token,
        tokens.answer.code,
        "x",
        "a.b.c",
        "..",
        "\x00",
        "ä",
        "' OR 1=1 --",
        "x" * 9000,
        "%00.%00.%00",
    )
    for token in wrong:
        assert rp.introspect(token) == INACTIVE


def test_a_missing_token_is_an_invalid_request(rp: RelyingParty) -> None:
    """RFC 7662 section 2.1."""
    response = rp.post(INTROSPECT)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "unheard-of"])
def test_a_hint_is_only_a_hint(rp: RelyingParty, tokens: Tokens, hint: str) -> None:
    """RFC 7662 section 2.1."""
    for token in (tokens.access_token, tokens.refresh_token):
        assert rp.post(INTROSPECT, token=token, token_type_hint=hint).json()["active"] is True


def test_a_rotated_refresh_token_is_inactive(rp: RelyingParty, tokens: Tokens) -> None:
    """RFC 7662 section 2.2; and asking spends nothing."""
    second = rp.refresh(tokens)
    assert rp.introspect(tokens.refresh_token) == INACTIVE
    assert rp.is_active(second.refresh_token)
    assert rp.refresh(second).status == 200


@pytest.mark.parametrize("ending", [name for name in ENDINGS if name != "signed out"])
def test_a_token_is_inactive_after_its_grant_ended(
    rp: RelyingParty, api: RelyingParty, tokens: Tokens, ada: str, work: Work, clock: Clock, ending: str
) -> None:
    """A-105."""
    clock.advance(seconds=1)
    ENDINGS[ending](work, ada, rp)
    assert api.introspect(tokens.access_token) == INACTIVE
    assert rp.introspect(tokens.refresh_token) == INACTIVE


def test_a_token_is_inactive_after_its_client_was_disabled(
    rp: RelyingParty, api: RelyingParty, tokens: Tokens, work: Work
) -> None:
    """A-26: at userinfo too."""
    with work() as w:
        clients.disable(w, rp.client_id)
    assert api.introspect(tokens.access_token) == INACTIVE
    assert rp.userinfo(tokens).status_code == 401


def test_a_disabled_api_may_not_ask(api: RelyingParty, tokens: Tokens, work: Work) -> None:
    """RFC 7662 section 2.1."""
    with work() as w:
        clients.disable(w, api.client_id)
    assert api.post(INTROSPECT, token=tokens.access_token).json()["error"] == "invalid_client"


def test_an_expired_token_is_inactive(rp: RelyingParty, tokens: Tokens, clock: Clock) -> None:
    """RFC 7662 section 2.2."""
    clock.advance(minutes=10)
    assert rp.introspect(tokens.access_token) == INACTIVE
