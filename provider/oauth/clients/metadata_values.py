"""The values of client metadata, each member alone: which count as left out, have the wrong type, are too many, or
aren't among the choices. Pure.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from provider.jose.json_objects import is_whole_number
from provider.languages.free_text import InvalidText, clean_line
from provider.oauth.clients.metadata import FIELDS, LISTS, MEMBERS, ClientMetadata, InvalidMetadata

NONE: Mapping[str, tuple[type, ...]] = {"grant_types": (list, tuple), "response_types": (list, tuple), "scope": (str,)}
"""Members whose empty value is not their default, and its types: a client without grants, response types or scopes."""

LONGEST_NAME, LONGEST_CONTACT = 200, 254
"""The longest `client_name`, and each of `contacts`, in characters."""
_NAME = re.compile(r"[!-~]{1,200}")


def is_nothing(value: object) -> bool:
    """Return whether this is a way to write that a member has no value.

    Clients write null, "", blanks, an empty list or object, a list of these, or an object of these: `{"keys": []}`.
    """
    if isinstance(value, Mapping):
        return all(_is_blank(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return all(_is_blank(item) for item in value)
    return _is_blank(value)


def _is_blank(value: object) -> bool:
    return not value.strip() if isinstance(value, str) else value is None or value in ([], (), {})


def without_nothing(given: Mapping[str, Any], *, empty_means_none: bool = True) -> dict[str, Any]:
    """Return the members that have a value; lists become tuples without blanks.

    With `empty_means_none`, an empty `grant_types`, `response_types` or `scope` is a value: the client has none.
    """
    kept = {}
    for name, value in given.items():
        if empty_means_none and isinstance(value, NONE.get(name, ())) and _is_blank(value):
            kept[name] = "" if isinstance(value, str) else ()
        elif name in LISTS and isinstance(value, list | tuple):
            items = tuple(item for item in value if not _is_blank(item))
            kept |= {name: items} if items else {}
        elif name not in FIELDS or not is_nothing(value):
            kept[name] = value
    return kept


def require_types(given: Mapping[str, Any]) -> None:
    """Raise InvalidMetadata for a member of the wrong type."""
    for name, value in given.items():
        field = FIELDS.get(name)
        kind = "" if field is None else str(field.type)
        if name in LISTS:
            wrong = (
                [item for item in value if not isinstance(item, str)] if isinstance(value, list | tuple) else [value]
            )
            if wrong:
                raise InvalidMetadata(f"{name} must be a list of strings; {str(wrong[0])[:60]!r} is not one.")
        elif "bool" in kind:
            _require(name, of="true or false", good=isinstance(value, bool))
        elif "int" in kind:
            _require(name, of="a whole number", good=is_whole_number(value) and value >= 0)
        elif "dict" in kind:
            _require(name, of="a JSON object", good=isinstance(value, dict))
        elif kind:
            _require(name, of="a string", good=isinstance(value, str))


def with_clean_names(metadata: ClientMetadata) -> ClientMetadata:
    """Return the metadata with the name and contacts as they are stored. Raises InvalidMetadata."""
    return replace(
        metadata,
        client_name=_line("client_name", metadata.client_name, most=LONGEST_NAME),
        contacts=tuple(_line("contacts", one, most=LONGEST_CONTACT) for one in metadata.contacts),
    )


def check_members(metadata: ClientMetadata) -> None:
    """Check every member alone. Raises InvalidMetadata."""
    for name in MEMBERS:
        check_member(metadata, name)


def check_member(metadata: ClientMetadata, name: str) -> None:
    """Check how many values a member has, and that each is one of its choices. Raises InvalidMetadata."""
    member, value = MEMBERS[name], getattr(metadata, name)
    values = value if name in LISTS else () if value is None else (value,)
    if len(values) > member.most:
        raise InvalidMetadata(
            f"{name} can have at most {member.most} {member.items}, not {len(values)}.",
            error="invalid_redirect_uri" if name.endswith("redirect_uris") else "invalid_client_metadata",
        )
    if member.choices:
        for each in values:
            require_one_of(name, each, member.choices)


def require_one_of(name: str, value: str, allowed: Collection[str]) -> None:
    """Raise InvalidMetadata unless this value of the member is allowed."""
    if value not in allowed:
        raise InvalidMetadata(f"{name} must be one of {', '.join(allowed)}, not {value[:60]!r}.")


def check_allowed(metadata: ClientMetadata) -> None:
    """Check the roles, groups and networks whose users may sign in. Raises InvalidMetadata."""
    for name in ("allowed_roles", "allowed_groups", "allowed_networks"):
        check_member(metadata, name)
        for value in getattr(metadata, name):
            if name == "allowed_networks":
                _require_network(value)
            elif not _NAME.fullmatch(value):
                raise InvalidMetadata(f"{name}: {value[:60]!r} must be 1 to 200 visible ASCII characters.")


def _require_network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError:
        raise InvalidMetadata(
            f"allowed_networks: {text[:60]!r} must be an IP address or a network without host bits, such as "
            "10.0.0.0/8 or 2001:db8::/32."
        ) from None


def _line(name: str, text: str, *, most: int) -> str:
    """Return a line of free text as it is stored. Raises InvalidMetadata, which names the character that is refused."""
    try:
        return clean_line(text, most=most)
    except InvalidText as invalid:
        raise InvalidMetadata(f"{name}: {invalid}") from None


def _require(name: str, *, of: str, good: bool) -> None:
    # The value is not repeated: it could be a private key.
    if not good:
        raise InvalidMetadata(f"{name} must be {of}.")
