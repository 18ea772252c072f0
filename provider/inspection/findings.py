"""What the inspector finds out: facts in parts, and what all of it is.

The words are for developers, and in English, like those of `oauth.checks`. Secrets are masked before they get here.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from provider.jose.times import is_numeric_date

LONGEST = 300
"""How many characters of a value are shown."""
SECRETS = frozenset(
    {
        "access_token",
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "id_token",
        "id_token_hint",
        "password",
        "refresh_token",
        "registration_access_token",
        "request",
        "response",
        "subject_token",
        "actor_token",
    }
)
"""Parameters and members whose values are masked."""
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""The members of a JWK that are private or secret (RFC 7518 section 6)."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One claim, parameter or property: its value, what it means here, and whether it is right."""

    name: str
    value: str
    meaning: str = ""
    passed: bool | None = None
    """Whether a check of it passed. None: it was not checked."""
    why: str = ""
    """Why the check failed, or how to fix it."""
    section: str = ""
    """The section of the specification."""


@dataclass(frozen=True)
class Part:
    """Facts that belong together, such as the header of a token."""

    title: str
    facts: Sequence[Fact]


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A pasted value, and the facts that are known about it here."""

    kind: str
    """What it is: `access token`, `authorization request` and so on."""
    summary: str
    """The answer in one sentence."""
    is_valid: bool | None = None
    """Whether it would be accepted now. None: that cannot be known, or is not a question."""
    parts: Sequence[Part] = ()
    user_id: str | None = None
    """The user it was issued for, if it is ours."""
    client_id: str | None = None
    """The client it was issued to."""
    grant_id: str | None = None
    session_id: str | None = None
    error_id: str | None = None
    secret: bool = field(default=False)
    """Whether the value itself gives access now: it should be revoked if it was seen elsewhere."""


def shown(value: Any) -> str:
    """Return a value as text: short, on one line, and without what no output can encode."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.encode("utf-8", "replace").decode().replace("\x00", "?").split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def masked(secret: Any) -> str:
    """Return what may be shown of a secret: its first characters, if the rest cannot be guessed, and its length."""
    text = secret if isinstance(secret, str) else json.dumps(secret)
    begin = shown(text[:4]) if len(text) >= 20 else ""
    return f"{begin}... ({len(text)} characters, hidden)"


def shown_or_masked(name: str, value: Any) -> str:
    """Return the value of a parameter or member, masked if its name is that of a secret."""
    return masked(value) if name in SECRETS else shown(value)


def moment(value: datetime) -> str:
    """Return a time, in UTC."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def date_of(claim: object) -> str | None:
    """Return the time of a claim in seconds since 1970, or None if it is no time that can be written."""
    if not is_numeric_date(claim) or claim < 0:
        return None
    return moment(datetime.fromtimestamp(claim, UTC))
