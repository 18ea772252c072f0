"""Authorization responses as JWTs (JARM)."""

from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, KeySet

from provider.config.settings import Settings
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from tests.oauth.conftest import Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.foreign_server import ForeignServer, answer, raw
from tests.support.installation import settings_for
from tests.support.relying_party import LOGOUT, Answer, RelyingParty

HYBRID = {"response_types": ("code", "code id_token"), "grant_types": ("authorization_code", "implicit")}
ENCRYPTED = {"authorization_encrypted_response_alg": "ECDH-ES", "authorization_encrypted_response_enc": "A256GCM"}


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, legacy_response_types=True, **outbound_settings)


def verified(rp: RelyingParty, response: str, alg: str = "RS256") -> dict[str, Any]:
    """The claims of a response, after the checks of JARM section 2.4 that do not depend on the time."""
    token = jwt.decode(response, KeySet.import_key_set(rp.jwks()), algorithms=[alg])  # type: ignore[arg-type]
    assert token.header["alg"] == alg
    claims = dict(token.claims)
    assert (claims.pop("iss"), claims.pop("aud")) == (rp.issuer, rp.client_id)
    return claims


def claims_of(rp: RelyingParty, came: Answer, alg: str = "RS256") -> dict[str, Any]:
    """The claims of the only parameter that the app gets."""
    assert list(came.parameters) == ["response"]
    return verified(rp, came.parameters["response"], alg)


@in_one_world(
    ("asked", "response_type", "mode"),
    [
        ("jwt", "code", "query"),
        ("query.jwt", "code", "query"),
        ("fragment.jwt", "code", "fragment"),
        ("form_post.jwt", "code", "form_post"),
        ("jwt", "code id_token", "fragment"),
        ("form_post.jwt", "code id_token", "form_post"),
    ],
)
def test_the_parameters_come_as_one_signed_jwt_in_the_requested_mode(
    register: Register, browser: WatchedClient, clock: Clock, ada: str, asked: str, response_type: str, mode: str
) -> None:
    """JARM sections 2.1 and 2.3; `jwt` is the default mode of the response type (section 2.3.4)."""
    rp = register(**HYBRID)
    came = rp.ask(browser, response_mode=asked, response_type=response_type)
    assert came.mode == mode
    claims = claims_of(rp, came)
    assert claims.pop("exp") == int(clock().timestamp()) + 600
    expected = {"code", "state", "id_token"} if "id_token" in response_type else {"code", "state"}
    assert set(claims) == expected
    assert claims["state"] == came.asked["state"]
    assert rp.redeem(came, code=claims["code"]).status == 200


def test_errors_come_as_a_jwt_too(register: Register, browser: WatchedClient) -> None:
    """JARM section 2.1."""
    rp = register()
    claims = claims_of(rp, rp.ask(browser, response_mode="query.jwt", prompt="none login"))
    assert claims["error"] == "invalid_request"
    assert "error ID" in claims["error_description"]


@pytest.mark.parametrize(
    ("registered", "alg"),
    [({}, "RS256"), ({"authorization_signed_response_alg": "ES256"}, "ES256")],
)
def test_the_client_chooses_the_algorithm(
    register: Register, browser: WatchedClient, ada: str, registered: dict[str, str], alg: str
) -> None:
    """JARM section 3: RS256 if the client chose none."""
    rp = register(**registered)
    assert claims_of(rp, rp.ask(browser, response_mode="jwt"), alg)["code"]


def test_tokens_never_come_in_the_query(register: Register, browser: WatchedClient, ada: str) -> None:
    """JARM section 2.3.1."""
    came = register(**HYBRID).ask(browser, response_mode="query.jwt", response_type="code id_token")
    assert (came.mode, came.error) == ("fragment", "invalid_request")


def test_a_mode_that_is_not_registered_is_refused(register: Register, browser: WatchedClient, ada: str) -> None:
    """OAuth 2.0 Multiple Response Types section 2.1: `jwt` is the mode that it stands for."""
    rp = register(response_modes=("query", "form_post.jwt"))
    assert rp.ask(browser, response_mode="jwt").error == "invalid_request"
    assert claims_of(rp, rp.ask(browser, response_mode="form_post.jwt"))["code"]


def test_a_response_is_no_other_kind_of_token(
    register: Register, browser: WatchedClient, ada: str, unchanged: Unchanged
) -> None:
    """RFC 8725 sections 3.11 and 3.12: neither a hint nor a bearer token."""
    rp = register()
    response = rp.ask(browser, response_mode="jwt").parameters["response"]
    with unchanged():
        assert rp.userinfo(response).status_code == 401
        assert not rp.is_active(response)
        assert rp.ask(browser, id_token_hint=response).error == "invalid_request"
        assert browser.get(LOGOUT, params={"id_token_hint": response}).status_code == 400


def test_it_is_encrypted_for_a_client_that_registered_for_that(
    register: Register, browser: WatchedClient, ada: str
) -> None:
    """JARM section 2.2: signed, then encrypted."""
    key = ECKey.generate_key("P-256", {"kid": "app-1", "use": "enc"})
    rp = register(jwks={"keys": [key.as_dict(private=False)]}, **ENCRYPTED)
    came = rp.ask(browser, response_mode="jwt")
    found = jwe.decrypt_compact(came.parameters["response"], key, algorithms=["ECDH-ES", "A256GCM"])
    assert found.plaintext is not None
    assert found.headers()["cty"] == "JWT"
    assert verified(rp, found.plaintext.decode())["code"]
    assert "response" not in rp.ask(browser).parameters


def test_a_page_says_why_a_response_cannot_be_encrypted_and_no_code_was_issued(
    register: Register,
    browser: WatchedClient,
    ada: str,
    foreign_server: ForeignServer,
    clock: Clock,
    unchanged: Unchanged,
) -> None:
    """JARM section 2.2: an error cannot be sent to the app without its key either."""
    foreign_server.behaviour = raw(b"")
    rp = register(jwks_uri=foreign_server.url("/jwks"), **ENCRYPTED)
    browser.outage = True
    with unchanged():
        came = rp.ask(browser, response_mode="jwt")
    assert (came.response.status_code, came.mode) == (503, None)
    key = ECKey.generate_key("P-256", {"kid": "app-1", "use": "enc"})
    foreign_server.behaviour = answer({"keys": [key.as_dict(private=False)]})
    clock.advance(minutes=2)  # that it was away is remembered for a while
    assert rp.ask(browser, response_mode="jwt").parameters["response"].count(".") == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"authorization_signed_response_alg": "none"},
        {"authorization_signed_response_alg": "HS256"},
        {"authorization_encrypted_response_alg": "RSA1_5"},
        {"authorization_encrypted_response_enc": "A256GCM"},
        {"response_modes": ["jwt"]},
        {"profile": "fapi2", "authorization_signed_response_alg": "RS256"},
    ],
)
def test_what_cannot_be_registered(changes: dict[str, Any]) -> None:
    """JARM section 3. FAPI 2.0 excludes RS256 (Security Profile section 5.4.1)."""
    with pytest.raises(InvalidMetadata):
        parse_metadata({"redirect_uris": ["https://app.example.test/cb"], **changes})
