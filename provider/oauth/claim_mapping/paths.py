r"""The names of mapped claims, also nested by dots: `shop.customer` is the member `customer` of the claim `shop`.

`\.` is a dot within a name, as in `https://shop\.example/customer`. What Signet sets itself can't be mapped. Pure.
"""

import re
from typing import Any

from provider.accounts.attributes import reserved

LONGEST, DEEPEST = 200, 5
"""The longest name, in characters, and how many members it can have."""
LISTS = frozenset({"roles", "groups", "entitlements"})
"""The claims of RFC 9068 section 2.2.3.1, which a mapping can fill."""
RESERVED = (reserved.CLAIMS - LISTS) | {"hasroles", "hasgroups"}
"""The claims that no mapping can set."""
_NAME = re.compile(r"[!#-\[\]^-~]+")


class InvalidPath(ValueError):
    """A claim that can't be mapped. The message says why."""


def parse_path(text: str) -> tuple[str, ...]:
    """Return the names from the claim to the member. Raises InvalidPath."""
    if not 0 < len(text) <= LONGEST:
        raise InvalidPath(f"must be 1 to {LONGEST} characters.")
    path = split_path(text)
    if len(path) > DEEPEST:
        raise InvalidPath(f"can have at most {DEEPEST} members, separated by dots.")
    if not all(_NAME.fullmatch(name) for name in path):
        raise InvalidPath("must be visible ASCII characters without spaces, quotes and empty members.")
    if path[0] in RESERVED:
        raise InvalidPath(f"{path[0]} is set by Signet and has a meaning that apps rely on. Choose another name.")
    if path[0] in LISTS and len(path) > 1:
        raise InvalidPath(f"{path[0]} is a list, so it has no members (RFC 9068 section 2.2.3.1).")
    return path


def split_path(text: str) -> tuple[str, ...]:
    """Return the names that dots without a backslash separate."""
    return tuple(name.replace("\\.", ".") for name in re.split(r"(?<!\\)\.", text))


def put_at(claims: dict[str, Any], path: tuple[str, ...], value: Any) -> bool:
    """Set the member at this path. Returns False if a part of the path is no object, or something is there already."""
    for name in path[:-1]:
        claims = claims.setdefault(name, {})
        if not isinstance(claims, dict):
            return False
    if path[-1] in claims:
        return False
    claims[path[-1]] = value
    return True
