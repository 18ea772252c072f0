"""Client metadata as a form: a field for every member that can be registered (RFC 7591, OIDC Registration)."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from provider.admin.client_groups import fitting_grants
from provider.admin.client_labels import HINTS, LABELS, VALUES
from provider.config.settings import Settings
from provider.jose.json_objects import read_object
from provider.languages.own_text import InvalidOwnText, format_lines, parse_lines
from provider.languages.text import Text
from provider.oauth.clients.choices import ASSERTION_ALGORITHMS
from provider.oauth.clients.metadata import FIELDS, LISTS, MEMBERS, ClientMetadata, InvalidMetadata
from provider.oauth.clients.origins import problem_with_origin
from provider.oauth.clients.redirect_uris import NO_DOT, problem_with
from provider.oauth.clients.rules.certificates import supported_methods
from provider.oauth.response_types import RESPONSE_TYPES
from provider.oauth.scopes import (
    ACCOUNT,
    ADMIN_READ,
    ADMIN_WRITE,
    GLOBAL_REVOCATION,
    GROUPS,
    IN_WORDS,
    ROLES,
    SCIM,
    SSF_MANAGE,
    SSF_READ,
    STANDARD_SCOPES,
    parse_scope,
)
from provider.operators.presets import preset_of

FIXED = frozenset({"subject_type"})
"""Members that are chosen at the registration and shown afterwards."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    **{name: one.choices for name, one in MEMBERS.items() if one.choices and name not in LISTS | FIXED},
    "token_endpoint_auth_signing_alg": tuple(dict.fromkeys(chain(*ASSERTION_ALGORITHMS.values()))),
}
"""The members of which one value is chosen. Which algorithms fit depends on `token_endpoint_auth_method`."""
SCOPES_OF_USERS = (*STANDARD_SCOPES, ROLES, GROUPS, ACCOUNT)
SCOPES_OF_SERVICES = (ADMIN_READ, ADMIN_WRITE, SCIM, SSF_MANAGE, SSF_READ, GLOBAL_REVOCATION)
KINDS: Mapping[str, str] = {
    **dict.fromkeys(CHOICES, "choice"),
    **dict.fromkeys(FIXED, "fixed"),
    **dict.fromkeys(("grant_types", "response_types", "response_modes"), "boxes"),
    "scope": "scopes",
    "scope_descriptions": "texts",
}
"""The kinds of fields that the type of a member does not say."""
WITH_GOOD_LINES = ("redirect_uris", "post_logout_redirect_uris", "allowed_origins")
"""The members of which each line is checked alone."""


@dataclass(frozen=True)
class Option:
    """One value of a member to choose or tick, and what it means, if the value doesn't say it."""

    value: str
    label: Text | str
    ticked: bool = False


@dataclass(frozen=True)
class Member:
    """One metadata member as a form field.

    `kind` is text, lines, texts (a line for each text in a language), box, number, json, choice (one of the options),
    boxes (some of them), scopes (some of them, and others as text) or fixed (it cannot be changed).
    """

    name: str
    kind: str
    value: Any
    options: tuple[Option, ...] = ()

    @property
    def label(self) -> Text:
        return LABELS[self.name]

    @property
    def hint(self) -> Text | None:
        return HINTS.get(self.name)


def members(names: Iterable[str], metadata: ClientMetadata, settings: Settings) -> list[Member]:
    """Return the form fields of these members, filled from the metadata."""
    return [_member(name, _spelled(name, getattr(metadata, name)), metadata, settings) for name in names]


def typed_members(
    names: Iterable[str], typed: Mapping[str, str], metadata: ClientMetadata, settings: Settings
) -> list[Member]:
    """Return the form fields of these members, filled with what the operator typed. `metadata` is what is stored."""
    return [_member(name, _typed(name, typed, metadata), metadata, settings) for name in names]


def kind_of(name: str) -> str:
    """Return the kind of form field of a member (`Member.kind`)."""
    kind = str(FIELDS[name].type)
    if name in KINDS:
        return KINDS[name]
    if name in LISTS:
        return "lines"
    if "bool" in kind:
        return "box"
    if "dict" in kind:
        return "json"
    return "number" if "int" in kind else "text"


def parse(names: Iterable[str], typed: Mapping[str, str], metadata: ClientMetadata) -> dict[str, Any]:
    """Parse the form into metadata as registration takes it. Empty fields are left out. Raises InvalidMetadata for an
    invalid number, JSON object or line; `parse_metadata` checks the rest. `metadata` is what is stored.
    """
    given = {name: _value(name, kind_of(name), typed) for name in names if kind_of(name) != "fixed"}
    for name in WITH_GOOD_LINES:
        if name in given:
            _require_good_lines(name, typed, given.get("private_use_schemes", metadata.private_use_schemes))
    return {name: value for name, value in given.items() if value is not None}


def member_of(refusal: InvalidMetadata, names: Iterable[str]) -> str:
    """Return the name of the field that the error is about, else the first word of its message, or ""."""
    if refusal.member:
        return refusal.member
    words = str(refusal).replace(":", " ").split()
    return words[0] if words and words[0] in set(names) else ""


def _member(name: str, value: Any, metadata: ClientMetadata, settings: Settings) -> Member:
    kind = kind_of(name)
    if kind == "scopes":
        offered = _offered_scopes(metadata)
        ticked, others = set(value), [token for token in value if token not in offered]
        boxes = tuple(Option(token, IN_WORDS[token], token in ticked) for token in offered)
        return Member(name, kind, " ".join(others), boxes)
    if kind == "boxes":
        offered = _offered(name, metadata, settings)
        return Member(name, kind, value, tuple(Option(one, _label(name, one), one in value) for one in offered))
    if kind == "fixed":
        return Member(name, kind, _label(name, value))
    choices = CHOICES.get(name, ())
    if name == "token_endpoint_auth_method":
        choices = tuple(one for one in choices if one in {*supported_methods(settings), value})
    optional = ("",) if choices and FIELDS[name].default is None else ()
    return Member(name, kind, value, tuple(Option(one, _label(name, one)) for one in (*optional, *choices)))


def _offered(name: str, metadata: ClientMetadata, settings: Settings) -> tuple[str, ...]:
    """Return the values to offer as check boxes, with those that are stored."""
    if name == "grant_types":
        return fitting_grants(metadata, settings)
    known = RESPONSE_TYPES if name == "response_types" else MEMBERS[name].choices
    return tuple(dict.fromkeys((*known, *getattr(metadata, name))))


def _offered_scopes(metadata: ClientMetadata) -> tuple[str, ...]:
    """Return the standard scopes to offer: those that users grant or those of a service, and those that are stored."""
    usual = SCOPES_OF_SERVICES if preset_of(metadata) == "service" else SCOPES_OF_USERS
    return tuple(dict.fromkeys((*usual, *(token for token in parse_scope(metadata.scope) if token in IN_WORDS))))


def _label(name: str, value: str) -> Text | str:
    return VALUES.get(name, {}).get(value, value)


def _spelled(name: str, value: Any) -> Any:
    """Return a stored value as its form field shows it."""
    kind = kind_of(name)
    if kind == "scopes":
        return parse_scope(value)
    if kind in {"box", "boxes"}:
        return value
    if kind == "lines":
        return "\n".join(value)
    if kind == "texts":
        return format_lines(value or {})
    if kind == "json" and value is not None:
        return json.dumps(value, indent=2)
    return "" if value is None else str(value)


def _typed(name: str, typed: Mapping[str, str], metadata: ClientMetadata) -> Any:
    """Return what was typed as the form field of the member shows it."""
    kind = kind_of(name)
    if kind == "scopes":
        return (*_ticked(name, typed), *parse_scope(typed.get(name)))
    if kind == "boxes":
        return _ticked(name, typed)
    if kind == "fixed":
        return getattr(metadata, name)
    return name in typed if kind == "box" else typed.get(name, "")


def _value(name: str, kind: str, typed: Mapping[str, str]) -> Any:
    text = typed.get(name, "").strip()
    if kind == "box":
        return name in typed
    if kind == "boxes":
        ticked = list(_ticked(name, typed))
        if name == "response_modes" and not ticked:  # left out it would mean all of them
            raise InvalidMetadata("response_modes must have at least one value.")
        return ticked
    if kind == "scopes":
        return " ".join((*_ticked(name, typed), *text.split()))
    if kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if not text:
        return "" if name == "client_name" else None
    if kind == "texts":
        try:
            return parse_lines(text)
        except InvalidOwnText as invalid:
            raise InvalidMetadata(str(invalid), member=name) from None
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


def _ticked(name: str, typed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values whose boxes were ticked. Each box has a name of its own, `<member>.<value>`."""
    return tuple(key.removeprefix(f"{name}.") for key in typed if key.startswith(f"{name}."))


def _require_good_lines(name: str, typed: Mapping[str, str], schemes: Collection[str]) -> None:
    """Raise InvalidMetadata that names each wrong line, by its number in the field."""
    problems = []
    for number, line in enumerate(typed.get(name, "").splitlines(), 1):
        value = line.strip()
        problem = problem_with_origin(value) if name == "allowed_origins" else problem_with(value, schemes=schemes)
        if value and problem:
            hint = " Or list the scheme in private_use_schemes." if problem == NO_DOT else ""
            problems.append(f"Line {number}: {value[:120]} {problem}.{hint}")
    if problems:
        raise InvalidMetadata("\n".join(problems), error="invalid_redirect_uri", member=name)
