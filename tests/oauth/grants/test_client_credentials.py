"""A client for itself."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from provider.oauth.clients import clients
from tests.oauth.conftest import Register
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty


@pytest.fixture
def service(register: Register) -> RelyingParty:
    return register(grant_types=("client_credentials",), redirect_uris=(), scope="api:read api:write openid email")


def test_a_client_gets_a_token_for_itself(service: RelyingParty) -> None:
    """RFC 6749 section 4.4.3: no refresh token; RFC 9068 section 2.2: sub is the client."""
    tokens = service.client_credentials()
    assert set(tokens.body) == {"access_token", "token_type", "expires_in", "scope"}
    claims = jwt.decode(tokens.access_token, KeySet.import_key_set(service.jwks()), algorithms=["RS256"]).claims  # type: ignore[arg-type]
    assert claims["sub"] == claims["client_id"] == service.client_id
    assert not {"sid", "auth_time", "acr", "amr"} & set(claims)


def test_without_scope_a_service_gets_its_registered_scopes_except_those_about_users(service: RelyingParty) -> None:
    """RFC 6749 section 3.3."""
    assert service.client_credentials().body["scope"] == "api:read api:write"


def test_a_service_registered_only_for_user_scopes_gets_a_token_without_scope(register: Register) -> None:
    """RFC 6749 section 3.3: an empty scope is no scope."""
    service = register(grant_types=("client_credentials",), redirect_uris=(), scope="openid email")
    tokens = service.client_credentials()
    assert "scope" not in tokens.body
    assert service.introspect(tokens.access_token)["active"] is True


def test_it_gets_the_scope_it_asks_for(service: RelyingParty) -> None:
    """RFC 6749 section 3.3."""
    assert service.client_credentials(scope="api:read").body["scope"] == "api:read"


@pytest.mark.parametrize("scope", ["api:admin", "api:read phone", "API:READ", "api:read\x00", '"'])
def test_a_scope_it_is_not_registered_for_is_refused(service: RelyingParty, scope: str) -> None:
    """RFC 6749 section 4.4.2; A-59."""
    refused = service.client_credentials(scope=scope)
    assert (refused.status, refused.error) == (400, "invalid_scope")


def test_a_token_of_a_client_itself_is_rejected_at_userinfo(service: RelyingParty) -> None:
    """OIDC Core section 5.3.1; A-59: also with openid."""
    response = service.userinfo(service.client_credentials(scope="openid email"))
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")


def test_a_client_registered_for_something_else_is_refused(rp: RelyingParty) -> None:
    """RFC 6749 section 5.2."""
    assert rp.client_credentials().error == "unauthorized_client"


def test_a_token_of_a_client_itself_ends_with_the_client(service: RelyingParty, register: Register, work: Work) -> None:
    """A-26."""
    api = register(redirect_uris=(), grant_types=())
    token = service.client_credentials().access_token
    assert api.is_active(token)
    with work() as w:
        clients.disable(w, service.client_id)
    assert not api.is_active(token)


def test_its_token_can_be_revoked(service: RelyingParty) -> None:
    """RFC 7009 section 2."""
    token, other = service.client_credentials().access_token, service.client_credentials().access_token
    assert service.revoke(token).status_code == 200
    assert not service.is_active(token)
    assert service.is_active(other)
