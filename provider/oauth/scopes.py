"""The scopes we know and the claims each releases (OIDC Core section 5.4). Anything else is an API's own scope."""

from collections.abc import Iterable

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
ROLES = "roles"
ACCOUNT = "account"
"""The account API: only for clients registered for it."""

CLAIMS_OF_SCOPE: dict[str, tuple[str, ...]] = {
    OPENID: ("sub",),
    "profile": (
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    OFFLINE_ACCESS: (),
    ROLES: ("roles",),
    ACCOUNT: (),
}

SCOPES = tuple(CLAIMS_OF_SCOPE)
"""Published as `scopes_supported`."""

STANDARD_SCOPES = (OPENID, "profile", "email", "address", "phone", OFFLINE_ACCESS)
"""What a client may ask for when it registered no scope."""

SCOPE_OF_CLAIM = {claim: scope for scope, claims in CLAIMS_OF_SCOPE.items() for claim in claims}
CLAIMS = tuple(SCOPE_OF_CLAIM)

IN_WORDS = {
    OPENID: "Know who you are",
    "profile": "See your name and the profile you filled in",
    "email": "See your email address",
    "address": "See your postal address",
    "phone": "See your phone number",
    OFFLINE_ACCESS: "Keep this access when you are not there",
    ROLES: "See which roles you have here",
    ACCOUNT: "Manage your account",
}


def parse_scope(text: str | None) -> tuple[str, ...]:
    """The scope tokens in the order given, each once (RFC 6749 section 3.3)."""
    return tuple(dict.fromkeys(text.split(" "))) if text else ()


def is_scope_token(text: str) -> bool:
    """RFC 6749 section 3.3: printable ASCII without space, quote and backslash."""
    return bool(text) and all(character == "!" or ("#" <= character <= "~" and character != "\\") for character in text)


def format_scope(scope: Iterable[str]) -> str:
    return " ".join(scope)
