"""The settings of a client in the groups of the console, and which of them fit its kind and this installation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provider.config.settings import Settings
from provider.languages.text import Text
from provider.oauth.clients.choices import CIBA, DEVICE_CODE, JWT_BEARER, SUBJECTS, TLS_CLIENT_AUTH, TOKEN_EXCHANGE
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.response_types import IMPLICIT
from provider.operators.presets import preset_of

_BROWSER = frozenset({"web", "spa", "native"})
_SIGNS_IN = _BROWSER | {"device"}
_GETS_TOKENS = _SIGNS_IN | {"service"}
_HAS_SERVER = frozenset({"web", "service", "api"})
_HAS_USERS = _SIGNS_IN | {"site"}


@dataclass(frozen=True)
class Section:
    """Members below one heading. A section with a title is folded until it is needed."""

    names: tuple[str, ...]
    title: Text | None = None


@dataclass(frozen=True)
class Group:
    """Settings that are edited and saved together."""

    title: Text
    sections: tuple[Section, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for section in self.sections for name in section.names)


def _encryption(response: str) -> tuple[str, str]:
    return f"{response}_encrypted_response_alg", f"{response}_encrypted_response_enc"


GROUPS: Mapping[str, Group] = {
    "basics": Group(
        Text("Basics"), (Section(("client_name", "scope", "resource_identifiers", "scope_descriptions", "contacts")),)
    ),
    "sign-in": Group(
        Text("Sign-in & redirects"),
        (
            Section(
                (
                    "redirect_uris",
                    "private_use_schemes",
                    "allowed_origins",
                    "initiate_login_uri",
                    "default_max_age",
                    "required_factor",
                    "allowed_roles",
                    "allowed_groups",
                    "allowed_networks",
                    "protected_sites",
                    "protected_paths",
                    "default_acr_values",
                    "first_party",
                    "authorization_challenge",
                    "verify_uri",
                    "reset_uri",
                )
            ),
        ),
    ),
    "tokens": Group(
        Text("Tokens"),
        (
            Section(
                (
                    "grant_types",
                    "exchange_targets",
                    "upstream_tokens",
                    "id_jag_audiences",
                    "authorization_details_types",
                    "claims_in_id_token",
                    "subject_type",
                )
            ),
        ),
    ),
    "sign-out": Group(
        Text("Sign-out"),
        (
            Section(
                (
                    "post_logout_redirect_uris",
                    "backchannel_logout_uri",
                    "frontchannel_logout_uri",
                    "frontchannel_logout_session_required",
                )
            ),
        ),
    ),
    "branding": Group(Text("Branding"), (Section(("client_uri", "logo_uri", "policy_uri", "tos_uri")),)),
    "security": Group(
        Text("Security"),
        (
            Section(
                (
                    "token_endpoint_auth_method",
                    "assertion_issuer",
                    "assertion_subjects",
                    "assertion_audience",
                    "jwks_uri",
                    "jwks",
                    *SUBJECTS,
                    "require_pkce",
                    "require_pushed_authorization_requests",
                    "require_signed_request_object",
                    "dpop_bound_access_tokens",
                    "tls_client_certificate_bound_access_tokens",
                    "profile",
                    "id_token_signed_response_alg",
                )
            ),
        ),
    ),
    "advanced": Group(
        Text("Advanced"),
        (
            Section(
                (
                    "application_type",
                    "response_types",
                    "response_modes",
                    "token_endpoint_auth_signing_alg",
                    "request_object_signing_alg",
                    "request_uris",
                ),
                Text("Requests and responses"),
            ),
            Section(("authorization_signed_response_alg", *_encryption("authorization")), Text("Responses as JWT")),
            Section(
                (*_encryption("id_token"), "require_auth_time", "sector_identifier_uri"),
                Text("ID tokens"),
            ),
            Section(("userinfo_signed_response_alg", *_encryption("userinfo")), Text("UserInfo")),
            Section(("introspection_signed_response_alg", *_encryption("introspection")), Text("Introspection")),
            Section(("backchannel_logout_session_required",), Text("Logout notifications")),
            Section(
                (
                    "backchannel_token_delivery_mode",
                    "backchannel_client_notification_endpoint",
                    "backchannel_authentication_request_signing_alg",
                    "backchannel_user_code_parameter",
                ),
                Text("Approval on another device (CIBA)"),
            ),
        ),
    ),
}

_FITS: Mapping[str, frozenset[str]] = {
    "redirect_uris": _BROWSER,
    "private_use_schemes": frozenset({"native"}),
    "allowed_origins": frozenset({"spa", "native"}),
    "initiate_login_uri": _BROWSER,
    "default_max_age": _BROWSER,
    "required_factor": _HAS_USERS,
    **dict.fromkeys(("allowed_roles", "allowed_groups", "allowed_networks"), _HAS_USERS),
    **dict.fromkeys(("protected_sites", "protected_paths"), frozenset({"web", "site"})),
    "default_acr_values": _BROWSER,
    "post_logout_redirect_uris": _BROWSER,
    "backchannel_logout_uri": frozenset({"web"}),
    "backchannel_logout_session_required": frozenset({"web"}),
    "frontchannel_logout_uri": frozenset({"web", "spa"}),
    "frontchannel_logout_session_required": frozenset({"web", "spa"}),
    "resource_identifiers": frozenset({"api"}),
    "scope_descriptions": frozenset({"api"}),
    "grant_types": _GETS_TOKENS,
    "scope": _GETS_TOKENS | {"site"},
    "authorization_details_types": _GETS_TOKENS,
    "require_pkce": frozenset({"web"}),  # public clients must use it
    "dpop_bound_access_tokens": _GETS_TOKENS,
    "tls_client_certificate_bound_access_tokens": _GETS_TOKENS,
    **dict.fromkeys(SUBJECTS, _HAS_SERVER),
    "response_types": _BROWSER,
    "response_modes": _BROWSER,
    "jwks": _HAS_SERVER,
    "jwks_uri": _HAS_SERVER,
    "token_endpoint_auth_signing_alg": _HAS_SERVER,
    "profile": frozenset({"web"}),
    **dict.fromkeys(("assertion_issuer", "assertion_subjects", "assertion_audience"), _HAS_SERVER),
    **dict.fromkeys(("require_pushed_authorization_requests", "require_signed_request_object"), _BROWSER),
    **dict.fromkeys(("request_object_signing_alg", "request_uris"), _BROWSER),
    **dict.fromkeys(("id_token_signed_response_alg", *_encryption("id_token"), "require_auth_time"), _SIGNS_IN),
    **dict.fromkeys(("userinfo_signed_response_alg", *_encryption("userinfo"), "claims_in_id_token"), _SIGNS_IN),
    **dict.fromkeys(("authorization_signed_response_alg", *_encryption("authorization")), _BROWSER),
    **dict.fromkeys(("introspection_signed_response_alg", *_encryption("introspection")), _HAS_SERVER),
    **dict.fromkeys(("subject_type", "sector_identifier_uri", "client_uri", "logo_uri", "policy_uri"), _HAS_USERS),
    **dict.fromkeys(("tos_uri", "first_party"), _HAS_USERS),
    **dict.fromkeys(("authorization_challenge", "verify_uri", "reset_uri"), _SIGNS_IN),
}
"""The kinds of clients (`presets`) that a member is for. A member that isn't here is for all."""

_GRANTS: Mapping[str, tuple[str, ...]] = {
    "web": ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, CIBA, TOKEN_EXCHANGE, JWT_BEARER),
    "spa": ("authorization_code", "refresh_token"),
    "native": ("authorization_code", "refresh_token", DEVICE_CODE),
    "device": (DEVICE_CODE, "refresh_token"),
    "service": ("client_credentials", "refresh_token", CIBA, TOKEN_EXCHANGE, JWT_BEARER),
    "api": (),
    "site": ("authorization_code",),
}


def fitting(names: Iterable[str], metadata: ClientMetadata, settings: Settings) -> tuple[str, ...]:
    """Return the members that fit this client and installation, and those that have another value than their default:
    what is in effect is never hidden.
    """
    kind, changed = preset_of(metadata), ClientMetadata().differences(metadata)
    return tuple(name for name in names if name in changed or _fits(name, kind, metadata, settings))


def _fits(name: str, kind: str, metadata: ClientMetadata, settings: Settings) -> bool:
    if name == "request_uris":
        return settings.request_uri and kind in _BROWSER
    if name.startswith(("backchannel_token_", "backchannel_client_", "backchannel_authentication_")):
        return CIBA in metadata.grant_types
    if name == "backchannel_user_code_parameter":
        return False
    if name in {"exchange_targets", "upstream_tokens", "id_jag_audiences"}:
        return TOKEN_EXCHANGE in fitting_grants(metadata, settings)
    if name in {"authorization_challenge", "verify_uri", "reset_uri"} and not metadata.first_party:
        return False
    if name in SUBJECTS and TLS_CLIENT_AUTH not in settings.certificate_methods:
        return False
    if name == "tls_client_certificate_bound_access_tokens" and not settings.has_mutual_tls:
        return False
    if name == "response_types" and not settings.legacy_response_types:
        return False
    if name == "scope" and kind == "api":
        return False
    return kind in _FITS.get(name, frozenset({kind}))


def fitting_grants(metadata: ClientMetadata, settings: Settings) -> tuple[str, ...]:
    """Return the grant types to offer for this client: those of its kind, and those it has."""
    kind = preset_of(metadata)
    legacy = (IMPLICIT,) if settings.legacy_response_types and kind in _BROWSER else ()
    return tuple(dict.fromkeys((*_GRANTS[kind], *legacy, *metadata.grant_types)))


def group_of(name: str) -> str:
    """Return the key of the group that a member belongs to."""
    return next(key for key, group in GROUPS.items() if name in group.names)


def all_names() -> tuple[str, ...]:
    """Return every member, in the order of the groups."""
    return tuple(name for group in GROUPS.values() for name in group.names)
