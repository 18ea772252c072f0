"""Private-use URI schemes without a dot, such as `cursor` in `cursor://callback`, that an operator allows.

By default a private-use scheme is a reversed domain name (RFC 8252 section 7.1), because any other app can claim a
shorter one (section 8.4).
"""

import re
from typing import Annotated

from pydantic import BeforeValidator

from provider.config.notation import Notation

SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,39}")
"""A URI scheme in lower case (RFC 3986 section 3.1)."""
NEVER = frozenset(
    (
        *("http", "https", "ws", "wss", "ftp", "ftps", "sftp", "ssh", "telnet", "mailto", "tel", "sms", "urn", "ldap"),
        *("javascript", "vbscript", "data", "blob", "file", "filesystem", "about", "view-source", "jar", "intent"),
        *("chrome", "resource", "edge", "opera", "brave", "cid", "mid", "ms-appx", "content", "android-app"),
    )
)
"""Schemes that no app can own: browsers or the operating system give them a meaning, some of which run code."""


def problem_with_scheme(scheme: str) -> str | None:
    """Return why an operator cannot allow this scheme, or None if they can."""
    if SCHEME.fullmatch(scheme) is None:
        return "is not a URI scheme; write it in lower case and without ://, for example cursor"
    return "cannot be allowed: it does not belong to an app" if scheme in NEVER else None


def _schemes(value: object) -> object:
    if not isinstance(value, str):
        return value
    # People paste `cursor://`.
    written = (part.strip().lower().removesuffix("//").removesuffix(":") for part in value.split(","))
    schemes = tuple(scheme for scheme in written if scheme)
    for scheme in schemes:
        problem = problem_with_scheme(scheme)
        if problem is not None:
            raise ValueError(f"{scheme!r} {problem}")
    return schemes


Schemes = Annotated[tuple[str, ...], BeforeValidator(_schemes), Notation("URI schemes, comma-separated")]
