"""Client metadata as a form: every member that can be registered, under its standard name (RFC 7591, OIDC)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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
        Text("What people are shown"),
        ("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "contacts"),
    ),
    (
        Text("Signing in"),
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
        Text("Proving who it is"),
        ("token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "jwks_uri"),
    ),
    (
        Text("What it is told"),
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
        Text("Signing out"),
        (
            "post_logout_redirect_uris",
            "backchannel_logout_uri",
            "backchannel_logout_session_required",
            "frontchannel_logout_uri",
            "frontchannel_logout_session_required",
        ),
    ),
    (Text("As an API"), ("resource_identifiers", "exchange_targets")),
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
_ONE_A_LINE = Text("One a line.")
HINTS: Mapping[str, Text] = {
    "client_name": Text("What people read when they sign in."),
    "client_uri": Text("Its home page; the host is what people can check."),
    "redirect_uris": Text("One a line. Must match exactly, except the port of localhost, 127.0.0.1 and [::1]."),
    "private_use_schemes": Text(
        "Schemes without a dot, one a line: cursor. Other apps on a device can claim them too."
    ),
    "allowed_origins": Text(
        "Origins of its pages beside those of its redirect URIs, one per line. For example capacitor://localhost."
    ),
    "post_logout_redirect_uris": Text("Where people may be sent after they signed out, one a line."),
    "grant_types": Text("One a line: %(values)s.", values=", ".join(GRANT_TYPES)),
    "response_types": Text("One a line: %(values)s.", values=", ".join(RESPONSE_TYPES)),
    "response_modes": Text("One a line: %(values)s.", values=", ".join(ResponseMode)),
    "scope": Text("What it may ask for, with a space between them: openid profile email offline_access."),
    "require_pkce": Text("It must prove that the code is its own."),
    "default_max_age": Text("Seconds after which people must sign in again; empty: never."),
    "jwks": Text("Its public keys, as JSON."),
    "jwks_uri": Text("Where it publishes its public keys, instead."),
    "token_endpoint_auth_method": Text("Empty: client_secret_basic and client_secret_post both work."),
    "claims_in_id_token": Text("ID tokens contain profile and email claims too. Many libraries read nothing else."),
    "resource_identifiers": Text("What the API is called in tokens (aud), one a line."),
    "exchange_targets": Text("APIs it may exchange tokens for, one a line."),
    "first_party": Text("Ours: people are not asked for consent."),
    "authorization_challenge": Text("It may take people's passwords itself."),
    "verify_uri": Text(
        "Its own page for the link that confirms an email address. Only for apps of yours (first_party)."
    ),
    "reset_uri": Text("Its own page for the link that resets a password. Only for apps of yours (first_party)."),
    "profile": Text("fapi2: FAPI 2.0 rules, but without sender-constrained tokens."),
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
            raise InvalidMetadata(f"{name}: This is no JSON object.") from None
    if kind == "number":
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise InvalidMetadata(f"{name}: This is not a number.")
        return int(text)
    return text
