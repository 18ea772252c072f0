"""A client's metadata as a value (RFC 7591 section 2, OIDC Registration section 2). Pure.

Each member is declared here with what is known about it alone (`members`). The rules for valid metadata are in
`metadata_rules`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from provider.changes import Changes, differences
from provider.jose.algorithms import (
    ENCRYPTION_ALGORITHMS,
    ENCRYPTION_METHODS,
    PS256,
    RS256,
    SIGNATURES,
    SIGNING_ALGORITHMS,
)
from provider.oauth.clients.choices import (
    AUTH_METHODS,
    CERTIFICATE_METHODS,
    CIBA,
    DELIVERY_MODES,
    DEVICE_CODE,
    FAPI2,
    FAPI2_MESSAGE_SIGNING,
    GRANT_TYPES,
    PING,
    PROFILES,
    SECRET_METHODS,
)
from provider.oauth.clients.members import Member, granted, registrable, restricted
from provider.oauth.clients.redirect_uris import host_of
from provider.oauth.clients.sectors import PUBLIC, SUBJECT_TYPES, find_sector
from provider.oauth.response_types import ResponseMode
from provider.oauth.scopes import STANDARD_SCOPES, parse_scope
from provider.refusals import Refusal
from provider.sessions.assurance import ACR_VALUES, REQUIRED_FACTORS
from provider.urls import origin_of, web_origin_of


class InvalidMetadata(Refusal):
    """Invalid client metadata: `invalid_redirect_uri` or `invalid_client_metadata` (RFC 7591 section 3.2.2)."""

    code = "invalid-metadata"

    def __init__(self, message: str, *, error: str = "invalid_client_metadata", member: str = "") -> None:
        self.error, self.member = error, member
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class ClientMetadata:
    """A client's registered metadata. The names are those of the specifications; `allowed_origins` and those from
    `private_use_schemes` on, except `authorization_details_types`, are our own.
    """

    client_name: str = registrable("")
    redirect_uris: tuple[str, ...] = registrable((), most=50, items="URIs")
    post_logout_redirect_uris: tuple[str, ...] = registrable((), most=50, items="URIs")
    allowed_origins: tuple[str, ...] = registrable((), most=50, items="origins")
    backchannel_logout_uri: str | None = registrable(None)
    backchannel_logout_session_required: bool = registrable(False)
    frontchannel_logout_uri: str | None = registrable(None)
    frontchannel_logout_session_required: bool = registrable(False)
    token_endpoint_auth_method: str | None = registrable(None, choices=AUTH_METHODS)
    """None if nobody chose one: see `auth_methods`."""
    grant_types: tuple[str, ...] = registrable(("authorization_code",), choices=GRANT_TYPES)
    response_types: tuple[str, ...] = registrable(("code",))
    scope: str = registrable(" ".join(STANDARD_SCOPES))
    application_type: str = registrable("web", choices=("web", "native"))
    id_token_signed_response_alg: str = registrable(RS256, choices=SIGNING_ALGORITHMS)
    id_token_encrypted_response_alg: str | None = registrable(None, choices=ENCRYPTION_ALGORITHMS)
    id_token_encrypted_response_enc: str | None = registrable(None, choices=ENCRYPTION_METHODS)
    userinfo_signed_response_alg: str | None = registrable(None, choices=SIGNING_ALGORITHMS)
    userinfo_encrypted_response_alg: str | None = registrable(None, choices=ENCRYPTION_ALGORITHMS)
    userinfo_encrypted_response_enc: str | None = registrable(None, choices=ENCRYPTION_METHODS)
    introspection_signed_response_alg: str | None = registrable(None, choices=SIGNING_ALGORITHMS)
    introspection_encrypted_response_alg: str | None = registrable(None, choices=ENCRYPTION_ALGORITHMS)
    introspection_encrypted_response_enc: str | None = registrable(None, choices=ENCRYPTION_METHODS)
    authorization_signed_response_alg: str | None = registrable(None, choices=SIGNING_ALGORITHMS)
    authorization_encrypted_response_alg: str | None = registrable(None, choices=ENCRYPTION_ALGORITHMS)
    authorization_encrypted_response_enc: str | None = registrable(None, choices=ENCRYPTION_METHODS)
    subject_type: str = registrable(PUBLIC, choices=SUBJECT_TYPES)
    sector_identifier_uri: str | None = registrable(None)
    default_max_age: int | None = registrable(None)
    default_acr_values: tuple[str, ...] = registrable((), choices=ACR_VALUES)
    require_auth_time: bool = registrable(False)
    client_uri: str | None = registrable(None)
    logo_uri: str | None = registrable(None)
    policy_uri: str | None = registrable(None)
    tos_uri: str | None = registrable(None)
    initiate_login_uri: str | None = registrable(None)
    contacts: tuple[str, ...] = registrable((), items="entries")
    jwks: dict[str, Any] | None = registrable(None)
    jwks_uri: str | None = registrable(None)
    token_endpoint_auth_signing_alg: str | None = registrable(None)
    tls_client_auth_subject_dn: str | None = registrable(None)
    tls_client_auth_san_dns: str | None = registrable(None)
    tls_client_auth_san_uri: str | None = registrable(None)
    tls_client_auth_san_ip: str | None = registrable(None)
    tls_client_auth_san_email: str | None = registrable(None)
    request_object_signing_alg: str | None = registrable(None, choices=SIGNATURES)
    request_uris: tuple[str, ...] = registrable((), most=50, items="URLs")
    require_pushed_authorization_requests: bool = registrable(False)
    require_signed_request_object: bool = registrable(False)
    dpop_bound_access_tokens: bool = registrable(False)
    tls_client_certificate_bound_access_tokens: bool = registrable(False)
    backchannel_token_delivery_mode: str | None = registrable(None, choices=DELIVERY_MODES)
    backchannel_client_notification_endpoint: str | None = registrable(None)
    backchannel_authentication_request_signing_alg: str | None = registrable(None, choices=SIGNATURES)
    backchannel_user_code_parameter: bool = registrable(False)
    private_use_schemes: tuple[str, ...] = granted((), most=100, items="schemes")
    require_pkce: bool = restricted(True, free=False)
    claims_in_id_token: bool = granted(False)
    resource_identifiers: tuple[str, ...] = granted((), items="URIs")
    scope_descriptions: dict[str, Any] | None = granted(None)
    """What its scopes allow, for users, if it is an API: scope to language tag to text."""
    exchange_targets: tuple[str, ...] = granted((), items="URIs")
    upstream_tokens: tuple[str, ...] = granted((), most=50, items="keys")
    """The keys of the upstreams whose tokens it may fetch for users, by token exchange."""
    authorization_details_types: tuple[str, ...] = registrable((), most=50, items="types")
    first_party: bool = granted(False)
    authorization_challenge: bool = granted(False)
    verify_uri: str | None = granted(None)
    reset_uri: str | None = granted(None)
    response_modes: tuple[str, ...] = registrable(tuple(ResponseMode), choices=tuple(ResponseMode))
    profile: str = restricted("none", free="none", choices=PROFILES)
    required_factor: str = restricted("none", free="none", choices=tuple(REQUIRED_FACTORS))
    allowed_roles: tuple[str, ...] = restricted((), free=(), most=100)
    allowed_groups: tuple[str, ...] = restricted((), free=(), most=100)
    allowed_networks: tuple[str, ...] = restricted((), free=(), most=100)
    protected_sites: tuple[str, ...] = granted((), most=50, items="sites")
    """The origins of sites whose proxy asks this server about each request (`protected_sites`)."""
    protected_paths: dict[str, Any] | None = granted(None)
    """Rules for paths of these sites: path to rule."""
    assertion_issuer: str | None = granted(None)
    assertion_subjects: tuple[str, ...] = granted((), items="subjects")
    assertion_audience: str | None = granted(None)
    id_jag_audiences: dict[str, Any] | None = granted(None)

    @property
    def is_public(self) -> bool:
        return self.token_endpoint_auth_method == "none"  # noqa: S105  # a method

    @property
    def auth_methods(self) -> tuple[str, ...]:
        """The methods by which the client may authenticate: the chosen one, or else both ways to send a secret.

        RFC 7591 section 2 has client_secret_basic as the default, but many libraries send client_secret_post.
        """
        method = self.token_endpoint_auth_method
        return SECRET_METHODS if method is None else (method,)

    @property
    def has_secret(self) -> bool:
        return self.auth_methods[0].startswith("client_secret_")

    @property
    def has_certificate(self) -> bool:
        """Whether the client authenticates with a certificate (RFC 8705 section 2)."""
        return self.token_endpoint_auth_method in CERTIFICATE_METHODS

    @property
    def may_refresh(self) -> bool:
        return "refresh_token" in self.grant_types

    @property
    def is_fapi2(self) -> bool:
        return self.profile in {FAPI2, FAPI2_MESSAGE_SIGNING}

    @property
    def signs_messages(self) -> bool:
        """Whether requests and responses are signed (FAPI 2.0 Message Signing)."""
        return self.profile == FAPI2_MESSAGE_SIGNING

    @property
    def must_sign_requests(self) -> bool:
        """Whether each authorization request must be a signed request object (RFC 9101 section 10.5; FAPI 2.0 Message
        Signing section 5.3).
        """
        return self.require_signed_request_object or self.signs_messages

    @property
    def usable_response_modes(self) -> tuple[str, ...]:
        """The registered response modes, with Message Signing only those of signed responses (section 5.4)."""
        if not self.signs_messages:
            return self.response_modes
        return tuple(mode for mode in self.response_modes if ResponseMode(mode).is_jwt)

    @property
    def usual_alg(self) -> str:
        """The algorithm for JWTs whose algorithm the client cannot choose, or did not.

        FAPI 2.0 excludes RS256 (Security Profile section 5.4.1). PS256 has the same key pair.
        """
        return PS256 if self.is_fapi2 else RS256

    @property
    def signing_algorithms(self) -> set[str]:
        """The algorithms that the client chose for what we sign for it."""
        chosen = (
            self.id_token_signed_response_alg,
            self.userinfo_signed_response_alg,
            self.introspection_signed_response_alg,
            self.authorization_signed_response_alg,
        )
        return {alg for alg in chosen if alg is not None}

    @property
    def may_bind_certificate(self) -> bool:
        """Whether its access tokens are bound to the certificate of a token request without a DPoP proof (decision
        282).
        """
        return self.tls_client_certificate_bound_access_tokens or (self.is_fapi2 and not self.dpop_bound_access_tokens)

    @property
    def must_push(self) -> bool:
        """Whether the client must push its requests (RFC 9126 section 6; FAPI 2.0 Security Profile section 5.3.2.2)."""
        return self.require_pushed_authorization_requests or self.is_fapi2

    @property
    def asks_elsewhere(self) -> bool:
        """Whether users may answer the client on another device, without a redirect to it."""
        return not {DEVICE_CODE, CIBA}.isdisjoint(self.grant_types)

    @property
    def notified_urls(self) -> tuple[str | None, ...]:
        """The URLs of the client that this server calls when something happened."""
        return self.backchannel_logout_uri, self.backchannel_client_notification_endpoint

    @property
    def gets_pings(self) -> bool:
        """Whether the client is notified of the user's answer to a backchannel authentication request (CIBA section
        10.2).
        """
        return CIBA in self.grant_types and self.backchannel_token_delivery_mode == PING

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(parse_scope(self.scope))

    def still_of(self, scope: Iterable[str]) -> tuple[str, ...]:
        """Return the scopes of an earlier grant or request that the client is still registered for."""
        registered = self.scopes
        return tuple(token for token in scope if token in registered)

    @property
    def host(self) -> str:
        """The host of the client, which a user can check."""
        return host_of(self.client_uri or (self.redirect_uris or ("",))[0])

    @property
    def sector(self) -> str | None:
        """The sector of a pairwise client; None for public subjects.

        Clients of one sector see the same subjects, and those of other sectors see different ones.
        """
        return None if self.subject_type == PUBLIC else find_sector(self.redirect_uris, self.sector_identifier_uri)

    @property
    def redirect_origins(self) -> frozenset[str]:
        """The origins of the redirect URIs that are web pages."""
        return frozenset(filter(None, map(web_origin_of, self.redirect_uris)))

    @property
    def origins(self) -> frozenset[str]:
        """The origins of the client's pages, which may read responses to it (CORS).

        They are those of its redirect URIs and its `allowed_origins`, as browsers write them in `Origin`.
        """
        return self.redirect_origins | frozenset(filter(None, map(origin_of, self.allowed_origins)))

    def differences(self, wanted: "ClientMetadata") -> Changes:
        """Return what `wanted` changes."""
        return differences(vars(self), vars(wanted))

    def as_json(self) -> dict[str, Any]:
        """Return the metadata as JSON values under its RFC 7591 names, without members that are None."""
        pairs = {name: getattr(self, name) for name in FIELDS}
        return {name: value for name, value in pairs.items() if value is not None}


FIELDS = {field.name: field for field in fields(ClientMetadata)}
LISTS = {name for name, field in FIELDS.items() if "tuple" in str(field.type)}
MEMBERS: Mapping[str, Member] = {name: field.metadata["member"] for name, field in FIELDS.items()}
"""What is known about each member. One that does not say who may set it stops the start."""
REGISTRABLE = tuple(name for name, member in MEMBERS.items() if member.is_registrable)
"""The metadata that a client may set when it registers itself. Any other member is ignored there."""
POLICY = {name: member.free for name, member in MEMBERS.items() if member.is_policy}
"""The members that restrict a client, and the values that restrict nothing."""


def load_metadata(given: Mapping[str, Any]) -> ClientMetadata:
    """Return stored metadata as a value. Unknown members are ignored (RFC 7591 section 2)."""
    known: dict[str, Any] = {
        name: tuple(value) if name in LISTS else value for name, value in given.items() if name in FIELDS
    }
    return ClientMetadata(**known)
