"""Client metadata as a form: a field for every member that can be registered (RFC 7591, OIDC Registration)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provider.admin.client_labels import LABELS
from provider.jose.algorithms import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, SIGNATURES, SIGNING_ALGORITHMS
from provider.jose.json_objects import read_object
from provider.languages.text import Text
from provider.oauth.clients.metadata import (
    AUTH_METHODS,
    FAPI2,
    FIELDS,
    GRANT_TYPES,
    LISTS,
    ClientMetadata,
    InvalidMetadata,
)
from provider.oauth.clients.sectors import SUBJECT_TYPES
from provider.oauth.response_types import RESPONSE_TYPES, ResponseMode

GROUPS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (
        Text("Display"),
        ("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "contacts"),
    ),
    (
        Text("Sign-in"),
        (
            "application_type",
            "redirect_uris",
            "private_use_schemes",
            "allowed_origins",
            "grant_types",
            "response_types",
            "response_modes",
            "scope",
            "require_pkce",
            "require_pushed_authorization_requests",
            "request_uris",
            "request_object_signing_alg",
            "default_max_age",
            "require_auth_time",
        ),
    ),
    (
        Text("Client authentication"),
        ("token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "jwks_uri"),
    ),
    (
        Text("Tokens and claims"),
        (
            "subject_type",
            "sector_identifier_uri",
            "claims_in_id_token",
            "id_token_signed_response_alg",
            "id_token_encrypted_response_alg",
            "id_token_encrypted_response_enc",
            "userinfo_signed_response_alg",
            "userinfo_encrypted_response_alg",
            "userinfo_encrypted_response_enc",
            "introspection_signed_response_alg",
            "introspection_encrypted_response_alg",
            "introspection_encrypted_response_enc",
        ),
    ),
    (
        Text("Sign-out"),
        (
            "post_logout_redirect_uris",
            "backchannel_logout_uri",
            "backchannel_logout_session_required",
            "frontchannel_logout_uri",
            "frontchannel_logout_session_required",
        ),
    ),
    (Text("API access"), ("resource_identifiers", "exchange_targets")),
    (Text("Trust"), ("first_party", "authorization_challenge", "verify_uri", "reset_uri", "profile")),
)

_ENCRYPTION = {
    name: values
    for response in ("id_token", "userinfo", "introspection")
    for name, values in (
        (f"{response}_encrypted_response_alg", ENCRYPTION_ALGORITHMS),
        (f"{response}_encrypted_response_enc", ENCRYPTION_METHODS),
    )
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "application_type": ("web", "native"),
    "token_endpoint_auth_method": AUTH_METHODS,
    "token_endpoint_auth_signing_alg": ("HS256", *SIGNATURES),
    "request_object_signing_alg": SIGNATURES,
    "id_token_signed_response_alg": SIGNING_ALGORITHMS,
    "userinfo_signed_response_alg": SIGNING_ALGORITHMS,
    "introspection_signed_response_alg": SIGNING_ALGORITHMS,
    "subject_type": SUBJECT_TYPES,
    "profile": ("none", FAPI2),
    **_ENCRYPTION,
}
_ONE_A_LINE = Text("One per line.")
HINTS: Mapping[str, Text] = {
    "client_name": Text("Users see this name when they sign in and give consent."),
    "client_uri": Text("Home page of the application. Users see its host name."),
    "initiate_login_uri": Text("An https page that starts a sign-in. Users whose sign-in expired are sent there."),
    "redirect_uris": Text("One per line. Must match exactly, except for the port of localhost, 127.0.0.1 and [::1]."),
    "private_use_schemes": Text(
        "URI schemes without a dot, one per line, for example cursor. Other apps on the device can register the same "
        "scheme."
    ),
    "allowed_origins": Text(
        "Origins that may call Signet from a browser, one per line. Those of the redirect URIs are included. For "
        "example capacitor://localhost."
    ),
    "post_logout_redirect_uris": Text("URIs to which users can return after sign-out, one per line."),
    "grant_types": Text("One per line. Supported values: %(values)s.", values=", ".join(GRANT_TYPES)),
    "response_types": Text("One per line. Supported values: %(values)s.", values=", ".join(RESPONSE_TYPES)),
    "response_modes": Text("One per line. Supported values: %(values)s.", values=", ".join(ResponseMode)),
    "scope": Text("Scopes the application can request, separated by spaces. For example openid profile email."),
    "require_pkce": Text("Reject authorization requests without a code_challenge."),
    "default_max_age": Text("Seconds after which users must sign in again. Leave empty for no limit."),
    "jwks": Text("The application's public keys as a JSON Web Key Set."),
    "jwks_uri": Text("URL of the application's JSON Web Key Set. Use this or jwks."),
    "token_endpoint_auth_method": Text("Leave empty to accept both client_secret_basic and client_secret_post."),
    "claims_in_id_token": Text("Include profile and email claims in ID tokens. Many libraries read only the ID token."),
    "resource_identifiers": Text("Identifiers of this API, used as the token audience (aud). One per line."),
    "exchange_targets": Text("APIs for which the application can exchange tokens, one per line."),
    "first_party": Text("Your own application. Users aren't asked for consent."),
    "authorization_challenge": Text("The application can ask for passwords on its own pages."),
    "verify_uri": Text("The application's own page for email verification links. Requires first_party."),
    "reset_uri": Text("The application's own page for password reset links. Requires first_party."),
    "profile": Text("fapi2 applies the rules of FAPI 2.0, except sender-constrained tokens."),
    "request_uris": _ONE_A_LINE,
    "contacts": _ONE_A_LINE,
}


@dataclass(frozen=True)
class Member:
    """One metadata member as a form field. `kind` is text, lines, box, number, json or choice."""

    name: str
    kind: str
    value: Any
    choices: tuple[str, ...] = ()
    hint: Text | None = None

    @property
    def label(self) -> Text:
        return LABELS[self.name]


def members(names: Iterable[str], metadata: ClientMetadata) -> list[Member]:
    """Return the form fields of these members, filled from the metadata."""
    return [_member(name, getattr(metadata, name)) for name in names]


def typed_members(names: Iterable[str], typed: Mapping[str, str]) -> list[Member]:
    """Return the form fields of these members, filled with what the operator typed."""
    return [
        Member(
            name,
            kind_of(name),
            name in typed if kind_of(name) == "box" else typed.get(name, ""),
            _choices(name),
            HINTS.get(name),
        )
        for name in names
    ]


def kind_of(name: str) -> str:
    kind = str(FIELDS[name].type)
    if name in CHOICES:
        return "choice"
    if name in LISTS:
        return "lines"
    if "bool" in kind:
        return "box"
    if "dict" in kind:
        return "json"
    return "number" if "int" in kind else "text"


def parse(names: Iterable[str], typed: Mapping[str, str]) -> dict[str, Any]:
    """Parse the form into metadata as registration takes it. Empty fields are left out. Raises InvalidMetadata for an
    invalid number or JSON object; `parse_metadata` checks the rest.
    """
    given = {name: _value(name, kind_of(name), typed) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def member_of(refusal: InvalidMetadata, names: Iterable[str]) -> str:
    """Return the name of the field that the error is about, taken from its message, or ""."""
    words = str(refusal).replace(":", " ").split()
    return words[0] if words and words[0] in set(names) else ""


def _member(name: str, value: Any) -> Member:
    kind = kind_of(name)
    shown = "" if value is None else str(value)
    if kind == "lines":
        shown = "\n".join(value)
    elif kind == "json" and value is not None:
        shown = json.dumps(value, indent=2)
    return Member(name, kind, bool(value) if kind == "box" else shown, _choices(name), HINTS.get(name))


def _choices(name: str) -> tuple[str, ...]:
    choices = CHOICES.get(name, ())
    return ("", *choices) if choices and FIELDS[name].default is None else choices


def _value(name: str, kind: str, typed: Mapping[str, str]) -> Any:
    text = typed.get(name, "").strip()
    if kind == "box":
        return name in typed
    if kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if not text:
        return "" if name in {"client_name", "scope"} else None
    if kind == "json":
        try:
            return read_object(text.encode())
        except ValueError:
            raise InvalidMetadata(f'{name} must be a JSON object, for example {{"keys": []}}.') from None
    if kind == "number":
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise InvalidMetadata(f"{name} must be a whole number, for example 3600.")
        return int(text)
    return text
