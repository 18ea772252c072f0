"""The standard scopes and the claims each releases (OIDC Core section 5.4). Any other scope is an API's own."""

import re
from collections.abc import Iterable
from functools import lru_cache

from provider.languages.text import Text

SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]+")
"""The syntax of one scope (RFC 6749 appendix A.4)."""
OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
ROLES = "roles"
GROUPS = "groups"
ACCOUNT = "account"
"""The scope of the account API, only for clients registered for it."""
ADMIN_READ = "admin:read"
ADMIN_WRITE = "admin:write"
"""The scope for changes through the admin API, only for clients registered for it."""
SCIM = "scim"
"""The scope of SCIM, only for clients that are registered for it and act for themselves."""
SSF_MANAGE = "ssf.manage"
SSF_READ = "ssf.read"
"""The scopes of shared signals, only for clients that are registered for them and act for themselves."""
GLOBAL_REVOCATION = "global_token_revocation"
"""The scope to end all access of any user, only for clients that are registered for it and act for themselves."""

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
    GROUPS: ("groups",),
    ACCOUNT: (),
    ADMIN_READ: (),
    ADMIN_WRITE: (),
    SCIM: (),
    SSF_MANAGE: (),
    SSF_READ: (),
    GLOBAL_REVOCATION: (),
}

SCOPES = tuple(CLAIMS_OF_SCOPE)
"""The standard scopes, published as `scopes_supported`."""

STANDARD_SCOPES = (OPENID, "profile", "email", "address", "phone", OFFLINE_ACCESS)
"""The scopes a client may request if it registered none."""

SCOPE_OF_CLAIM = {claim: scope for scope, claims in CLAIMS_OF_SCOPE.items() for claim in claims}
CLAIMS = tuple(SCOPE_OF_CLAIM)

IN_WORDS = {
    OPENID: Text("Know who you are"),
    "profile": Text("See your name and profile"),
    "email": Text("See your email address"),
    "address": Text("See your postal address"),
    "phone": Text("See your phone number"),
    OFFLINE_ACCESS: Text("Stay connected when you're not using the app"),
    ROLES: Text("See your roles"),
    GROUPS: Text("See your groups"),
    ACCOUNT: Text("Manage your account"),
    ADMIN_READ: Text("View all accounts as an administrator"),
    ADMIN_WRITE: Text("Manage all accounts as an administrator"),
    SCIM: Text("Provision users and groups"),
    SSF_MANAGE: Text("Receive security events about users"),
    SSF_READ: Text("View its settings for security events"),
    GLOBAL_REVOCATION: Text("Sign out any user everywhere"),
}

CLAIM_IN_WORDS = {
    "name": Text("See your name"),
    "given_name": Text("See your given names"),
    "family_name": Text("See your family name"),
    "middle_name": Text("See your middle names"),
    "nickname": Text("See your nickname"),
    "preferred_username": Text("See your preferred username"),
    "profile": Text("See the link to your profile page"),
    "picture": Text("See your profile picture"),
    "website": Text("See the link to your website"),
    "gender": Text("See your gender"),
    "birthdate": Text("See your date of birth"),
    "zoneinfo": Text("See your time zone"),
    "locale": Text("See your language"),
    "updated_at": Text("See when your profile was last changed"),
    "email": IN_WORDS["email"],
    "email_verified": Text("See whether your email address is confirmed"),
    "address": IN_WORDS["address"],
    "phone_number": IN_WORDS["phone"],
    "phone_number_verified": Text("See whether your phone number is confirmed"),
    "roles": IN_WORDS[ROLES],
    "groups": IN_WORDS[GROUPS],
}
"""Descriptions of claims that are requested individually (OIDC Core section 5.5)."""


def in_words(scope: str) -> Text:
    """Describe what a scope lets an app do. An API's own scope is shown by its name."""
    return IN_WORDS.get(scope) or Text("Use its API with the permission “%(scope)s”", scope=scope)


@lru_cache(maxsize=1024)  # the same few texts, several times in each request
def parse_scope(text: str | None) -> tuple[str, ...]:
    """Return the scope tokens in the order given, each once (RFC 6749 section 3.3). Extra spaces are ignored."""
    return tuple(dict.fromkeys(filter(None, text.split(" ")))) if text else ()


def requested_scope(text: str | None, *, default: Iterable[str], offline: bool) -> tuple[str, ...]:
    """Return the requested scope tokens, or the default ones if nothing is requested (RFC 6749 section 3.3).

    Without `offline`, the request cannot lead to a refresh token, and offline_access is ignored (OIDC Core section 11).
    """
    asked, usual = parse_scope(text), tuple(default)
    if not offline:
        asked, usual = (tuple([token for token in tokens if token != OFFLINE_ACCESS]) for tokens in (asked, usual))
    return asked or usual


def is_scope_token(text: str) -> bool:
    """Return whether this is a scope token: printable ASCII except space, quote, backslash (RFC 6749 section 3.3)."""
    return SCOPE_TOKEN.fullmatch(text) is not None


def format_scope(scope: Iterable[str]) -> str:
    return " ".join(scope)
