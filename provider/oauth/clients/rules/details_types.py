"""The types of authorization details that a client can ask for (RFC 9396 section 10). Pure.

A type need not be declared yet: requests are checked against the types that there are.
"""

import re

from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata

LONGEST_TYPE = 200
"""The longest name of a type, in characters."""


def is_type_name(text: str) -> bool:
    """Return whether this may be the name of a type: visible ASCII without spaces, quotes and backslashes."""
    return len(text) <= LONGEST_TYPE and re.fullmatch(r"[!#-\[\]-~]+", text) is not None


def check_details_types(metadata: ClientMetadata) -> None:
    """Check `authorization_details_types`. Raises InvalidMetadata."""
    for name in metadata.authorization_details_types:
        if not is_type_name(name):
            raise InvalidMetadata(f"authorization_details_types: {name[:60]!r} is not the name of a type.")
