"""The parameters of a request whose redirect URI is proven: what is wrong with them goes back to the app."""

import json
from urllib.parse import quote, urlencode

import pytest

from tests.oauth.conftest import Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.relying_party import AUTHORIZE, ISSUER, RelyingParty, challenge_of


def refused(rp: RelyingParty, browser: WatchedClient, **changes: str | None) -> str | None:
    """The error sent back to the app, after the checks every such answer must pass."""
    answer = rp.ask(browser, **changes)
    assert answer.response.status_code == 303
    assert answer.location.startswith("https://app.example.test/callback?")
    assert set(answer.parameters) <= {"error", "error_description", "state", "iss"}
    assert answer.parameters["iss"] == ISSUER
    assert answer.parameters.get("state") == answer.asked.get("state")
    assert set(answer.parameters["error_description"]) <= {chr(i) for i in range(0x20, 0x7F)} - set('"\\')
    return answer.error


@in_one_world(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
        ({"code_challenge": "ä" * 43}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "\n"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"scope": "unheard-of"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none create"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "9" * 11}, "invalid_request"),
        ({"claims": "x"}, "invalid_request"),
        ({"claims": "[" * 1999}, "invalid_request"),
        ({"claims": '{"id_token": {"auth_time": {"value": NaN}}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"updated_at": {"values": [1e999]}}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"name": null, "name": null}}'}, "invalid_request"),
        ({"request": "x.y.z"}, "invalid_request_object"),
        ({"request_uri": "https://app.example.test/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"nonce": "x" * 2001}, "invalid_request"),
        ({"nonce": "a\x00b"}, "invalid_request"),
        ({"state": "x" * 2001}, "invalid_request"),
        ({"login_hint": "\x00"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
    ],
)
def test_a_broken_request_goes_back_with_its_error(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, changes: dict[str, str | None], error: str
) -> None:
    """RFC 6749 section 4.1.2.1, RFC 7636 section 4.4.1, OIDC Core section 3.1.2.6; A-17, A-18, A-30."""
    with unchanged():
        assert refused(rp, browser, **changes) == error


@pytest.mark.parametrize("public", [True, False])
def test_pkce_is_required_of_every_client(register: Register, browser: WatchedClient, *, public: bool) -> None:
    """RFC 9700 section 2.1.1; A-17."""
    rp = register(public=public)
    assert refused(rp, browser, code_challenge=None, code_challenge_method=None) == "invalid_request"


def test_a_confidential_client_may_be_registered_without_pkce(register: Register, browser: WatchedClient) -> None:
    """Our policy (docs/reference/protocol.md, PKCE); a challenge that comes is still checked."""
    rp = register(require_pkce=False)
    assert rp.sign_in(browser, code_challenge=None, code_challenge_method=None).status == 200
    assert refused(rp, browser, code_challenge_method="plain") == "invalid_request"


@in_one_world(
    "name",
    ["response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "x", "a[]"],
)
@in_one_world("same", [True, False])
def test_a_repeated_parameter_is_refused(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, name: str, *, same: bool
) -> None:
    """RFC 6749 section 3.1; A-18, A-89."""
    parameters, _ = rp.request(**{} if name in rp.request()[0] else {name: "1"})
    again = parameters[name] if same else "other"
    with unchanged():
        response = browser.get(f"{AUTHORIZE}?{urlencode(parameters)}&{name}={quote(again)}")
    assert "error=invalid_request" in response.headers["location"]


def test_a_scope_the_client_is_not_registered_for_is_refused(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 3.3; A-59."""
    assert refused(register(scope="openid"), browser, scope="openid email") == "invalid_scope"


def test_an_unknown_scope_is_ignored(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.1."""
    assert rp.sign_in(browser, scope="openid unheard-of").body["scope"] == "openid"


def test_a_claim_the_client_is_not_registered_for_is_ignored(register: Register, browser: WatchedClient) -> None:
    """A-59: the claims parameter cannot widen what a client may ask for."""
    rp = register(scope="openid")
    claims = json.dumps({"userinfo": {"email": {"essential": True}}, "id_token": {"email": None}})
    tokens = rp.sign_in(browser, claims=claims)
    assert set(rp.userinfo(tokens).json()) == {"sub"}
    assert "email" not in rp.verify(tokens)


@in_one_world(
    "changes",
    [
        {"extra": "foobar"},
        {"display": "popup"},
        {"display": "unheard-of"},
        {"login_hint": "buffy@id.example.test"},
        {"login_hint": '"><svg onload=alert(1)>'},
        {"ui_locales": "se"},
        {"ui_locales": "not a locale"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
        {"prompt": "unheard-of"},
        {"response_mode": "query"},
        {"claims": "{}"},
        {"claims": json.dumps({"userinfo": {"name": {"essential": True}, "unheard_of": {"essential": True}}})},
        {"claims": json.dumps({"id_token": {"name#de": None, "email": {"value": {"no": ["such"]}, "x": 1}}})},
        {"nonce": None},
        {"state": None},
        {"state": ""},
        {"max_age": "10000"},
        {"code_challenge": challenge_of("x" * 43), "x[]": "1"},
    ],
)
def test_unknown_parameters_and_hints_are_ignored(
    rp: RelyingParty, browser: WatchedClient, changes: dict[str, str | None]
) -> None:
    """OIDC Core section 3.1.2.1; the Basic OP modules of the certification; A-89."""
    assert rp.ask(browser, **changes).code


def test_the_order_of_the_parameters_does_not_matter(rp: RelyingParty, browser: WatchedClient) -> None:
    """oidcc-alternate-happy-flow."""
    parameters, _ = rp.request(scope="email openid")
    response = browser.get(AUTHORIZE, params=dict(sorted(parameters.items(), reverse=True)))
    assert "code=" in response.headers["location"]
