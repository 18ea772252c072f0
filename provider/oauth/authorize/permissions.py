"""What an app asks a user for, in the words and with the icons of the consent page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provider.languages.text import Text
from provider.oauth.clients.scope_descriptions import UNDESCRIBED, ScopeDescriptions
from provider.oauth.scopes import (
    ACCOUNT,
    ADMIN_READ,
    ADMIN_WRITE,
    CLAIM_IN_WORDS,
    CLAIMS_OF_SCOPE,
    GLOBAL_REVOCATION,
    GROUPS,
    OFFLINE_ACCESS,
    OPENID,
    ROLES,
    SCIM,
    SCOPE_OF_CLAIM,
    SSF_MANAGE,
    SSF_READ,
)

ICONS = {
    OPENID: "user",
    "profile": "profile",
    "email": "email",
    "address": "address",
    "phone": "phone",
    OFFLINE_ACCESS: "time",
    ROLES: "role",
    GROUPS: "users",
    ACCOUNT: "sliders",
    ADMIN_READ: "shield",
    ADMIN_WRITE: "shield",
    SCIM: "shield",
    SSF_MANAGE: "shield",
    SSF_READ: "shield",
    GLOBAL_REVOCATION: "shield",
}
"""The icon of each scope, in `templates/macros/icons.html`."""


@dataclass(frozen=True)
class Permission:
    """One line of the consent page. `details` are the single values behind it, if there are several."""

    text: Text
    icon: str
    details: tuple[Text, ...] = ()


def permissions_of(
    scope: Iterable[str],
    claims: Iterable[str] = (),
    *,
    described: ScopeDescriptions = UNDESCRIBED,
    resources: Sequence[str] = (),
) -> list[Permission]:
    """Return what these scopes and single claims let an app do, each sentence once. `offline_access` comes last.

    `described` has the descriptions of scopes by APIs, for tokens for these resources.
    """
    tokens = sorted(scope, key=lambda token: token == OFFLINE_ACCESS)
    extra = [name for name in sorted(claims) if SCOPE_OF_CLAIM[name] not in tokens]
    singles = [Permission(CLAIM_IN_WORDS[name], ICONS[SCOPE_OF_CLAIM[name]]) for name in extra]
    of_scopes = [(token, one) for token in tokens for one in _of_scope(token, described, resources)]
    found = [one for token, one in of_scopes if token != OFFLINE_ACCESS] + singles
    found += [one for token, one in of_scopes if token == OFFLINE_ACCESS]
    return list({permission.text: permission for permission in reversed(found)}.values())[::-1]


def _of_scope(token: str, described: ScopeDescriptions, resources: Sequence[str]) -> list[Permission]:
    claims = CLAIMS_OF_SCOPE.get(token, ())
    details = tuple(CLAIM_IN_WORDS[name] for name in claims) if len(claims) > 1 else ()
    icon = ICONS.get(token) or ("profile" if described.releases(token) else "key")
    return [Permission(text, icon, details) for text in described.of(token, resources)]
