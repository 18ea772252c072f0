"""The syntax of every protocol parameter, where it comes in: one table, and each endpoint that reads it."""

import base64
import hashlib
from urllib.parse import quote_plus

import pytest

from provider.oauth.authorize.parameters import PARAMETERS
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from provider.oauth.http.refused import SENSITIVE
from provider.oauth.syntax import SYNTAX
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.devices import DEVICE_AUTHORIZATION, FOR_DEVICES
from tests.oauth.watched_http import WatchedClient
from tests.support.client_keys import asserting
from tests.support.factories import make_client
from tests.support.installation import Work
from tests.support.relying_party import AUTHORIZE, LOGOUT, REVOKE, TOKEN, RelyingParty, challenge_of

JWT = "eyJh.eyJp.c2ln"
GOOD = {
    "client_id": ["a", "a b", "https://app.example.test/", "~"],
    "client_secret": ["!", "päss".encode("ascii", "xmlcharrefreplace").decode(), " x "],
    "response_type": ["code", "code id_token", "code id_token token", "x_1"],
    "scope": ["openid", "openid  email ", " openid", "api:read", "https://api.test/read", "!#[]~"],
    "state": ["x", "a b", '{"a":"b"}', "-._~" * 500, "\\"],
    "redirect_uri": [
        "https://app.test/cb?a=b",
        "com.example.app:/cb",
        "http://[::1]:1234/",
        "urn:ietf:wg:oauth:2.0:oob",
    ],
    "grant_type": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code", "x.y-z"],
    "code": ["a b", "~!" * 9],
    "username": ["ada@example.test", "Ada Lovelace", "ада", "\U0001f600", "a\tb"],
    "refresh_token": ["x", "~"],
    "code_verifier": ["a" * 43, "-._~" * 32],
    "code_challenge": [challenge_of("a" * 43)],
    "dpop_jkt": [challenge_of("a" * 43)],
    "code_challenge_method": ["S256", "plain"],
    "response_mode": ["form_post", "query.jwt"],
    "nonce": ["n", '\U0001f600 " & <'],
    "display": ["popup"],
    "prompt": ["none login", "unheard-of"],
    "max_age": ["0", "3600", "9" * 10],
    "ui_locales": ["de-CH fr", "en_US", "not a locale"],
    "claims_locales": ["se"],
    "id_token_hint": [JWT, "a.b.c.d.e", "eyJh.eyJp."],
    "login_hint": ["ada@example.test", "адрес", '"><svg>'],
    "acr_values": ["1 2", "urn:mace:incommon:iap:silver"],
    "claims": ['{"userinfo": {"name#ja-Kana-JP": {"value": "太郎"}}}', "{\n}"],
    "authorization_details": ['[{"type": "zahlung", "grund": "Bücher"}]', "[]"],
    "request": [JWT],
    "request_uri": ["https://app.test/request.jwt#x", "urn:ietf:params:oauth:request_uri:" + "x" * 43],
    "post_logout_redirect_uri": ["https://app.test/bye"],
    "client_assertion": [JWT],
    "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
    "subject_token_type": [ACCESS_TOKEN],
    "actor_token_type": [ACCESS_TOKEN],
    "requested_token_type": [ACCESS_TOKEN],
    "resource": ["https://api.test", "https://api.test https://b.test/x?y"],
    "audience": ["https://api.test", "books"],
    "device_code": ["x"],
    "auth_req_id": ["x"],
    "client_notification_token": ["8d67dc78-7faa-4d41-aabd-67707b374255", "a.b_c~d+/==", "x" * 1024],
    "login_hint_token": [JWT],
    "binding_message": ["W4-SCT", "品川 \U0001f44d"],
    "requested_expiry": ["1", "600"],
    "auth_session": ["x.y~z"],
    "passkey": ["true", "false"],
    "credential": ['{"id": "x", "response": {}}', ' {\n  "id": "x"\n}\n'],
    "token_type_hint": ["refresh_token"],
}
ODD = ["\x00", "a\x00b", "a\nb", "a\rb", "\x7f", "\x1b[31m"]
NOT_ASCII = ["ä", "\u202e", "\U0001f600", "a\u00a0b"]
FREE = {"nonce", "login_hint", "claims", "username", "binding_message"}
"""Parameters that may be in any script."""
BAD = {
    "response_type": ["code,token", "code  token", " code", "code-x"],
    "scope": ['a"b', "a\\b", "a\tb", " "],
    "redirect_uri": ["https://app.test/a b", "https://app.test/<", 'https://app.test/"', "https://app.test/\\"],
    "grant_type": ["a b", "a<b"],
    "code_verifier": ["a" * 42, "a" * 129, "a" * 43 + "=", "a" * 43 + "+", "a" * 43 + "/", "a" * 43 + " "],
    "code_challenge": ["a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "+", "a" * 42 + "~", "a" * 128],
    "dpop_jkt": ["a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "+"],
    "max_age": ["1.5", "-1", "+1", "1e3", " 1", "0x10", "٣", "9" * 11, "NaN", "Infinity", "true"],
    "id_token_hint": ["x", "a.b", "a.b.c.d.e.f", "a.b.c=", "a b.c.d"],
    "request": ["x", "a.b", "a.b.c+"],
    "client_assertion": ["x", "a.b"],
    "request_uri": ["https://app.test/" + "x" * 512, "https://app.test/a b"],
    "resource": [" ", "a\tb"],
    "client_notification_token": ["a b", "=", "a=b", "x" * 1025],
    "requested_expiry": ["0", "-1", "+1", "1.5", "01", " 1", "1e3", "٣", "9" * 10],
    "passkey": ["", "1", "yes", "True", "true "],
    "credential": ["", "x", "[]", '"{}"', "{", "{} x", '{"id": "\x00"}', "{" + " " * 64 * 1024 + "}"],
}


def test_every_parameter_has_the_syntax_of_its_specification() -> None:
    """RFC 6749 appendix A, RFC 7636 sections 4.1 and 4.2, OIDC Core section 3.1.2.1 and the others in the table."""
    assert GOOD.keys() == SYNTAX.keys()
    refused = {(name, value) for name, values in GOOD.items() for value in values if not SYNTAX[name].matches(value)}
    assert not refused
    bad = {name: ODD + BAD.get(name, []) + ([] if name in FREE else NOT_ASCII) for name in SYNTAX}
    bad["claims"], bad["username"] = ["a\x00b"], ["a\nb", "\x00"]
    bad["authorization_details"] = ["a\x00b", "x" * 5001]
    accepted = {(name, value) for name, values in bad.items() for value in values if SYNTAX[name].matches(value)}
    assert not accepted


def test_every_parameter_that_is_read_is_in_the_table() -> None:
    """But those whose wrong syntax is an answer, and what people type; see the module."""
    typed = {"otp", "recovery_code", "email_code", "password", "assertion"}
    tokens = {"token", "access_token", "subject_token", "actor_token"}
    assert set(PARAMETERS) | set(SENSITIVE) <= SYNTAX.keys() | typed | tokens


@pytest.mark.parametrize("by_post", [False, True])
def test_the_authorization_endpoint_checks_it(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, *, by_post: bool
) -> None:
    """RFC 6749 section 4.1.2.1: a page as long as the app is not proven, then an answer to the app, with its state."""
    ask = rp.ask_by_post if by_post else rp.ask
    for changes, error in (
        ({"state": "ä"}, "invalid_request"),
        ({"state": "a\nb"}, "invalid_request"),
        ({"nonce": "a\x01b"}, "invalid_request"),
        ({"scope": 'openid "email"'}, "invalid_scope"),
        ({"resource": "https://api.test/ä"}, "invalid_target"),
        ({"response_type": "code,id_token"}, "unsupported_response_type"),
        ({"code_challenge": "a" * 42 + "~"}, "invalid_request"),
        ({"acr_values": "ä"}, "invalid_request"),
        ({"ui_locales": "d\x00e"}, "invalid_request"),
    ):
        with unchanged():
            answer = ask(browser, **changes)
        assert (answer.error, answer.parameters.get("state")) == (error, answer.asked["state"]), changes
    for shown in ({"client_id": rp.client_id + "\n"}, {"redirect_uri": "https://app.example.test/callback\x00"}):
        with unchanged():
            answer = ask(browser, **shown)
        assert (answer.response.status_code, answer.location) == (400, ""), shown


def test_pushed_and_device_requests_check_it(rp: RelyingParty, register: Register, unchanged: Unchanged) -> None:
    """RFC 9126 section 2.3, RFC 8628 section 3.1."""
    parameters, _ = rp.request()
    tv = register(**FOR_DEVICES)
    with unchanged():
        for changes, error in (
            ({"state": "ä"}, "invalid_request"),
            ({"redirect_uri": "https://app.example.test/ callback"}, "invalid_request"),
            ({"scope": "openid\temail"}, "invalid_scope"),
            ({"code_challenge": "a" * 42}, "invalid_request"),
            ({"request": "x"}, "invalid_request_object"),
        ):
            response = rp.post("/oauth2/par", **{**parameters, **changes})
            assert (response.status_code, response.json()["error"]) == (400, error), changes
        for scope in ("openid\x00", "openid ä", 'openid "'):
            assert tv.post(DEVICE_AUTHORIZATION, scope=scope).json()["error"] == "invalid_scope"


def test_a_verifier_of_the_wrong_syntax_is_refused_though_its_hash_matches(
    rp: RelyingParty, browser: WatchedClient, explain: Explain
) -> None:
    """RFC 7636 section 4.1: 43 to 128 unreserved characters."""
    for verifier in ("+" * 43, "a" * 42 + " ", "a" * 42 + "=", "a" * 42, "a" * 129, "ä" * 43, "a" * 42 + "\x00"):
        hashed = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        refused = rp.redeem(rp.ask(browser, code_challenge=challenge), code_verifier=verifier)
        assert (refused.status, refused.error) == (400, "invalid_grant"), verifier
        row = explain(refused.error_id)
        assert (row.client_id, row.checks[-1]["section"]) == (rp.client_id, "RFC 7636 section 4.1")
        assert verifier not in str(row.checks)


def test_the_token_endpoint_checks_it(rp: RelyingParty, register: Register, unchanged: Unchanged) -> None:
    """RFC 6749 section 5.2, appendix A."""
    service = register(grant_types=("client_credentials",), scope="api", redirect_uris=(), post_logout_redirect_uris=())
    with unchanged():
        for changes, error in (
            ({"grant_type": "authorization_code", "code": "ä"}, "invalid_grant"),
            ({"grant_type": "authorization_code", "code": "x", "redirect_uri": "a b"}, "invalid_request"),
            ({"grant_type": "refresh_token", "refresh_token": "a\nb"}, "invalid_grant"),
            ({"grant_type": "refresh_token", "refresh_token": "x", "scope": 'a"'}, "invalid_scope"),
            ({"grant_type": "refresh_token", "refresh_token": "x", "resource": "a\tb"}, "invalid_target"),
            ({"grant_type": "a b"}, "unsupported_grant_type"),
        ):
            response = rp.post(TOKEN, **changes)
            assert (response.status_code, response.json()["error"]) == (400, error), changes
        for scope in ("api ä", "api\n", 'api"'):
            assert service.client_credentials(scope=scope).error == "invalid_scope"
    assert service.client_credentials(scope=" api  ").body["scope"] == "api", "extra spaces are common, and harmless"


def test_client_credentials_are_checked(rp: RelyingParty, http: WatchedClient) -> None:
    """RFC 6749 sections 2.3.1, 5.2, appendixes A.1 and A.2; RFC 7521 section 4.2."""
    pairs = [("ä", "x"), (rp.client_id, "ä"), (rp.client_id + "\x00", "x"), (rp.client_id, "a\nb")]
    for client_id, secret in pairs:
        basic = base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
        in_header = http.post(REVOKE, data={"token": "x"}, headers={"authorization": f"Basic {basic}"})
        in_body = http.post(REVOKE, data={"token": "x", "client_id": client_id, "client_secret": secret})
        for answer in (in_header, in_body):
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    asserted = http.post(REVOKE, data={"token": "x", **asserting("no JWT")})
    assert (asserted.status_code, asserted.json()["error"]) == (401, "invalid_client")


def test_a_token_of_the_wrong_syntax_is_an_inactive_token(rp: RelyingParty) -> None:
    """RFC 7009 section 2.2, RFC 7662 section 2.2."""
    for token in ("ä", "a\x00b", "a\nb", "\U0001f600"):
        assert rp.introspect(token) == {"active": False}
        assert rp.revoke(token).status_code == 200


def test_logout_checks_it(rp: RelyingParty, browser: WatchedClient) -> None:
    """RP-Initiated Logout sections 2, 4."""
    given = {"client_id": rp.client_id, "post_logout_redirect_uri": "https://app.example.test/signed-out"}
    for changes in ({"state": "ä"}, {"state": "a\nb"}, {"id_token_hint": "x"}, {"client_id": "\x00"}):
        answer = browser.get(LOGOUT, params={**given, **changes}, follow_redirects=False)
        assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_a_handle_of_the_wrong_syntax_is_looked_up_by_nothing(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9126 section 2.2: the page says that the request no longer waits."""
    for reference in ("", "x", "x" * 42, "x" * 44, "ä" * 43, "x" * 42 + "\n"):
        uri = f"urn:ietf:params:oauth:request_uri:{reference}"
        answer = browser.get(AUTHORIZE, params={"client_id": rp.client_id, "request_uri": uri}, follow_redirects=False)
        assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_a_secret_that_no_request_could_bring_is_not_stored(work: Work) -> None:
    """RFC 6749 appendix A.2."""
    with work() as w:
        client, _ = make_client(w)
    with work() as w, pytest.raises(InvalidMetadata, match="visible ASCII"):
        clients.create_client(w, client.metadata, secret="ä" * 32)
