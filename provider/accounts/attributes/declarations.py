"""The declaration of an attribute of users, and what it may contain.

A declaration says which values an attribute has, who sees and who edits it, where it is asked for, and which scope
releases it to apps. Values that exist when the rules change stay as they are until they are edited.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from provider.accounts.attributes.kinds import Kind
from provider.accounts.attributes.reserved import CLAIMS, SCOPES
from provider.accounts.attributes.rules import InvalidRule, parse_rules
from provider.accounts.store.user_attributes import LONGEST_NAME, LONGEST_RELEASED
from provider.declarations import Declared, InvalidDeclaration
from provider.jose.json_objects import is_whole_number
from provider.languages.own_text import InvalidOwnText, clean_texts

LONGEST_LABEL, LONGEST_HELP = 100, 300
LAST_POSITION = 10_000
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
_SCOPE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.:/-]{{0,{LONGEST_RELEASED - 1}}}")
_CLAIM = re.compile(rf"[A-Za-z][A-Za-z0-9_.:/#-]{{0,{LONGEST_RELEASED - 1}}}")


class Editor(StrEnum):
    """Who sees or edits an attribute."""

    USER = "user"
    """The user: at sign-up, on the profile page and by the account API."""
    OPERATOR = "operator"
    """A person who manages users: in the console, by the admin API, on the command line and with an import."""
    API = "api"
    """A program that calls the admin API for itself."""


class Place(StrEnum):
    """Where an attribute is asked for."""

    SIGN_UP = "sign-up"
    PROFILE = "profile"
    """The profile page and the account API."""
    ADMIN = "admin"
    """Wherever operators create and change users."""


class InvalidAttribute(InvalidDeclaration):
    """An invalid declaration. `member` is the member that is wrong."""

    code = "invalid-user-attribute"


@dataclass(frozen=True, kw_only=True)
class Declaration(Declared):
    """The declaration of an attribute. Texts are objects of language tag to text."""

    type: str
    """The type of its values (`kinds.Kind`). It can't be changed."""
    label: dict[str, str]
    """What pages call it."""
    help: dict[str, str] = field(default_factory=dict)
    """A hint below the label."""
    rules: dict[str, Any] = field(default_factory=dict)
    """What a value must conform to, by type (`rules.RULES`)."""
    seen_by: list[str] = field(default_factory=lambda: [Editor.OPERATOR.value, Editor.API.value])
    edited_by: list[str] = field(default_factory=lambda: [Editor.OPERATOR.value, Editor.API.value])
    shown_at: list[str] = field(default_factory=list)
    """The pages of users that show it: at sign-up, on the profile, or both."""
    required_at: list[str] = field(default_factory=list)
    searchable: bool = False
    """Whether operators can find users by its value."""
    position: int = 0
    """Where forms show it: lower numbers first, equal ones by name."""
    scope: str | None = None
    """The scope that releases it to apps. None: no app gets it."""
    claim: str | None = None
    """Its name in userinfo and the ID token: usually that of the attribute."""


MEMBERS = tuple(Declaration.__dataclass_fields__)


def parse_declaration(name: str, given: Mapping[str, Any]) -> Declaration:
    """Parse the declaration of the attribute `name`. A plain string as a text is English. Raises InvalidAttribute."""
    unknown = sorted(given.keys() - set(MEMBERS))
    if unknown:
        raise InvalidAttribute(unknown[0][:60], f"is unknown. Known: {', '.join(MEMBERS)}.")
    kind = _kind(given.get("type"))
    label = _texts("label", given.get("label") or {}, most=LONGEST_LABEL)
    if not label:
        raise InvalidAttribute("label", "is missing. Pages show it.")
    usual = Declaration(type=kind, label=label)
    seen_by = _some(given, "seen_by", Editor, usual.seen_by)
    edited_by = _some(given, "edited_by", Editor, [one for one in usual.edited_by if one in seen_by])
    shown_at, required_at = _some(given, "shown_at", Place, []), _some(given, "required_at", Place, [])
    searchable, position = given.get("searchable", False), given.get("position", 0)
    if not isinstance(searchable, bool):
        raise InvalidAttribute("searchable", "must be true or false.")
    if searchable and not kind.can_be_searched:
        raise InvalidAttribute("searchable", f"must be false for the type {kind}.")
    if not is_whole_number(position) or not 0 <= position <= LAST_POSITION:
        raise InvalidAttribute("position", f"must be a whole number from 0 to {LAST_POSITION}.")
    _require_consistent(seen_by, edited_by, shown_at, required_at)
    scope, claim = _release(name, given.get("scope"), given.get("claim"))
    return Declaration(
        type=kind.value,
        label=label,
        help=_texts("help", given.get("help") or {}, most=LONGEST_HELP),
        rules=_rules(kind, given.get("rules") or {}),
        seen_by=seen_by,
        edited_by=edited_by,
        shown_at=shown_at,
        required_at=required_at,
        searchable=searchable,
        position=position,
        scope=scope,
        claim=claim,
    )


def is_attribute_name(name: str) -> bool:
    """Return whether this can be the name of an attribute: lower-case letters, digits and underscores."""
    return _NAME.fullmatch(name) is not None


def _require_consistent(seen_by: list[str], edited_by: list[str], shown_at: list[str], required_at: list[str]) -> None:
    """Check that who edits an attribute sees it, and that where it is required it can be filled in."""
    blind = [one for one in edited_by if one not in seen_by]
    if blind:
        raise InvalidAttribute("edited_by", f"{blind[0]} must also be in seen_by.")
    if Place.ADMIN in shown_at:
        raise InvalidAttribute("shown_at", "must be sign-up, profile or both.")
    if shown_at and Editor.USER not in seen_by:
        raise InvalidAttribute("shown_at", "needs user in seen_by.")
    if Place.SIGN_UP in shown_at and Editor.USER not in edited_by:
        raise InvalidAttribute("shown_at", "sign-up needs user in edited_by.")
    for place in required_at:
        if place == Place.ADMIN and not {Editor.OPERATOR, Editor.API} & {*edited_by}:
            raise InvalidAttribute("required_at", "admin needs operator or api in edited_by.")
        if place != Place.ADMIN and (place not in shown_at or Editor.USER not in edited_by):
            raise InvalidAttribute("required_at", f"{place} must also be in shown_at, and user in edited_by.")


def _kind(given: object) -> Kind:
    try:
        return Kind(str(given))
    except ValueError:
        raise InvalidAttribute("type", f"must be one of {', '.join(Kind)}.") from None


def _rules(kind: Kind, given: object) -> dict[str, Any]:
    try:
        return parse_rules(kind, given)
    except InvalidRule as invalid:
        raise InvalidAttribute("rules", invalid) from None


def _texts(member: str, given: object, *, most: int) -> dict[str, str]:
    try:
        return clean_texts(given, most=most)
    except InvalidOwnText as invalid:
        raise InvalidAttribute(member, invalid) from None


def _some(given: Mapping[str, Any], member: str, kind: type[StrEnum], usual: list[str]) -> list[str]:
    """Return some of the values of an enum, in its order."""
    value = given.get(member)
    if value is None:
        return usual
    if not isinstance(value, list | tuple) or not all(one in list(kind) for one in value):
        raise InvalidAttribute(member, f"must be a list of some of {', '.join(kind)}.")
    return [one.value for one in kind if one in value]


def _release(name: str, scope: object, claim: object) -> tuple[str | None, str | None]:
    """Return the scope and the claim. Both are None if no app gets the attribute."""
    if not scope:
        if claim:
            raise InvalidAttribute("claim", "needs a scope that releases it.")
        return None, None
    if not isinstance(scope, str) or _SCOPE.fullmatch(scope) is None:
        raise InvalidAttribute("scope", f"must be 1 to {LONGEST_RELEASED} letters, digits and any of _ . : / -")
    if scope in SCOPES:
        raise InvalidAttribute("scope", f"{scope} has a meaning already. Choose a scope of your own.")
    claim = claim or name
    if not isinstance(claim, str) or _CLAIM.fullmatch(claim) is None:
        raise InvalidAttribute("claim", f"must be 1 to {LONGEST_RELEASED} letters, digits and any of _ . : / # -")
    if claim in CLAIMS:
        raise InvalidAttribute("claim", f"{claim} is a claim with another meaning. Choose another name.")
    return scope, claim
