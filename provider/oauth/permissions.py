"""What an app asks a user for, in the words and with the icons of the consent page."""

from collections.abc import Iterable
from dataclasses import dataclass

from provider.languages.text import Text
from provider.oauth.scopes import (
    ACCOUNT,
    ADMIN_READ,
    ADMIN_WRITE,
    CLAIM_IN_WORDS,
    CLAIMS_OF_SCOPE,
    GROUPS,
    OFFLINE_ACCESS,
    OPENID,
    ROLES,
    SCOPE_OF_CLAIM,
    in_words,
)

ICONS = {
    OPENID: "user",
    "profile": "profile",
    "email": "email",
    "address": "address",
    "phone": "phone",
    OFFLINE_ACCESS: "time",
    ROLES: "role",
    GROUPS: "role",
    ACCOUNT: "sliders",
    ADMIN_READ: "shield",
    ADMIN_WRITE: "shield",
}
"""The icon of each scope, in `templates/macros/icons.html`."""


@dataclass(frozen=True)
class Permission:
    """One line of the consent page. `details` are the single values behind it, if there are several."""

    text: Text
    icon: str
    details: tuple[Text, ...] = ()


def permissions_of(scope: Iterable[str], claims: Iterable[str] = ()) -> list[Permission]:
    """Return what these scopes and single claims let an app do, each sentence once. `offline_access` comes last."""
    tokens = sorted(scope, key=lambda token: token == OFFLINE_ACCESS)
    extra = [name for name in sorted(claims) if SCOPE_OF_CLAIM[name] not in tokens]
    singles = [Permission(CLAIM_IN_WORDS[name], ICONS[SCOPE_OF_CLAIM[name]]) for name in extra]
    found = [_of_scope(token) for token in tokens if token != OFFLINE_ACCESS] + singles
    found += [_of_scope(token) for token in tokens if token == OFFLINE_ACCESS]
    return list({permission.text: permission for permission in reversed(found)}.values())[::-1]


def _of_scope(token: str) -> Permission:
    claims = CLAIMS_OF_SCOPE.get(token, ())
    details = tuple(CLAIM_IN_WORDS[name] for name in claims) if len(claims) > 1 else ()
    return Permission(in_words(token), ICONS.get(token, "key"), details)
