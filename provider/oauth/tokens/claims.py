"""A user's claims for userinfo and the ID token, and the claims parameter (OIDC Core sections 5.1, 5.4, 5.5)."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provider.jose.json_objects import is_same, read_object
from provider.oauth.scopes import CLAIMS, CLAIMS_OF_SCOPE, GROUPS, ROLES, SCOPE_OF_CLAIM
from provider.oauth.tokens.store.people import Person


@dataclass(frozen=True)
class RequestedClaims:
    """The claims parameter, reduced to what is used: known names, their wanted values, and an essential acr.

    Other essential claims are treated like voluntary ones: one that the user lacks is no error (section 5.5.1).
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, list[str | float]]] = field(default_factory=dict)
    """The wanted values of claims, by place and name. A claim with another value is not released."""
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    sub: str | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.id_token) | frozenset(self.userinfo)

    def only(self, allowed: Iterable[str]) -> "RequestedClaims":
        """Return the request without the claims that are not allowed."""
        allowed = frozenset(allowed)
        return replace(
            self,
            id_token=tuple(name for name in self.id_token if name in allowed),
            userinfo=tuple(name for name in self.userinfo if name in allowed),
            values={
                place: {name: wanted for name, wanted in values.items() if name in allowed}
                for place, values in self.values.items()
            },
        )

    def as_json(self) -> dict[str, Any]:
        """Return the part that is stored with a grant."""
        if not self.names:
            return {}
        names = {"id_token": list(self.id_token), "userinfo": list(self.userinfo)}
        return {**names, "values": self.values} if self.values else names


NOTHING = RequestedClaims()
PLACES = ("id_token", "userinfo")

KNOWN_BY_US = frozenset({"sub", "email", "email_verified", "updated_at", "roles", "groups"})
MOST_NAMES = 200
"""How many roles, and how many groups, a token lists. With more it has `hasroles` or `hasgroups` instead: one that fits
into no header is of no use, and one that lists some of them would be taken for the whole truth. Userinfo has all.
"""


def parse_claims(text: str | None) -> RequestedClaims:
    """Parse the claims parameter (OIDC Core section 5.5). Unknown members are ignored. Raises ValueError if it is
    malformed.
    """
    if not text:
        return NOTHING
    given = read_object(text)
    asked = {place: _members(given, place) for place in PLACES}
    id_token, userinfo = (tuple(name for name in asked[place] if name in CLAIMS and name != "sub") for place in PLACES)
    values = {place: _wanted(asked[place], names) for place, names in zip(PLACES, (id_token, userinfo), strict=True)}
    acr = asked["id_token"].get("acr") or {}
    subjects = [(asked[place].get("sub") or {}).get("value") for place in PLACES]
    return RequestedClaims(
        id_token=id_token,
        userinfo=userinfo,
        values={place: wanted for place, wanted in values.items() if wanted},
        acr_values=tuple(value for value in _values(acr) or () if isinstance(value, str)),
        acr_essential=acr.get("essential") is True,
        sub=next((sub for sub in subjects if isinstance(sub, str)), None),
    )


def without_others(text: str, names: Collection[str]) -> str:
    """Return a valid claims parameter without the claims that are not among these names."""
    given = read_object(text)
    others = frozenset(CLAIMS) - {"sub"} - frozenset(names)
    places = [given[place] for place in PLACES if given.get(place)]
    if all(others.isdisjoint(members) for members in places):
        return text
    for members in places:
        for name in others & members.keys():
            del members[name]
    return json.dumps(given, separators=(",", ":"))


def _wanted(members: Mapping[str, dict[str, Any] | None], names: Iterable[str]) -> dict[str, list[str | float]]:
    return {name: values for name in names if (values := _values(members[name])) is not None}


def _values(member: dict[str, Any] | None) -> list[str | float] | None:
    """Return the wanted values, from `values` or `value`, or None if any value is accepted.

    Only strings, numbers and booleans are kept: no claim that can be requested by value is anything else.
    """
    member = member or {}
    values = member.get("values", [member["value"]] if "value" in member else None)
    return [value for value in values if isinstance(value, str | int | float)] if isinstance(values, list) else None


def _members(given: dict[str, Any], place: str) -> dict[str, dict[str, Any] | None]:
    members = given.get(place)
    if members is None:
        return {}
    if not isinstance(members, dict) or not all(value is None or isinstance(value, dict) for value in members.values()):
        raise ValueError(f"{place} is not an object of claims")
    return members


def released(
    person: Person,
    names: Iterable[str],
    requested: Mapping[str, Any],
    place: str,
    *,
    client_id: str,
    scopes: Collection[str],
) -> dict[str, Any]:
    """Return the claims with these names, and those the grant's claims parameter requests for `place`.

    The latter need a wanted value, if the request names values (OIDC Core section 5.5.1). The client must still be
    registered for their `scopes`.
    """
    names, wanted = list(names), requested.get("values", {}).get(place, {})
    single = [name for name in requested.get(place, ()) if SCOPE_OF_CLAIM[name] in scopes]
    claims = claims_of(person, [*names, *single], client_id=client_id)
    return {name: value for name, value in claims.items() if name in names or _is_wanted(value, wanted.get(name))}


def _is_wanted(value: object, wanted: list[str | float] | None) -> bool:
    return wanted is None or any(is_same(value, one) for one in wanted)


def scopes_of_claims(names: Iterable[str]) -> frozenset[str]:
    """Return the scopes that would release these claims.

    A client that may not request the scope may not request the claim.
    """
    return frozenset(SCOPE_OF_CLAIM[name] for name in names)


def claims_of(person: Person, names: Collection[str], *, client_id: str) -> dict[str, Any]:
    """Return the named claims that the user has. Absent ones are left out, never null or empty (OIDC Core 5.3.2)."""
    # What a person says about themselves never stands in for what we know.
    all_claims = {name: value for name, value in person.claims.items() if name not in KNOWN_BY_US}
    all_claims["updated_at"] = int(person.updated_at.timestamp())
    if ROLES in names:
        all_claims[ROLES] = roles_for(person.effective_roles, client_id)
    if GROUPS in names:
        all_claims[GROUPS] = person.groups
    if person.email:
        all_claims["email"] = person.email
        all_claims["email_verified"] = person.email_verified_at is not None
    return {name: all_claims[name] for name in names if all_claims.get(name) not in (None, "", {}, [])}


def roles_for(roles: Iterable[str], client_id: str) -> list[str]:
    """Return the roles that one client sees: those without a colon, and its own without the prefix.

    Its own roles are stored as `client_id:role`.
    """
    own = f"{client_id}:"
    seen = (role.removeprefix(own) for role in roles if role.startswith(own) or ":" not in role)
    return list(dict.fromkeys(seen))


def roles_and_groups(person: Person, scope: Collection[str], *, client_id: str) -> dict[str, Any]:
    """Return the claims `roles` and `groups` of a token, as far as its scopes release them (RFC 9068 section
    2.2.3.1).
    """
    claims: dict[str, Any] = {}
    if ROLES in scope:
        claims[ROLES] = roles_for(person.effective_roles, client_id)
    if GROUPS in scope:
        claims[GROUPS] = person.groups
    return bounded(claims)


def bounded(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of a token, with `hasroles` or `hasgroups` in place of a list of more than MOST_NAMES."""
    for name in (ROLES, GROUPS):
        if len(claims.get(name, ())) > MOST_NAMES:
            del claims[name]
            claims[f"has{name}"] = True
    return claims


def names_for(scope: Iterable[str]) -> list[str]:
    """Return the names of the claims that these scopes release."""
    return [name for token in scope for name in CLAIMS_OF_SCOPE.get(token, ())]


def actors_of(claims: dict[str, Any]) -> Iterator[str]:
    """Iterate over the client_ids that act for the user, the current one first (RFC 8693 section 4.1)."""
    act = claims.get("act")
    while act:
        yield str(act["sub"])
        act = act.get("act")
