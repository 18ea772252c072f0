"""The declaration of a claim mapping, and what it may contain: which claim has which value, where, and for whom."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from provider.accounts.attributes.declarations import is_attribute_name
from provider.declarations import Declared, InvalidDeclaration
from provider.jose.json_objects import read_json, write_json
from provider.languages.own_text import InvalidOwnText, clean_texts
from provider.oauth.claim_mapping.expression_syntax import InvalidExpression
from provider.oauth.claim_mapping.expressions import compile_expression
from provider.oauth.claim_mapping.paths import LISTS, InvalidPath, parse_path
from provider.oauth.claim_mapping.store import LONGEST_NAME, LONGEST_PREFIX, LONGEST_SCOPE
from provider.oauth.scopes import ACCOUNT, ADMIN_READ, ADMIN_WRITE, IN_WORDS, OFFLINE_ACCESS, is_scope_token

LONGEST_DESCRIPTION = 200
LARGEST_CONSTANT = 2048
"""The largest constant, in bytes of JSON."""
MOST_NAMES = 200
VARIABLES = ("user", "client", "scopes")
"""The variables of expressions."""
_NAME = re.compile(rf"[a-z][a-z0-9_-]{{0,{LONGEST_NAME - 1}}}")
_READS = re.compile(
    r"user\s*\.\s*attributes\s*(?:\.\s*([a-z][a-z0-9_]*)|\[\s*(?:\"([a-z0-9_]+)\"|'([a-z0-9_]+)')\s*\])"
)
_ACCESS = frozenset({OFFLINE_ACCESS, ACCOUNT, ADMIN_READ, ADMIN_WRITE})


class Place(StrEnum):
    """Where a claim is."""

    ID_TOKEN = "id_token"  # noqa: S105
    ACCESS_TOKEN = "access_token"  # noqa: S105
    USERINFO = "userinfo"
    INTROSPECTION = "introspection"


class Source(StrEnum):
    """Where the value of a claim comes from."""

    ATTRIBUTE = "attribute"
    GROUPS = "groups"
    ROLES = "roles"
    CONSTANT = "constant"
    EXPRESSION = "expression"


class Format(StrEnum):
    """How groups and roles are written."""

    LIST = "list"
    COMMA = "comma"
    SPACE = "space"
    FIRST = "first"


class InvalidMapping(InvalidDeclaration):
    """An invalid declaration. `member` is the member that is wrong."""

    code = "invalid-claim-mapping"


@dataclass(frozen=True, kw_only=True)
class Declaration(Declared):
    """The declaration of a mapping."""

    claim: str
    """The claim, with dots for nested members (`paths`)."""
    client_id: str | None = None
    """The client that gets it. None: every client with the scope."""
    scope: str | None = None
    """The scope that releases it. None: any."""
    places: list[str] = field(default_factory=lambda: [place.value for place in Place])
    source: str
    attribute: str | None = None
    """The declared attribute, for the source attribute."""
    value: Any = None
    """The value, for the source constant."""
    expression: str | None = None
    """The expression, for the source expression."""
    prefix: str = ""
    """Only groups or roles with this prefix."""
    strip_prefix: bool = False
    """Whether the prefix is removed."""
    only: dict[str, str] | None = None
    """The groups or roles that are listed, each with what is written for it. None: all as they are."""
    format: str = Format.LIST.value
    description: dict[str, str] = field(default_factory=dict)
    """What the scope allows, as users read it on the consent page."""


MEMBERS = tuple(Declaration.__dataclass_fields__)
NAMES = frozenset({Source.GROUPS, Source.ROLES})
"""The sources whose values are names, which can be filtered and formatted."""
_ONLY_OF_NAMES = ("prefix", "strip_prefix", "only", "format")
_OF_SOURCE = {"attribute": Source.ATTRIBUTE, "value": Source.CONSTANT, "expression": Source.EXPRESSION}


def parse_declaration(given: Mapping[str, Any]) -> Declaration:
    """Parse a declaration. A plain string as a description is English. Raises InvalidMapping."""
    unknown = sorted(given.keys() - set(MEMBERS))
    if unknown:
        raise InvalidMapping(unknown[0][:60], f"is unknown. Known: {', '.join(MEMBERS)}.")
    source = _one_of(given, "source", Source)
    _require_for_source(given, source)
    format_ = _one_of(given, "format", Format, Format.LIST.value)
    claim = _claim(given.get("claim"), source, format_)
    client_id, scope = given.get("client_id") or None, _scope(given.get("scope"))
    if client_id is not None and not isinstance(client_id, str):
        raise InvalidMapping("client_id", "must be the client_id of an application.")
    if client_id is None and scope is None:
        raise InvalidMapping("scope", "is missing. Set scope, client_id or both: they say who gets the claim.")
    strip_prefix = given.get("strip_prefix") or False
    if not isinstance(strip_prefix, bool):
        raise InvalidMapping("strip_prefix", "must be true or false.")
    return Declaration(
        claim=claim,
        client_id=client_id,
        scope=scope,
        places=_places(given.get("places")),
        source=source,
        attribute=_attribute(given.get("attribute")) if source == Source.ATTRIBUTE else None,
        value=_constant(given.get("value")) if source == Source.CONSTANT else None,
        expression=_expression(given.get("expression")) if source == Source.EXPRESSION else None,
        prefix=_prefix(given.get("prefix") or ""),
        strip_prefix=strip_prefix,
        only=_only(given.get("only")),
        format=format_,
        description=_description(given.get("description") or {}, scope),
    )


def is_mapping_name(name: str) -> bool:
    """Return whether this can be the name of a mapping: lower-case letters, digits, hyphens and underscores."""
    return _NAME.fullmatch(name) is not None


def attributes_read_by(one: Declaration) -> set[str]:
    """Return the names of the attributes that a mapping reads."""
    if one.attribute is not None:
        return {one.attribute}
    return {"".join(groups) for groups in _READS.findall(one.expression or "")}


def _require_for_source(given: Mapping[str, Any], source: str) -> None:
    """Check that only members of this source are given."""
    for member, of in _OF_SOURCE.items():
        if source != of and given.get(member) is not None:
            raise InvalidMapping(member, f"is only for the source {of}.")
    usual = Declaration(claim="", source=source)
    for member in _ONLY_OF_NAMES:
        if source not in NAMES and given.get(member) not in (None, {}, [], getattr(usual, member)):
            raise InvalidMapping(member, "is only for the sources groups and roles.")


def _one_of(given: Mapping[str, Any], member: str, kind: type[StrEnum], usual: str = "") -> str:
    value = given.get(member) or usual
    if value not in list(kind):
        raise InvalidMapping(member, f"must be one of {', '.join(kind)}.")
    return kind(value).value


def _claim(given: object, source: str, format_: str) -> str:
    if not isinstance(given, str):
        raise InvalidMapping("claim", "must be the name of a claim.")
    try:
        path = parse_path(given)
    except InvalidPath as invalid:
        raise InvalidMapping("claim", invalid) from None
    if path[0] in LISTS and source in NAMES and format_ != Format.LIST:
        raise InvalidMapping("format", f"must be list for {path[0]} (RFC 9068 section 2.2.3.1).")
    return given


def _scope(given: object) -> str | None:
    if not given:
        return None
    if not isinstance(given, str) or not is_scope_token(given) or len(given) > LONGEST_SCOPE:
        raise InvalidMapping("scope", f"must be a scope of at most {LONGEST_SCOPE} characters.")
    if given in _ACCESS:
        raise InvalidMapping("scope", f"{given} is about access, not about claims. Choose another scope.")
    return given


def _places(given: object) -> list[str]:
    if given is None:
        return [place.value for place in Place]
    if not isinstance(given, list | tuple) or not given or not all(one in list(Place) for one in given):
        raise InvalidMapping("places", f"must be a list of some of {', '.join(Place)}.")
    return [place.value for place in Place if place in given]


def _attribute(given: object) -> str:
    if not isinstance(given, str) or not is_attribute_name(given):
        raise InvalidMapping("attribute", "must be the name of a declared attribute.")
    return given


def _constant(given: object) -> Any:
    try:
        text = write_json(given)
        found = read_json(text)
    except (TypeError, ValueError):
        raise InvalidMapping("value", "must be a JSON value.") from None
    if found is None or found in ("", [], {}) or len(text) > LARGEST_CONSTANT:
        raise InvalidMapping("value", f"must be a JSON value of at most {LARGEST_CONSTANT} bytes that is not empty.")
    return found


def _expression(given: object) -> str:
    if not isinstance(given, str) or not given.strip():
        raise InvalidMapping("expression", "is missing.")
    try:
        compile_expression(given, VARIABLES)
    except InvalidExpression as invalid:
        raise InvalidMapping("expression", invalid) from None
    return given


def _prefix(given: object) -> str:
    if not isinstance(given, str) or len(given) > LONGEST_PREFIX:
        raise InvalidMapping("prefix", f"must be text of at most {LONGEST_PREFIX} characters.")
    return given


def _only(given: object) -> dict[str, str] | None:
    if given is None or given in ({}, []):
        return None
    found = {one: one for one in given if isinstance(one, str)} if isinstance(given, list | tuple) else given
    if not isinstance(found, Mapping) or len(found) != len(given) or len(found) > MOST_NAMES:  # type: ignore[arg-type]
        raise InvalidMapping("only", f"must be at most {MOST_NAMES} names, or an object of names and texts.")
    if not all(isinstance(text, str) and 0 < len(text) <= LONGEST_PREFIX for pair in found.items() for text in pair):
        raise InvalidMapping("only", f"must have names and texts of 1 to {LONGEST_PREFIX} characters.")
    return dict(found)


def _description(given: object, scope: str | None) -> dict[str, str]:
    try:
        texts = clean_texts(given, most=LONGEST_DESCRIPTION)
    except InvalidOwnText as invalid:
        raise InvalidMapping("description", invalid) from None
    if scope is None or scope in IN_WORDS:
        if texts:
            raise InvalidMapping("description", "is only for a scope of your own.")
    elif not texts:
        raise InvalidMapping("description", f"is missing. Users read it where an app asks for the scope {scope}.")
    return texts
