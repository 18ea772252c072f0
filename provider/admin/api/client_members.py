"""What each member of client metadata means, for the OpenAPI document (RFC 7591, OIDC Registration, and our own)."""

from collections.abc import Iterable, Mapping

from provider.jose.algorithms import SIGNATURES
from provider.oauth.clients.choices import FAPI2, FAPI2_MESSAGE_SIGNING
from provider.oauth.clients.metadata import LISTS, MEMBERS
from provider.oauth.response_types import RESPONSE_TYPES


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


_WITH_TLS = "`tls_client_auth` needs exactly one of the five members for the subject of the certificate."

_TEXTS: Mapping[str, str] = {
    "client_name": "The name that users see when they sign in and give consent.",
    "redirect_uris": "Where users return after signing in. Compared exactly, except for the port of a loopback URI.",
    "post_logout_redirect_uris": "Where users can return after signing out. Compared exactly.",
    "allowed_origins": "Origins that may call Signet from a browser, besides those of the redirect URIs.",
    "backchannel_logout_uri": "The https URL that logout tokens are posted to when a session ends.",
    "backchannel_logout_session_required": "Require `sid` in logout tokens. They always have it.",
    "frontchannel_logout_uri": "The URL that is loaded in an iframe when the user signs out.",
    "frontchannel_logout_session_required": "Add `iss` and `sid` to the `frontchannel_logout_uri`.",
    "token_endpoint_auth_method": (
        "How the client authenticates. {choices} If left out, both methods with a plain secret work."
    ),
    "grant_types": "The grant types the client can use. {choices}",
    "response_types": f"The response types the client can use. Some of {_listed(RESPONSE_TYPES)}.",
    "scope": "The scopes the client can request, separated by spaces.",
    "application_type": "`web`, or `native` for an app on a device.",
    "id_token_signed_response_alg": "The algorithm that signs ID tokens and logout tokens. {choices}",
    "id_token_encrypted_response_alg": "The algorithm that encrypts the key of ID tokens and logout tokens. {choices}",
    "id_token_encrypted_response_enc": "The algorithm that encrypts ID tokens and logout tokens. {choices}",
    "userinfo_signed_response_alg": "Makes userinfo responses JWTs, signed with this algorithm. {choices}",
    "userinfo_encrypted_response_alg": "The algorithm that encrypts the key of userinfo responses. {choices}",
    "userinfo_encrypted_response_enc": "The algorithm that encrypts userinfo responses. {choices}",
    "introspection_signed_response_alg": "The algorithm that signs introspection responses as JWTs. {choices}",
    "introspection_encrypted_response_alg": "The algorithm that encrypts the key of introspection JWTs. {choices}",
    "introspection_encrypted_response_enc": "The algorithm that encrypts introspection JWTs. {choices}",
    "authorization_signed_response_alg": "The algorithm that signs authorization responses as JWTs. {choices}",
    "authorization_encrypted_response_alg": "The algorithm that encrypts the key of these JWTs. {choices}",
    "authorization_encrypted_response_enc": "The algorithm that encrypts these JWTs. {choices}",
    "subject_type": "`public`: users have the same `sub` everywhere. `pairwise`: a different one in each sector.",
    "sector_identifier_uri": "The https URL of a list of all redirect URIs. Its host is the sector of `pairwise`.",
    "default_max_age": "The seconds after which users must sign in again, if a request has no `max_age`.",
    "default_acr_values": "The `acr` values to ask for, if a request has no `acr_values`. {choices}",
    "required_factor": (
        "What users must sign in with. Those who don't have it are asked to set it up. "
        "{choices} `passkey` needs a passkey, and `two-factor` any second factor."
    ),
    "allowed_roles": "Only users with one of these roles can sign in. As the client gets them in `roles`.",
    "allowed_groups": "Only users in one of these groups can sign in.",
    "allowed_networks": "Users can sign in only from these networks, such as `10.0.0.0/8`.",
    "protected_sites": "The origins of sites whose reverse proxy asks Signet about each request (forward auth). Their "
    "redirect URIs are registered automatically.",
    "protected_paths": "Rules for paths of these sites, by path. A rule has `allowed_roles`, `allowed_groups`, "
    "`allowed_networks` and `required_factor`, or `bypass`: `true` for a path that needs no sign-in.",
    "require_auth_time": "Require `auth_time` in ID tokens. They always have it.",
    "client_uri": "The home page of the client. Users see its host name.",
    "logo_uri": "The URL of the client's logo.",
    "policy_uri": "The URL of the client's privacy policy.",
    "tos_uri": "The URL of the client's terms of service.",
    "initiate_login_uri": "The https page that starts a sign-in. Users whose sign-in has expired are sent there.",
    "contacts": "Email addresses of the people responsible for the client.",
    "jwks": "The client's public keys, as a JSON Web Key Set.",
    "jwks_uri": "The URL of the client's JSON Web Key Set. Use this or `jwks`.",
    "token_endpoint_auth_signing_alg": (
        f"The only algorithm of client assertions to accept. One of {_listed(SIGNATURES)}."
    ),
    "tls_client_auth_subject_dn": f"The subject of the client's certificate (RFC 4514). {_WITH_TLS}",
    "tls_client_auth_san_dns": f"The host name in the client's certificate. {_WITH_TLS}",
    "tls_client_auth_san_uri": f"The URI in the client's certificate. {_WITH_TLS}",
    "tls_client_auth_san_ip": f"The IP address in the client's certificate. {_WITH_TLS}",
    "tls_client_auth_san_email": f"The email address in the client's certificate. {_WITH_TLS}",
    "request_object_signing_alg": "The only algorithm of request objects to accept. {choices}",
    "request_uris": "URLs of request objects. Needs SIGNET_REQUEST_URI.",
    "require_pushed_authorization_requests": "Accept only authorization requests that were pushed (PAR).",
    "require_signed_request_object": "Accept only authorization requests that are signed request objects.",
    "dpop_bound_access_tokens": "Reject token requests without a DPoP proof.",
    "tls_client_certificate_bound_access_tokens": (
        "Bind access tokens to the client's certificate. Token requests without it are rejected."
    ),
    "backchannel_token_delivery_mode": (
        "How the client learns of the answer to a backchannel authentication request (CIBA). {choices}"
    ),
    "backchannel_client_notification_endpoint": "The https URL to notify of an answer. Needs the mode `ping`.",
    "backchannel_authentication_request_signing_alg": (
        "The only algorithm of signed backchannel authentication requests to accept; unsigned ones are rejected. "
        "{choices}"
    ),
    "backchannel_user_code_parameter": "Must be `false`: user codes are not supported.",
    "private_use_schemes": "URI schemes without a dot that redirect URIs can use, such as `cursor`.",
    "require_pkce": "Reject authorization requests without a `code_challenge`.",
    "claims_in_id_token": "Include profile, email, address and phone claims in ID tokens.",
    "resource_identifiers": "The identifiers of this API: URIs that are the audience (`aud`) of access tokens for it.",
    "scope_descriptions": (
        "What users read about scopes of this API: an object of scope to an object of language tag and text, such as "
        '`{"orders:read": {"en": "View your orders"}}`. A string instead of the inner object is English.'
    ),
    "exchange_targets": "The identifiers of APIs that the client can exchange tokens for.",
    "upstream_tokens": "The keys of upstream providers whose access tokens the client can get for users, by token "
    "exchange.",
    "authorization_details_types": "The types of authorization details that the client can ask for (RFC 9396).",
    "id_jag_audiences": "The issuers of authorization servers for which the client can get an ID-JAG, each with the "
    "`client_id` that it has there.",
    "assertion_issuer": "The trusted issuer whose tokens authenticate the client, with `federated_jwt`.",
    "assertion_subjects": "The subjects (`sub`) that authenticate the client. `*` stands for text without `:` and `/`.",
    "assertion_audience": "The audience (`aud`) of these tokens, if it is not the issuer URL of Signet.",
    "first_party": "Whether it is your own app. Users are not asked for consent.",
    "authorization_challenge": "Whether the client can ask for passwords on its own pages. Needs `first_party`.",
    "verify_uri": "The client's own page for links in verification emails. Needs `first_party`.",
    "reset_uri": "The client's own page for links in password reset emails. Needs `first_party`.",
    "response_modes": "The response modes the client can use. {choices}",
    "profile": (
        f"`none`, `{FAPI2}` for the rules of FAPI 2.0, or `{FAPI2_MESSAGE_SIGNING}` for signed messages too. Both "
        "require DPoP or certificate-bound tokens."
    ),
}
"""The descriptions by member, with `{choices}` where its choices are listed. Each member of the metadata has one."""


def describe(name: str) -> str:
    """Return the description of a member."""
    choices = f"{'Some' if name in LISTS else 'One'} of {_listed(MEMBERS[name].choices)}."
    return _TEXTS[name].replace("{choices}", choices)
