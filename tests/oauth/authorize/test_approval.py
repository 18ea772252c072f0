"""What an answer holds: a code, and with the response types for old apps tokens, which hang on a grant like others."""

import json

import pytest

from provider.accounts import suspension
from provider.config.settings import Settings
from provider.oauth.authorize import consent
from provider.oauth.clients import clients
from provider.sessions import lifecycle
from provider.sessions import store as sessions
from provider.work import Installation
from tests.oauth.conftest import Person, Register, Unchanged
from tests.oauth.endpoints.test_consent import decide
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work, settings_for
from tests.support.relying_party import ISSUER, Answer, RelyingParty, sign_in_person

LEGACY = ["id_token", "id_token token", "code id_token", "code token", "code id_token token"]
WITH_TOKEN = [text for text in LEGACY if text.endswith(" token")]
WITH_CODE = [text for text in LEGACY if text.startswith("code")]
HELD = {"code": {"code"}, "id_token": {"id_token"}, "token": {"access_token", "token_type", "expires_in", "scope"}}


@pytest.fixture
def settings(database_url: str) -> Settings:
    """An installation that serves old apps too."""
    return settings_for(database_url, legacy_response_types=True)


@pytest.fixture
def old(register: Register) -> RelyingParty:
    return register(grant_types=("authorization_code", "refresh_token", "implicit"), response_types=("code", *LEGACY))


def held(response_type: str) -> set[str]:
    return {"state", "iss"}.union(*(HELD[word] for word in response_type.split()))


def token_of(answer: Answer) -> str:
    return answer.parameters["access_token"]


@in_one_world("response_type", LEGACY)
@in_one_world("response_mode", ["fragment", "form_post"])
def test_each_response_type_holds_what_it_names_and_nothing_else(
    old: RelyingParty, browser: WatchedClient, ada: str, response_type: str, response_mode: str
) -> None:
    """OIDC Core sections 3.2.2.5 and 3.3.2.5; RFC 9207; oidcc-server of the implicit and hybrid plans."""
    answer = old.ask(browser, response_type=response_type, response_mode=response_mode)
    assert answer.mode == response_mode
    assert set(answer.parameters) == held(response_type)
    assert (answer.parameters["state"], answer.parameters["iss"]) == (answer.asked["state"], ISSUER)
    if "id_token" in response_type:
        claims = old.verify_answer(answer)  # with at_hash and c_hash
        assert claims["sub"] == ada
        assert isinstance(claims["auth_time"], int)
    if "access_token" in answer.parameters:
        assert (answer.parameters["token_type"], answer.parameters["expires_in"]) == ("Bearer", "600")
        assert old.userinfo(token_of(answer)).json()["sub"] == ada


def test_the_words_of_a_response_type_come_in_any_order(old: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 3.1.1; the fragment is the default (Multiple Response Types section 5)."""
    answer = old.ask(browser, response_type="token code id_token")
    assert answer.mode == "fragment"
    assert set(answer.parameters) == held("code id_token token")


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_the_hashes_are_those_of_the_algorithm(register: Register, browser: WatchedClient, alg: str) -> None:
    """OIDC Core section 3.3.2.11."""
    rp = register(
        grant_types=("authorization_code", "implicit"),
        response_types=("code id_token token",),
        id_token_signed_response_alg=alg,
    )
    claims = rp.verify_answer(rp.ask(browser, response_type="code id_token token"))
    assert {"at_hash", "c_hash"} <= set(claims)


@pytest.mark.parametrize("response_type", WITH_CODE)
def test_the_code_of_a_hybrid_answer_is_redeemed_like_any_other(
    old: RelyingParty, browser: WatchedClient, response_type: str
) -> None:
    """OIDC Core section 3.3.3.6: the same iss and sub in both ID tokens, and the same facts of the sign-in."""
    answer = old.ask(browser, response_type=response_type)
    tokens = old.redeem(answer)
    second = old.verify(tokens)
    if "id_token" in response_type:
        first = old.verify_answer(answer)
        same = ("iss", "sub", "aud", "nonce", "auth_time", "acr", "amr", "sid")
        assert [first[name] for name in same] == [second[name] for name in same]
    assert "c_hash" not in second
    assert old.refresh(tokens).status == 200


# Claims


def test_an_id_token_that_comes_alone_holds_the_claims_of_the_scopes(
    old: RelyingParty, person: Person, work: Work
) -> None:
    """OIDC Core section 5.4; oidcc-scope-* of the implicit plan."""
    with work() as w:
        user_id = make_user(w, "grace@example.test", name="Grace Hopper", phone_number="+1 1")
    browser = person(user_id)
    claims = old.verify_answer(old.ask(browser, response_type="id_token", scope="openid profile email"))
    assert (claims["name"], claims["email"], claims["email_verified"]) == ("Grace Hopper", "grace@example.test", True)
    assert "phone_number" not in claims
    plain = old.verify_answer(old.ask(browser, response_type="id_token"))
    assert not {"name", "email"} & set(plain)


@pytest.mark.parametrize("response_type", ["id_token token", "code id_token", "code id_token token"])
def test_beside_an_access_token_they_come_from_userinfo(
    old: RelyingParty, browser: WatchedClient, response_type: str
) -> None:
    """OIDC Core section 5.4: also when the access token comes later, for the code."""
    answer = old.ask(browser, response_type=response_type, scope="openid profile email")
    assert not {"name", "email"} & set(old.verify_answer(answer))


def test_the_claims_parameter_speaks_to_the_front_channel_too(old: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 5.5; oidcc-claims-essential of the implicit and hybrid plans."""
    asked = {"id_token": {"email": None}, "userinfo": {"name": {"essential": True}}}
    answer = old.ask(browser, response_type="id_token token", claims=json.dumps(asked))
    claims = old.verify_answer(answer)
    assert (claims["email"], "name" in claims) == ("ada@example.test", False)
    assert old.userinfo(token_of(answer)).json()["name"] == "Ada Lovelace"


@pytest.mark.parametrize("response_type", ["id_token", "id_token token"])
def test_without_a_code_there_is_no_lasting_access(
    old: RelyingParty, browser: WatchedClient, response_type: str
) -> None:
    """OIDC Core section 11: offline_access is ignored."""
    answer = old.ask(browser, response_type=response_type, scope="openid offline_access")
    assert set(answer.parameters) == held(response_type)
    if "token" in response_type.split():
        assert old.introspect(token_of(answer))["scope"] == answer.parameters["scope"] == "openid"


# What becomes of an access token of the front channel


@pytest.mark.parametrize("response_type", WITH_TOKEN)
def test_it_may_be_introspected_and_given_back(old: RelyingParty, browser: WatchedClient, response_type: str) -> None:
    """RFC 7662, RFC 7009."""
    token = token_of(old.ask(browser, response_type=response_type))
    assert old.is_active(token)
    assert old.revoke(token).status_code == 200
    assert not old.is_active(token)
    assert old.userinfo(token).status_code == 401


@pytest.mark.parametrize("what", ["sign-out", "consent", "client", "suspension", "time"])
def test_front_channel_tokens_end_with_their_session_and_client(
    old: RelyingParty, browser: WatchedClient, ada: str, work: Work, clock: Clock, what: str
) -> None:
    """A-26, A-105."""
    answer = old.ask(browser, response_type="id_token token")
    token, sid = token_of(answer), old.verify_answer(answer)["sid"]
    assert old.is_active(token)
    with work() as w:
        if what == "sign-out":
            session = sessions.find(w.read, sid)
            assert session is not None
            lifecycle.end_session(w, session, reason="signed out")
        elif what == "consent":
            consent.withdraw(w, user_id=ada, client_id=old.client_id)
        elif what == "client":
            clients.disable(w, old.client_id)
        elif what == "suspension":
            suspension.suspend(w, user_id=ada, reason=None)
        else:
            clock.advance(seconds=601)
    assert old.userinfo(token).status_code == 401


@pytest.mark.also_on_postgresql
def test_a_replayed_hybrid_code_revokes_the_front_channel_tokens(old: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.2; A-15."""
    answer = old.ask(browser, response_type="code id_token token")
    tokens = old.redeem(answer)
    assert old.is_active(token_of(answer))
    assert old.redeem(answer).error == "invalid_grant"
    assert not old.is_active(token_of(answer))
    assert not old.is_active(tokens.access_token)


# The way there


@pytest.mark.parametrize("response_type", LEGACY)
def test_a_person_signs_in_and_allows_it_as_in_the_code_flow(
    register: Register, person: Person, ada: str, installation: Installation, response_type: str
) -> None:
    """OIDC Core sections 3.2.2.3 and 3.2.2.4: parked, resumed, finished once."""
    rp = register(grant_types=("authorization_code", "implicit"), response_types=(response_type,), first_party=False)
    browser = person()
    answer = rp.ask(browser, response_type=response_type)
    assert answer.page == "/login"
    sign_in_person(browser, installation, ada)
    assert rp.resume(browser, answer).page == "/consent"
    assert rp.ask(browser, response_type=response_type, prompt="none").error == "consent_required"
    decide(browser, answer, "allow")
    assert set(rp.resume(browser, answer).parameters) == held(response_type)


@pytest.mark.also_on_postgresql
@in_one_world("response_type", LEGACY)
def test_a_waiting_request_is_finished_once(
    old: RelyingParty,
    person: Person,
    ada: str,
    installation: Installation,
    unchanged: Unchanged,
    response_type: str,
) -> None:
    """A-79."""
    browser = person()
    parked = old.ask(browser, response_type=response_type)
    sign_in_person(browser, installation, ada)
    assert set(old.resume(browser, parked).parameters) == held(response_type)
    with unchanged():
        assert old.resume(browser, parked).response.status_code == 400


@in_one_world("response_type", LEGACY)
@in_one_world("response_mode", ["fragment", "form_post"])
def test_under_prompt_none_the_error_travels_the_same_way(
    old: RelyingParty, person: Person, unchanged: Unchanged, response_type: str, response_mode: str
) -> None:
    """OIDC Core section 3.1.2.6; oidcc-prompt-none-not-logged-in."""
    with unchanged():
        answer = old.ask(person(), response_type=response_type, response_mode=response_mode, prompt="none")
    assert (answer.mode, answer.error) == (response_mode, "login_required")
    assert set(answer.parameters) == {"error", "error_description", "state", "iss"}


@pytest.mark.also_on_postgresql
def test_a_posted_request_is_answered_the_same_way(old: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.2.2.1."""
    parked = old.ask_by_post(browser, response_type="id_token")
    answer = old.resume(browser, parked)
    assert old.verify_answer(answer)["nonce"] == parked.asked["nonce"]
