"""The claims that operators mapped, for tokens, userinfo and introspection.

Each process keeps the mappings compiled, for SIGNET_CLIENT_CACHE seconds, and the attributes that they read come with
the user. So no token costs a statement more. A mapping that has no value leaves its claim out; none fails a sign-in.
"""

import json
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from provider.jose.json_objects import write_json
from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import NAMES, VARIABLES, Format, Place, Source
from provider.oauth.claim_mapping.expression_syntax import InvalidExpression
from provider.oauth.claim_mapping.expression_values import EvaluationFailed
from provider.oauth.claim_mapping.expressions import Expression, compile_expression
from provider.oauth.claim_mapping.paths import LISTS, RESERVED, put_at, split_path
from provider.oauth.claim_mapping.store import ClaimMapping
from provider.oauth.scopes import GROUPS, ROLES
from provider.oauth.tokens.claims import KNOWN_BY_US, MOST_NAMES, roles_for
from provider.oauth.tokens.store.people import Person
from provider.observability.logging import log
from provider.work import UnitOfWork

LARGEST = {
    Place.ID_TOKEN: 4096,
    Place.ACCESS_TOKEN: 4096,
    Place.USERINFO: 65_536,
    Place.INTROSPECTION: 65_536,
}
"""The most bytes of JSON that mapped claims can add, by place. Tokens have to fit into headers."""
LARGEST_INPUT = 262_144
"""How much of a user an expression can read, in characters."""
IN_TOKENS = frozenset({Place.ID_TOKEN, Place.ACCESS_TOKEN})
LOG_EVERY = 60.0
"""How often a process logs that one mapping left its claim out, in seconds."""
EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Compiled:
    """A mapping, ready to be applied."""

    mapping: ClaimMapping
    path: tuple[str, ...]
    expression: Expression | None

    @property
    def order(self) -> tuple[bool, bool, str]:
        """The most specific first: of the client and the scope, of the client, of the scope."""
        return self.mapping.client_id is None, self.mapping.scope is None, self.mapping.name


@dataclass(frozen=True)
class Subject:
    """Whom the claims are about, and for which client. Values are computed when a mapping needs them."""

    person: Person | None
    client_id: str
    scope: Collection[str]

    @cached_property
    def attributes(self) -> dict[str, Any]:
        found = None if self.person is None else self.person.mapped
        return {name: json.loads(value) for name, value in json.loads(found)} if found else {}

    def names(self, source: str) -> list[str]:
        if self.person is None:
            return []
        return self.person.groups if source == Source.GROUPS else roles_for(self.person.effective_roles, self.client_id)

    @cached_property
    def variables(self) -> dict[str, Any]:
        """The variables of expressions. Raises EvaluationFailed if they are too large."""
        person = self.person
        if person is None:
            raise EvaluationFailed("there is no user")
        profile = {name: value for name, value in person.claims.items() if name not in KNOWN_BY_US}
        user: dict[str, Any] = {
            "attributes": self.attributes,
            "groups": self.names(Source.GROUPS),
            "roles": self.names(Source.ROLES),
            "profile": profile,
            "email_verified": person.email_verified_at is not None,
        }
        if person.email:
            user["email"] = person.email
        if len(write_json(user)) > LARGEST_INPUT:
            raise EvaluationFailed("the user's data is too large")
        return {"user": user, "client": {"id": self.client_id}, "scopes": list(self.scope)}


class ClaimMappings:
    """This process's copy of the mappings."""

    def __init__(self) -> None:
        self._read_at = self._until = datetime.min.replace(tzinfo=UTC)
        self._all: tuple[Compiled, ...] = ()
        self._logged: dict[str, float] = {}

    def find(self, work: UnitOfWork) -> tuple[Compiled, ...]:
        """Return all mappings, the most specific first. They are read again when the copy is too old."""
        now = work.now
        if not self._read_at <= now < self._until:
            self._all = tuple(sorted(_compiled(store.find_all(work.read)), key=lambda one: one.order))
            self._read_at, self._until = now, now + timedelta(seconds=work.settings.client_cache)
        return self._all

    def forget(self) -> None:
        """Read the mappings again at the next use."""
        self._until = self._read_at

    def are_in(self, work: UnitOfWork, place: Place) -> bool:
        """Return whether any mapping is for this place."""
        found = self.find(work)
        return bool(found) and any(place in one.mapping.places for one in found)

    def add_to(
        self,
        work: UnitOfWork,
        claims: dict[str, Any],
        place: Place,
        *,
        person: Person | None,
        client_id: str,
        scope: Collection[str],
    ) -> dict[str, Any]:
        """Return the claims with those mapped for this place, client and scope.

        A claim that has a mapping is only what the mapping says, also if that is nothing: `groups` that are filtered
        never fall back to all of them. Without a user, only constants are mapped.
        """
        found = self.find(work)
        asked = [one for one in found if _applies(one.mapping, place, client_id, scope)] if found else None
        if not asked:
            return claims
        roots = {one.path[0] for one in asked}
        others = {name: value for name, value in claims.items() if name.removeprefix("has") not in roots & LISTS}
        others = {name: value for name, value in others.items() if name not in roots}
        return others | self._mapped(asked, place, Subject(person, client_id, scope))

    def _mapped(self, asked: Iterable[Compiled], place: Place, subject: Subject) -> dict[str, Any]:
        claims: dict[str, Any] = {}
        taken: set[tuple[str, ...]] = set()
        left = LARGEST[place]
        for one in asked:
            if one.path in taken:
                continue
            taken.add(one.path)
            try:
                path, value = _bounded(one, value_of(one, subject), place)
                size = 0 if value in EMPTY else len(write_json(value)) + len(one.mapping.claim) + 4
            except EvaluationFailed as failed:
                self._left_out(one, place, str(failed))
                continue
            except (TypeError, ValueError):
                self._left_out(one, place, "the value is no JSON")
                continue
            if not size:
                continue
            if size > left:
                self._left_out(one, place, "the mapped claims are too large")
            elif not put_at(claims, path, value):
                self._left_out(one, place, "another mapping sets a part of this claim")
            else:
                left -= size
        return claims

    def _left_out(self, one: Compiled, place: Place, reason: str) -> None:
        """Log, at most once a minute for each mapping, that its claim is left out. The reason has no value in it."""
        now = time.monotonic()
        if now - self._logged.get(one.mapping.name, -LOG_EVERY) >= LOG_EVERY:
            self._logged[one.mapping.name] = now
            log.warning("claim_mapping.left_out", mapping=one.mapping.name, place=place.value, reason=reason)


def value_of(one: Compiled, subject: Subject) -> Any:
    """Return the value of a mapping for a user, or an empty one. Raises EvaluationFailed."""
    mapping = one.mapping
    if mapping.source == Source.CONSTANT:
        return mapping.value
    if subject.person is None:
        return None
    if mapping.source == Source.ATTRIBUTE:
        return subject.attributes.get(str(mapping.attribute))
    if mapping.source in NAMES:
        return _formatted(mapping, _filtered(mapping, subject.names(mapping.source)))
    assert one.expression is not None  # noqa: S101  # only that source is left
    return one.expression.evaluate(subject.variables)


def _filtered(mapping: ClaimMapping, names: Iterable[str]) -> list[str]:
    found = [name for name in names if name.startswith(mapping.prefix)]
    if mapping.only is not None:
        found = [mapping.only[name] for name in found if name in mapping.only]
    elif mapping.strip_prefix:
        found = [name.removeprefix(mapping.prefix) for name in found]
    return [*dict.fromkeys(name for name in found if name)]


def _formatted(mapping: ClaimMapping, names: list[str]) -> Any:
    if mapping.format == Format.FIRST:
        return names[0] if names else None
    if mapping.format == Format.LIST:
        return names
    return ("," if mapping.format == Format.COMMA else " ").join(names)


def _bounded(one: Compiled, value: Any, place: Place) -> tuple[tuple[str, ...], Any]:
    """Return where a value is put, and the value: of roles or groups with too many names for a token, that there are
    some. Raises EvaluationFailed for another long list, and for one of the three lists that is none.
    """
    root = one.path[0]
    is_list = isinstance(value, list)
    if root in LISTS and value not in EMPTY and not (is_list and all(isinstance(name, str) for name in value)):
        raise EvaluationFailed(f"{root} must be a list of texts")
    if place in IN_TOKENS and is_list and len(value) > MOST_NAMES:
        if root in (ROLES, GROUPS):
            return (f"has{root}",), True
        raise EvaluationFailed(f"a token lists at most {MOST_NAMES} values")
    return one.path, value


def _applies(mapping: ClaimMapping, place: Place, client_id: str, scope: Collection[str]) -> bool:
    return (
        place in mapping.places
        and mapping.client_id in (None, client_id)
        and (mapping.scope is None or mapping.scope in scope)
    )


def _compiled(mappings: Iterable[ClaimMapping]) -> Iterable[Compiled]:
    """Compile mappings. One that this release does not accept is left out, and so is a claim of ours."""
    for mapping in mappings:
        path, expression = split_path(mapping.claim), None
        if path[0] in RESERVED:
            continue
        if mapping.source == Source.EXPRESSION:
            try:
                expression = compile_expression(str(mapping.expression), VARIABLES)
            except InvalidExpression:
                continue
        yield Compiled(mapping, path, expression)
