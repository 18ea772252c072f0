"""The discovery document (OIDC Discovery section 3, RFC 8414), computed from what the code supports."""

from typing import Any

from provider.config.settings import Settings
from provider.jose.algorithms import (
    DPOP_SIGNATURES,
    ENCRYPTION_ALGORITHMS,
    ENCRYPTION_METHODS,
    SIGNATURES,
    SIGNING_ALGORITHMS,
)
from provider.oauth.authorize.parameters import prompts_supported
from provider.oauth.clients.choices import ASSERTION_ALGORITHMS, DELIVERY_MODES
from provider.oauth.clients.rules.certificates import supported_methods
from provider.oauth.clients.sectors import SUBJECT_TYPES
from provider.oauth.grants.grant_types import GRANTS
from provider.oauth.grants.id_jag import ID_JAG
from provider.oauth.protected_resources import SCOPES_OF_RESOURCE
from provider.oauth.response_types import IMPLICIT, RESPONSE_MODES, response_types_supported
from provider.oauth.scopes import CLAIMS, SCOPES
from provider.sessions.assurance import ACR_VALUES, PHR

ID_TOKEN_CLAIMS = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash")

ALIASED = {
    "token_endpoint": "/oauth2/token",
    "pushed_authorization_request_endpoint": "/oauth2/par",
    "device_authorization_endpoint": "/oauth2/device_authorization",
    "backchannel_authentication_endpoint": "/oauth2/bc-authorize",
    "introspection_endpoint": "/oauth2/introspect",
    "revocation_endpoint": "/oauth2/revoke",
    "userinfo_endpoint": "/oauth2/userinfo",
    "authorization_challenge_endpoint": "/oauth2/authorize-challenge",
    "global_token_revocation_endpoint": "/oauth2/global-token-revocation",
}
"""The endpoints that apps call directly: they can have another URL where a certificate is asked for."""


def provider_metadata(settings: Settings) -> dict[str, Any]:
    """Return the discovery document, which both well-known URLs serve."""
    issuer = settings.issuer
    registration = {} if settings.registration == "closed" else {"registration_endpoint": f"{issuer}/oauth2/register"}
    methods = supported_methods(settings)
    assertion_algorithms = [alg for algorithms in ASSERTION_ALGORITHMS.values() for alg in algorithms]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth2/authorize",
        "authorization_challenge_endpoint": f"{issuer}/oauth2/authorize-challenge",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth2/par",
        "require_pushed_authorization_requests": False,
        "token_endpoint": f"{issuer}/oauth2/token",
        "userinfo_endpoint": f"{issuer}/oauth2/userinfo",
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "introspection_endpoint": f"{issuer}/oauth2/introspect",
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "global_token_revocation_endpoint": f"{issuer}/oauth2/global-token-revocation",
        "global_token_revocation_endpoint_auth_methods_supported": ["Bearer", "DPoP"],
        "end_session_endpoint": f"{issuer}/oauth2/logout",
        **registration,
        **({} if settings.client_documents == "off" else {"client_id_metadata_document_supported": True}),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        **({"check_session_iframe": f"{issuer}/oauth2/check-session"} if settings.session_management else {}),
        "device_authorization_endpoint": f"{issuer}/oauth2/device_authorization",
        "backchannel_authentication_endpoint": f"{issuer}/oauth2/bc-authorize",
        "backchannel_token_delivery_modes_supported": list(DELIVERY_MODES),
        "backchannel_authentication_request_signing_alg_values_supported": list(SIGNATURES),
        "backchannel_user_code_parameter_supported": False,
        "protected_resources": [issuer + path for path in SCOPES_OF_RESOURCE],
        "response_types_supported": list(response_types_supported(settings)),
        "response_modes_supported": list(RESPONSE_MODES),
        "authorization_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "authorization_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "authorization_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
        "grant_types_supported": [*GRANTS, *([IMPLICIT] if settings.legacy_response_types else [])],
        "scopes_supported": list(SCOPES),
        "claims_supported": [*CLAIMS, *ID_TOKEN_CLAIMS],
        "claim_types_supported": ["normal"],
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "id_token_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "id_token_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
        "userinfo_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "userinfo_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "userinfo_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
        "token_endpoint_auth_methods_supported": list(methods),
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "authorization_grant_profiles_supported": ["urn:ietf:params:oauth:grant-profile:id-jag"],
        "identity_chaining_requested_token_types_supported": [ID_JAG],
        "introspection_endpoint_auth_methods_supported": [method for method in methods if method != "none"],
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "introspection_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "introspection_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "introspection_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
        "revocation_endpoint_auth_methods_supported": list(methods),
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "dpop_signing_alg_values_supported": list(DPOP_SIGNATURES),
        **_mutual_tls(settings),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "acr_values_supported": [acr for acr in ACR_VALUES if acr != PHR or settings.can_have_passkeys],
        "display_values_supported": ["page", "popup", "touch"],
        "prompt_values_supported": list(prompts_supported(settings)),
        **({} if settings.terms_url is None else {"op_tos_uri": settings.terms_url}),
        "ui_locales_supported": list(settings.languages),
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(SIGNATURES),
        "request_uri_parameter_supported": settings.request_uri,
        "require_request_uri_registration": settings.request_uri,
    }


def _mutual_tls(settings: Settings) -> dict[str, Any]:
    """Return the members about client certificates (RFC 8705 sections 3.3 and 5). None without mutual TLS."""
    if not settings.has_mutual_tls:
        return {}
    members: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}
    if settings.mtls_url is not None:
        members["mtls_endpoint_aliases"] = {name: settings.mtls_url + path for name, path in ALIASED.items()}
    return members
