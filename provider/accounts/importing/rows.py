"""The rows of a file of users: which columns there are, and what each may hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provider.accounts.profile import FIELDS, parse_profile
from provider.languages.text import Text

ACCOUNT_COLUMNS = ("email", "email_verified", "id", "roles", "groups", "password_hash")
ATTRIBUTE = "attributes."
"""How the name of a column with an attribute begins, as in `attributes.customer_number`."""
COLUMNS = (*ACCOUNT_COLUMNS, *(field.name for field in FIELDS))
"""The columns of a CSV file, or the members of a JSON line. Only `email` is needed."""
_BOOLEANS = {"": True, "true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class InvalidRow(Exception):
    """A row that can't be imported. `problem` says why, and never has the password hash."""

    def __init__(self, problem: Text) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True)
class UserRow:
    email: str
    is_verified: bool
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    claims: Mapping[str, Any]
    user_id: str | None
    password_hash: str | None
    attributes: Mapping[str, Any]
    """The values of declared attributes by name: text as in a form, or JSON values in a file of JSON lines."""


def parse_row(values: Mapping[str, Any]) -> UserRow:
    """Return the user that a row describes. An empty value is the same as none. Raises InvalidRow."""
    attributes = {
        name.removeprefix(ATTRIBUTE): value
        for name, value in values.items()
        if name.startswith(ATTRIBUTE) and value not in (None, "")
    }
    text = texts_of({name: value for name, value in values.items() if not name.startswith(ATTRIBUTE)})
    claims, errors = parse_profile(text)
    for name, problem in errors.items():
        raise InvalidRow(Text("%(column)s: %(problem)s", column=name, problem=problem))
    verified = _BOOLEANS.get(text.get("email_verified", "").lower())
    if verified is None:
        raise InvalidRow(Text("email_verified: use true or false."))
    return UserRow(
        email=text.get("email", ""),
        is_verified=verified,
        roles=tuple(dict.fromkeys(text.get("roles", "").split())),
        groups=tuple(dict.fromkeys(text.get("groups", "").split())),
        claims=claims,
        user_id=text.get("id") or None,
        password_hash=text.get("password_hash") or None,
        attributes=attributes,
    )


def is_column(name: str) -> bool:
    """Return whether a file of users may have this column. Whether there is such an attribute is found row by row."""
    return name in COLUMNS or (name.startswith(ATTRIBUTE) and len(name) > len(ATTRIBUTE))


def texts_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they would be in a CSV file; those of attributes as they are. Raises InvalidRow."""
    return {name: value if name.startswith(ATTRIBUTE) else _text(name, value) for name, value in values.items()}


def _text(name: str, value: Any) -> str:
    """Return a value as it would be in a CSV file. JSON also has booleans, null, and lists of names."""
    if value is None:
        return ""
    if isinstance(value, bool) and name == "email_verified":
        return str(value)
    if isinstance(value, list) and name in {"roles", "groups"} and all(isinstance(one, str) for one in value):
        return " ".join(value)
    if not isinstance(value, str):
        raise InvalidRow(Text("%(column)s: the value must be text.", column=name))
    return value.strip()
