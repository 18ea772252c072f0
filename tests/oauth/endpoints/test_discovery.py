"""What the provider says about itself, and that it is true."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata

from provider.config.settings import Settings
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.http.metadata import provider_metadata
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import ISSUER

WELL_KNOWN = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]


@pytest.fixture
def metadata(http: WatchedClient) -> dict[str, Any]:
    found: dict[str, Any] = http.get(WELL_KNOWN[0]).json()
    return found


def test_both_documents_are_the_same(http: WatchedClient) -> None:
    """OIDC Discovery section 4, RFC 8414 section 3."""
    first, second = (http.get(url) for url in WELL_KNOWN)
    assert first.content == second.content
    assert first.headers["content-type"] == "application/json"


def test_the_openid_document_is_valid(metadata: dict[str, Any]) -> None:
    """OIDC Discovery section 3; oidcc-discovery-endpoint-verification."""
    OpenIDProviderMetadata(metadata).validate()


def test_the_oauth_document_is_valid(metadata: dict[str, Any]) -> None:
    """RFC 8414 section 2."""
    AuthorizationServerMetadata(metadata).validate()


def test_it_says_what_certification_asks_for(metadata: dict[str, Any]) -> None:
    """oidcc-discovery-endpoint-verification, and those of the logout plans; RFC 9207."""
    assert metadata["issuer"] == ISSUER
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "none" not in metadata["id_token_signing_alg_values_supported"]
    assert metadata["subject_types_supported"] == ["public", "pairwise"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["request_parameter_supported"] is True
    assert "RS256" in metadata["request_object_signing_alg_values_supported"]
    assert "none" not in metadata["request_object_signing_alg_values_supported"]
    assert metadata["request_uri_parameter_supported"] is False
    assert metadata["require_request_uri_registration"] is False
    assert {"openid", "offline_access", "email", "roles"} <= set(metadata["scopes_supported"])
    assert {"sub", "email", "auth_time", "acr"} <= set(metadata["claims_supported"])
    assert metadata["end_session_endpoint"].startswith("https://")
    for channel in ("backchannel", "frontchannel"):
        assert metadata[f"{channel}_logout_supported"] is True
        assert metadata[f"{channel}_logout_session_supported"] is True
    assert "check_session_iframe" not in metadata, "SIGNET_SESSION_MANAGEMENT is off"


def test_every_endpoint_it_names_answers(metadata: dict[str, Any], http: WatchedClient) -> None:
    """RFC 8414 section 2: a URL that is published is served."""
    urls = [value for name, value in metadata.items() if name.endswith("_endpoint") or name == "jwks_uri"]
    assert len(urls) >= 7
    for url in urls:
        assert url.startswith(ISSUER + "/")
        assert http.get(urlsplit(url).path).status_code in {200, 303, 400, 401, 405}


def test_every_prompt_and_scope_it_names_is_known(metadata: dict[str, Any]) -> None:
    """Registries are lists in plain sight: the document is computed from them."""
    assert metadata["prompt_values_supported"] == ["none", "login", "consent", "select_account", "create"]
    assert metadata["grant_types_supported"] == [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ]
    assert metadata["response_types_supported"] == ["code"]
    modes = ["query", "fragment", "form_post"]
    assert metadata["response_modes_supported"] == [*modes, *(f"{mode}.jwt" for mode in modes), "jwt"]
    assert metadata["acr_values_supported"] == ["aal1", "aal2", "phr"]


@pytest.mark.parametrize(
    ("published", "registered"),
    [
        ("id_token_signing_alg_values_supported", "id_token_signed_response_alg"),
        ("userinfo_signing_alg_values_supported", "userinfo_signed_response_alg"),
        ("introspection_signing_alg_values_supported", "introspection_signed_response_alg"),
        ("authorization_signing_alg_values_supported", "authorization_signed_response_alg"),
        ("subject_types_supported", "subject_type"),
    ],
)
def test_what_it_says_a_client_may_be_registered_for(metadata: dict[str, Any], published: str, registered: str) -> None:
    """OIDC Discovery section 3, OIDC Registration section 2: every value that is published is taken."""
    assert metadata[published]
    for value in metadata[published]:
        found = parse_metadata({"redirect_uris": ["https://app.example.test/cb"], registered: value})
        assert getattr(found, registered) == value


def test_every_algorithm_it_signs_with_has_a_published_key(
    metadata: dict[str, Any], http: WatchedClient, register: Register
) -> None:
    """OIDC Discovery section 3, jwks_uri; `ON_REQUEST`."""
    register(id_token_signed_response_alg="Ed25519")
    keys = http.get("/oauth2/jwks").json()["keys"]
    assert {key["alg"] for key in keys} == set(metadata["id_token_signing_alg_values_supported"])


def test_the_response_types_for_old_apps_are_named_only_where_they_are_on(settings: Settings) -> None:
    """OIDC Discovery section 3; the Dynamic OP plan asks for code, id_token and id_token token."""
    metadata = provider_metadata(settings.model_copy(update={"legacy_response_types": True}))
    assert metadata["response_types_supported"] == [
        "code",
        "id_token",
        "id_token token",
        "code id_token",
        "code token",
        "code id_token token",
    ]
    assert "implicit" in metadata["grant_types_supported"]


def test_create_is_named_only_where_people_may_sign_up(settings: Settings) -> None:
    """OpenID Connect Initiating User Registration section 4.2."""
    metadata = provider_metadata(settings.model_copy(update={"features": settings.features - {"registration"}}))
    assert "create" not in metadata["prompt_values_supported"]


@pytest.mark.parametrize("url", [*WELL_KNOWN, "/oauth2/jwks"])
def test_a_document_may_be_cached_and_read_by_any_site(http: WatchedClient, url: str) -> None:
    """A-98, A-100: at most an hour, with an ETag, no cookie, no credentials."""
    response = http.get(url, headers={"origin": "https://app.example.test"})
    assert response.headers["cache-control"] == "public, max-age=300"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    assert "set-cookie" not in response.headers
    again = http.get(url, headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert http.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    head = http.head(url)
    assert (head.status_code, head.content) == (200, b"")


POISON = [
    {"host": "evil.test"},
    {"host": "id.example.test.evil.test"},
    {"host": "id.example.test:444"},
    {"host": "a/?x="},
    {"host": ""},
    {"x-forwarded-host": "evil.test"},
    {"x-forwarded-proto": "http"},
    {"forwarded": "host=evil.test;proto=http"},
    {"x-original-url": "/account"},
    {"x-rewrite-url": "/account"},
]


@pytest.mark.parametrize("headers", POISON)
@pytest.mark.parametrize("path", [WELL_KNOWN[0], "/oauth2/authorize", "/oauth2/token", "/consent"])
def test_no_header_changes_what_we_are_called(
    new_http: Callable[[], WatchedClient], headers: dict[str, str], path: str
) -> None:
    """A-88: the configured issuer only; another host is refused."""
    response = new_http().get(path, headers=headers)
    assert "evil" not in response.text
    assert "evil" not in str(response.headers)
    if "host" in headers:
        assert response.status_code in {400, 421}
    elif path == WELL_KNOWN[0]:
        assert response.json()["issuer"] == ISSUER


@pytest.mark.parametrize(
    "path",
    [
        "/oauth2",
        "/oauth2/token/",
        "/oauth2/nothing",
        "/oauth2/authorize/x",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/.env",
        "/.git/config",
        "/%2e%2e/etc/passwd",
        "/static/..%2f..%2fsettings.py",
    ],
)
def test_what_does_not_exist_says_only_that(http: WatchedClient, path: str) -> None:
    """A-96."""
    response = http.get(path, headers={"accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["x-request-id"]


def test_whoever_authenticates_with_an_assertion_is_told_the_algorithms(metadata: dict[str, Any]) -> None:
    """RFC 8414 section 2: required beside private_key_jwt and client_secret_jwt, and `none` must not be among them."""
    for endpoint in ("token", "introspection", "revocation"):
        methods = metadata[f"{endpoint}_endpoint_auth_methods_supported"]
        assert {"private_key_jwt", "client_secret_jwt"} <= set(methods)
        algorithms = metadata[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert set(algorithms) == {"HS256", "RS256", "PS256", "ES256", "EdDSA", "Ed25519"}
