"""The subjects of a trusted issuer that a client is (RFC 7523 section 2.2). Pure."""

import re
from collections.abc import Iterable
from functools import lru_cache

FEDERATED_JWT = "federated_jwt"
"""The authentication method of a client whose JWTs come from a trusted issuer."""
LONGEST_SUBJECT = 512
MOST_WILDCARDS = 4


def problem_with_subject(subject: str) -> str | None:
    """Return why a subject or pattern may not be registered, or None.

    `*` is any text without `:` and `/`. What comes before it has to say whose subjects these are.
    """
    if len(subject) > LONGEST_SUBJECT or not subject.isascii() or not subject.isprintable():
        return f"must have at most {LONGEST_SUBJECT} printable ASCII characters"
    if subject.count("*") > MOST_WILDCARDS or "**" in subject:
        return f"can have at most {MOST_WILDCARDS} wildcards, each on its own"
    if "*" in subject and not re.match(r"[^*]*[^*:/][:/][^*:/]+[:/]", subject):
        return "must have two parts before the first wildcard, for example repo:octo-org/*"
    return None


def is_subject(patterns: Iterable[str], subject: object) -> bool:
    """Return whether a `sub` is one of the registered subjects, or matches one of the patterns."""
    if not isinstance(subject, str) or len(subject) > LONGEST_SUBJECT:
        return False
    return any(
        subject == pattern if "*" not in pattern else _pattern(pattern).fullmatch(subject) is not None
        for pattern in patterns
    )


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(r"[^:/\s]+".join(map(re.escape, text.split("*"))))
