"""The parameters of a backchannel authentication request, and what can be wrong (CIBA sections 7.1, 7.1.1, 13)."""

import secrets
from typing import Any

import pytest

from provider.accounts import suspension
from tests.oauth.approvals import ADA, BACKCHANNEL, CIBA, FOR_CIBA, answer, ask, refusal, waiting
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.client_keys import Signatory, new_key, sign
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work
from tests.support.limits import Lower
from tests.support.relying_party import RelyingParty

BAD = (400, "invalid_request")


@pytest.fixture
def bank(register: Register) -> RelyingParty:
    return register(client_name="Bank", **FOR_CIBA)


@pytest.fixture
def signer(register: Register) -> RelyingParty:
    """A client that may sign its requests."""
    return register(jwks=Signatory().jwks, **FOR_CIBA)


@pytest.mark.usefixtures("ada")
def test_exactly_one_hint_names_the_user(bank: RelyingParty, unchanged: Unchanged) -> None:
    """N-223: section 7.1. login_hint_token is not supported."""
    with unchanged():
        assert refusal(bank, login_hint=None) == BAD
        assert refusal(bank, login_hint_token="x") == BAD
        assert refusal(bank, id_token_hint="eyJh.eyJp.c2ln") == BAD
        assert refusal(bank, login_hint=None, login_hint_token="x") == BAD


def test_a_hint_that_names_no_active_user_is_refused(
    bank: RelyingParty,
    browser: WatchedClient,
    ada: str,
    work: Work,
    unchanged: Unchanged,
    explain: Explain,
    lower: Lower,
) -> None:
    """N-224: section 13, unknown_user_id: an unknown, unverified or suspended user alike. Guessing is limited."""
    hint = ask(bank)
    answer(browser)
    id_token = hint.poll().id_token
    lower(unknown_hint="5/minute")
    with work() as w:
        make_user(w, "unverified@example.test", verified=False)
        suspension.suspend(w, user_id=ada, reason=None)
    unknown = (400, "unknown_user_id")
    with unchanged():
        for address in ("nobody@example.test", "unverified@example.test", ADA, "no address"):
            assert refusal(bank, login_hint=address) == unknown
        response = bank.post(BACKCHANNEL, scope="openid", id_token_hint=id_token)
        assert (response.status_code, response.json()["error"]) == unknown
        assert refusal(bank, login_hint="nobody@example.test")[0] == 429
    assert "CIBA section 13" in str(explain(response.headers["x-request-id"]))


@pytest.mark.usefixtures("ada")
def test_another_clients_id_token_is_no_hint(bank: RelyingParty, rp: RelyingParty, browser: WatchedClient) -> None:
    """N-225: section 7.1, as at the authorization endpoint."""
    id_token = rp.sign_in(browser).id_token
    for hint in (id_token, id_token[:-4] + "AAAA", rp.sign_in(browser).access_token):
        assert refusal(bank, login_hint=None, id_token_hint=hint) == BAD


@pytest.mark.usefixtures("ada")
def test_scope_is_required_with_openid(bank: RelyingParty, unchanged: Unchanged) -> None:
    """N-226: section 7.1."""
    with unchanged():
        assert refusal(bank, scope=None) == BAD
        assert refusal(bank, scope="email") == (400, "invalid_scope")
        assert refusal(bank, scope="openid admin:read") == (400, "invalid_scope")


def test_binding_messages_are_one_line_that_can_be_shown(
    bank: RelyingParty, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """N-227: section 13, invalid_binding_message."""
    with unchanged():
        for message in ("x" * 101, "a\nb", "a\x00b", " ", "a\u202eb", "1234 👍🏿 品川 " + "Lorem ipsum " * 37):
            assert refusal(bank, binding_message=message) == (400, "invalid_binding_message"), message
    for message in ("x" * 100, "W4-SCT 👍🏿 品川", "<script>alert(1)</script>", "{{ 7 * 7 }}"):
        ask(bank, binding_message=message)
        page = browser.get(waiting(browser)[0]).text
        assert message.replace("<", "&lt;").replace(">", "&gt;") in page
        assert "<script>alert" not in page


@pytest.mark.usefixtures("ada")
def test_requested_expiry_is_a_positive_number(bank: RelyingParty, unchanged: Unchanged) -> None:
    """N-228: section 7.1."""
    with unchanged():
        for value in ("0", "-1", "1.5", "1e3", "soon", "9" * 10):
            assert refusal(bank, requested_expiry=value) == BAD, value


@pytest.mark.usefixtures("ada")
def test_only_clients_that_are_registered_for_it_may_ask(
    rp: RelyingParty, bank: RelyingParty, http: WatchedClient, unchanged: Unchanged
) -> None:
    """N-229: section 13; authenticated as at the token endpoint."""
    with unchanged():
        assert refusal(rp) == (400, "unauthorized_client")
        nobody = http.post(BACKCHANNEL, data={"client_id": bank.client_id, "scope": "openid", "login_hint": ADA})
        assert (nobody.status_code, nobody.json()["error"]) == (401, "invalid_client")
        assert http.get(BACKCHANNEL).status_code == 405
        poll = {"grant_type": CIBA, "auth_req_id": "x"}
        assert rp.post("/oauth2/token", **poll).json()["error"] == "unauthorized_client"


def test_a_user_code_is_ignored(bank: RelyingParty, ada: str) -> None:
    """Section 7.1: backchannel_user_code_parameter_supported is false."""
    assert ada
    assert ask(bank, user_code="1234").auth_req_id


def claims_of(rp: RelyingParty, clock: Clock, **changes: Any) -> dict[str, Any]:
    """Section 7.1.1; a claim given as None is left out."""
    now = int(clock.now.timestamp())
    claims = {
        "iss": rp.client_id,
        "aud": ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": secrets.token_urlsafe(),
        "scope": "openid email",
        "login_hint": ADA,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def signed(rp: RelyingParty, claims: dict[str, Any], **beside: str) -> tuple[int, str]:
    response = rp.post(BACKCHANNEL, request=rp.signatory.sign(claims), **beside)
    return response.status_code, str(response.json().get("error"))


@pytest.mark.usefixtures("ada")
def test_the_parameters_may_be_in_a_signed_request(signer: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """Section 7.1.1: requested_expiry as a number or text; other claims are ignored."""
    for expiry in (120, "120"):
        claims = claims_of(signer, clock, requested_expiry=expiry, binding_message="W4-SCT", client_id="x", foo=["bar"])
        response = signer.post(BACKCHANNEL, request=signer.signatory.sign(claims))
        assert (response.status_code, response.json()["expires_in"]) == (200, 120)
    assert "W4-SCT" in browser.get(waiting(browser)[0]).text


@pytest.mark.usefixtures("ada")
def test_a_signed_request_is_complete_current_and_for_this_server(
    signer: RelyingParty, register: Register, clock: Clock, unchanged: Unchanged
) -> None:
    """N-230: section 7.1.1: aud, iss, exp, iat, nbf and jti, each required and right."""
    now, other = int(clock.now.timestamp()), register(**FOR_CIBA).client_id
    wrong: dict[str, tuple[Any, ...]] = {
        "aud": (None, "https://other.example.test", []),
        "iss": (None, other, 7),
        "exp": (None, now - 60, now + 3700, "soon"),
        "iat": (None, now + 60),
        "nbf": (None, now + 60, now - 3700),
        "jti": (None, "", 7),
        "requested_expiry": (0, 1.5, [], True),
        "scope": (["openid"], 7),
        "binding_message": ({},),
        "sub": (signer.client_id,),
    }
    with unchanged():
        for name, values in wrong.items():
            for value in values:
                assert signed(signer, claims_of(signer, clock, **{name: value})) == BAD, (name, value)


@pytest.mark.usefixtures("ada")
def test_a_signed_request_is_signed_by_the_client(
    signer: RelyingParty, register: Register, clock: Clock, unchanged: Unchanged
) -> None:
    """N-231: section 7.1.1: not `none`, another key, another algorithm, or a secret."""
    claims = claims_of(signer, clock)
    stranger = Signatory(key=new_key())
    only_ps256 = register(
        jwks=signer.signatory.jwks, backchannel_authentication_request_signing_alg="PS256", **FOR_CIBA
    )
    with unchanged():
        for request in (
            stranger.sign(claims),
            sign(claims, stranger.key, alg="none"),
            signer.signatory.sign(claims)[:-4] + "AAAA",
            signer.signatory.sign(claims, typ="at+jwt"),
            "a.b.c",
        ):
            response = signer.post(BACKCHANNEL, request=request)
            assert (response.status_code, response.json()["error"]) in {BAD, (400, "invalid_request_object")}
        assert signed(only_ps256, claims_of(only_ps256, clock)) == BAD
        assert refusal(only_ps256) == BAD, "unsigned, though the client registered an algorithm (section 4)"


@pytest.mark.usefixtures("ada")
def test_the_profile_requires_a_signed_request_with_a_message(register: Register, clock: Clock) -> None:
    """N-237: FAPI-CIBA section 5.2.2."""
    members = {"profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt", "jwks": Signatory().jwks}
    bank = register(**members, **FOR_CIBA, id_token_signed_response_alg="ES256")
    assert refusal(bank, binding_message="4711") == BAD
    assert signed(bank, claims_of(bank, clock)) == BAD
    assert signed(bank, claims_of(bank, clock, binding_message="4711")) == (200, "None")


@pytest.mark.usefixtures("ada")
def test_a_signed_request_is_used_once_and_alone(signer: RelyingParty, clock: Clock, unchanged: Unchanged) -> None:
    """N-232: section 7.1.1: no parameter beside it, and each jti once. A refused request uses none up."""
    claims = claims_of(signer, clock, jti="once")
    with unchanged():
        assert signed(signer, claims, scope="openid") == BAD
        assert signed(signer, claims, binding_message="x") == BAD
        assert signed(signer, claims_of(signer, clock, jti="once", scope="email")) == (400, "invalid_scope")
    assert signed(signer, claims) == (200, "None")
    with unchanged():
        assert signed(signer, claims) == BAD
