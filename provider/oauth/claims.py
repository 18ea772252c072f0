"""A person's claims for userinfo and the ID token, and the claims request parameter (OIDC Core sections 5.1, 5.4,
5.5).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provider.oauth.scopes import CLAIMS, CLAIMS_OF_SCOPE, SCOPE_OF_CLAIM
from provider.oauth.store.grants import Person


@dataclass(frozen=True)
class RequestedClaims:
    """The claims parameter, reduced to what we act on: names we know, and which acr is essential."""

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    sub: str | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.id_token) | frozenset(self.userinfo)

    def as_json(self) -> dict[str, list[str]]:
        """What a grant remembers."""
        return {"id_token": list(self.id_token), "userinfo": list(self.userinfo)} if self.names else {}


NOTHING = RequestedClaims()

KNOWN_BY_US = frozenset({"sub", "email", "email_verified", "updated_at", "roles"})


def parse_claims(text: str | None) -> RequestedClaims:
    """OIDC Core section 5.5. Unknown members are ignored; raises ValueError when it is not such an object."""
    if not text:
        return NOTHING
    try:
        given = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(given, dict):
        raise ValueError("not an object")  # noqa: TRY004  # one kind of error for one kind of problem
    id_token, userinfo = (_members(given, place) for place in ("id_token", "userinfo"))
    acr = id_token.get("acr") or {}
    values = acr.get("values", [acr["value"]] if "value" in acr else [])
    sub = (id_token.get("sub") or {}).get("value")
    return RequestedClaims(
        id_token=tuple(name for name in id_token if name in CLAIMS and name != "sub"),
        userinfo=tuple(name for name in userinfo if name in CLAIMS and name != "sub"),
        acr_values=tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else (),
        acr_essential=acr.get("essential") is True,
        sub=sub if isinstance(sub, str) else None,
    )


def _members(given: dict[str, Any], place: str) -> dict[str, dict[str, Any] | None]:
    members = given.get(place)
    if members is None:
        return {}
    if not isinstance(members, dict) or not all(value is None or isinstance(value, dict) for value in members.values()):
        raise ValueError(f"{place} is not an object of claims")
    return members


def scopes_of_claims(names: Iterable[str]) -> frozenset[str]:
    """The scopes that would release these claims: a client that may not ask for the scope may not ask for the claim."""
    return frozenset(SCOPE_OF_CLAIM[name] for name in names)


def claims_of(person: Person, names: Iterable[str], *, client_id: str) -> dict[str, Any]:
    """Those of the named claims the person has; absent ones are left out, never null or empty (OIDC Core 5.3.2)."""
    # What a person says about themselves never stands in for what we know.
    all_claims = {name: value for name, value in person.claims.items() if name not in KNOWN_BY_US}
    all_claims["updated_at"] = int(person.updated_at.timestamp())
    all_claims["roles"] = roles_for(person.roles, client_id)
    if person.email:
        all_claims["email"] = person.email
        all_claims["email_verified"] = person.email_verified_at is not None
    return {name: all_claims[name] for name in names if all_claims.get(name) not in (None, "", {}, [])}


def roles_for(roles: Iterable[str], client_id: str) -> list[str]:
    """The roles one client sees: those without a colon, and its own, written `client_id:role`, without the prefix."""
    own = f"{client_id}:"
    seen = (role.removeprefix(own) for role in roles if role.startswith(own) or ":" not in role)
    return list(dict.fromkeys(seen))


def names_for(scope: Iterable[str], single: Iterable[str]) -> list[str]:
    """The claims that these scopes and single requests release."""
    names = [name for token in scope for name in CLAIMS_OF_SCOPE.get(token, ())]
    return list(dict.fromkeys([*names, *single]))
