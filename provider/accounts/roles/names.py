"""The names of roles: `staff`, or `client_id:staff` for a role in one app."""

import re
from collections.abc import Iterable

from provider.languages.text import Text
from provider.refusals import Refusal

_NAME = re.compile(r"[!-~]{1,200}")


class InvalidRole(Refusal):
    """A name that a role can't have."""

    code = "invalid-role"
    message = Text("A role can contain ASCII letters, digits and punctuation, up to 200 characters.")


def is_role_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def require_role_names(names: Iterable[str]) -> None:
    """Check the names of roles. Raises InvalidRole."""
    if not all(is_role_name(name) for name in names):
        raise InvalidRole
