"""The scope a client asks for, wherever a scope is read: what is meant by none, and when offline_access is ignored."""

from typing import Any

import pytest

from provider.oauth.grants.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from tests.oauth.conftest import Register
from tests.oauth.devices import DEVICE_CODE, FOR_DEVICES, allow, start
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.installation import ISSUER
from tests.support.relying_party import AUTHORIZE, Answer, RelyingParty, Tokens

PAR = "/oauth2/par"
CODE_ONLY = {"grant_types": ("authorization_code",)}
ASKED = ["openid offline_access", "offline_access", "openid email offline_access", " openid  offline_access "]


def asked(rp: RelyingParty, browser: WatchedClient, way: str, scope: str | None) -> list[str]:
    """The scope of the tokens that an app gets, asking for `scope` in this way."""
    given, verifier = rp.request(scope=scope)
    if way == "authorize":
        answer = rp.ask(browser, scope=scope)
    elif way == "request object":
        signed = rp.signatory.sign({**given, "iss": rp.client_id, "aud": ISSUER})
        beside = {name: given[name] for name in ("client_id", "response_type")} | {"scope": scope or ""}
        response = browser.get(AUTHORIZE, params={**beside, "request": signed}, follow_redirects=False)
        answer = Answer(response, given, verifier)
    else:
        pushed = rp.post(PAR, **given)
        assert pushed.status_code == 201, pushed.text
        handle = {"client_id": rp.client_id, "request_uri": pushed.json()["request_uri"]}
        answer = Answer(browser.get(AUTHORIZE, params=handle, follow_redirects=False), given, verifier)
    return sorted(rp.redeem(answer).body["scope"].split())


@in_one_world("way", ["authorize", "par", "request object"])
@in_one_world("registered", ["openid email", "openid email offline_access"])
def test_offline_access_is_ignored_for_an_app_without_the_refresh_grant(
    register: Register, browser: WatchedClient, way: str, registered: str
) -> None:
    """OIDC Core section 11: whether the scope is registered for the client makes no difference."""
    rp = register(scope=registered, jwks=Signatory().jwks, **CODE_ONLY)
    results = {scope: asked(rp, browser, way, scope) for scope in ASKED}
    assert results == {
        ASKED[0]: ["openid"],
        ASKED[1]: ["email", "openid"],  # nothing is left: as if no scope had been sent
        ASKED[2]: ["email", "openid"],
        ASKED[3]: ["openid"],
    }


def test_offline_access_is_ignored_beside_a_request_object_that_does_not_ask_for_it(
    register: Register, browser: WatchedClient
) -> None:
    """OIDC Core sections 6.1 and 11."""
    rp = register(scope="openid", jwks=Signatory().jwks, **CODE_ONLY)
    given, verifier = rp.request(scope="openid")
    signed = rp.signatory.sign({**given, "iss": rp.client_id, "aud": ISSUER})
    response = browser.get(
        AUTHORIZE, params={**given, "scope": "openid offline_access", "request": signed}, follow_redirects=False
    )
    assert Answer(response, given, verifier).code


def test_offline_access_is_ignored_for_a_device_without_the_refresh_grant(
    register: Register, browser: WatchedClient
) -> None:
    """RFC 8628 section 3.1, OIDC Core section 11."""
    tv = register(**FOR_DEVICES | {"grant_types": (DEVICE_CODE,)}, scope="openid email")
    device = start(tv, scope="openid offline_access")
    allow(browser, device)
    assert device.poll().body["scope"] == "openid"


def test_offline_access_is_ignored_where_a_grant_gives_no_refresh_token(
    register: Register, browser: WatchedClient
) -> None:
    """RFC 6749 section 4.4, RFC 8693 section 2.1: a service that acts for itself, and one that exchanges tokens."""
    books, films = "https://books.example.test", "https://films.example.test"
    as_api: dict[str, Any] = {"redirect_uris": (), "post_logout_redirect_uris": (), "scope": "openid read"}
    register(**as_api, grant_types=("client_credentials",), resource_identifiers=(films,))
    api = register(
        **as_api,
        grant_types=("client_credentials", GRANT_TYPE),
        resource_identifiers=(books,),
        exchange_targets=(films,),
    )
    assert api.client_credentials(scope="read offline_access").body["scope"] == "read"
    assert api.client_credentials(scope="offline_access").body["scope"] == "read"
    app = register(scope="openid read")
    token = app.redeem(app.ask(browser, scope="openid read", resource=books), resource=books).access_token
    subject = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "resource": films}
    for scope in ("read offline_access", "offline_access"):
        exchanged = Tokens(api.post("/oauth2/token", grant_type=GRANT_TYPE, scope=scope, **subject))
        assert exchanged.body["scope"] == "read"


def test_offline_access_is_refused_to_an_app_with_the_refresh_grant_that_is_not_registered_for_it(
    register: Register, browser: WatchedClient
) -> None:
    """RFC 6749 section 3.3: an operator decides that an app has no access while its user is away."""
    assert register(scope="openid").ask(browser, scope="openid offline_access").error == "invalid_scope"


@pytest.mark.parametrize("way", ["authorize", "par", "request object"])
def test_no_scope_means_all_that_the_app_is_registered_for(
    register: Register, browser: WatchedClient, way: str
) -> None:
    """RFC 6749 section 3.3: the default. The MCP SDKs send no scope."""
    rp = register(scope="email offline_access openid", jwks=Signatory().jwks)
    assert asked(rp, browser, way, None) == ["email", "offline_access", "openid"]
    assert asked(rp, browser, way, "") == ["email", "offline_access", "openid"]
    own = register(scope="notes:read", jwks=Signatory().jwks)
    assert asked(own, browser, way, None) == ["notes:read"]


def test_no_scope_means_all_that_a_device_is_registered_for(register: Register, browser: WatchedClient) -> None:
    """RFC 8628 section 3.1: scope is optional."""
    tv = register(**FOR_DEVICES, scope="openid email")
    device = start(tv, scope="")
    allow(browser, device)
    assert device.poll().body["scope"] == "openid email"


def test_an_app_that_is_registered_for_no_scope_gets_a_token_without_one(
    register: Register, browser: WatchedClient
) -> None:
    """RFC 6749 sections 3.3, 5.1."""
    tokens = register(scope="").sign_in(browser, scope=None)
    assert (tokens.status, "scope" in tokens.body, "id_token" in tokens.body) == (200, False, False)
