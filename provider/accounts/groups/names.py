"""The names of groups, as claims and access policies have them."""

import re
from collections.abc import Iterable

from provider.languages.text import Text
from provider.refusals import Refusal

_NAME = re.compile(r"[!-.0-~]{1,200}")


class InvalidGroup(Refusal):
    """A name that a group can't have."""

    code = "invalid-group"
    title = Text("Invalid group name")
    message = Text("A group can contain ASCII letters, digits and punctuation except /, up to 200 characters.")


def is_group_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def require_group_names(names: Iterable[str]) -> None:
    """Check the names of groups. Raises InvalidGroup."""
    if not all(is_group_name(name) for name in names):
        raise InvalidGroup
