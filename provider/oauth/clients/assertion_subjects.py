"""The workloads that a client without a secret is: the issuer, subjects and audience of their tokens (RFC 7523 section
2.2). Pure.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

FEDERATED_JWT = "federated_jwt"
"""The authentication method of a client whose JWTs come from a trusted issuer."""
MOST_SUBJECTS = 20
LONGEST_SUBJECT = 512
MOST_WILDCARDS = 4


class HasSubjects(Protocol):
    """The metadata of a client that says which tokens authenticate it."""

    @property
    def token_endpoint_auth_method(self) -> str | None: ...
    @property
    def assertion_issuer(self) -> str | None: ...
    @property
    def assertion_subjects(self) -> tuple[str, ...]: ...
    @property
    def assertion_audience(self) -> str | None: ...


def problem_with(metadata: HasSubjects) -> str | None:
    """Return what is wrong with these members of a client's metadata, or None."""
    given = [
        name for name in ("assertion_issuer", "assertion_subjects", "assertion_audience") if getattr(metadata, name)
    ]
    if metadata.token_endpoint_auth_method != FEDERATED_JWT:
        return f"{given[0]} requires token_endpoint_auth_method {FEDERATED_JWT}" if given else None
    if not metadata.assertion_issuer or not metadata.assertion_subjects:
        return f"token_endpoint_auth_method {FEDERATED_JWT} requires assertion_issuer and assertion_subjects"
    if len(metadata.assertion_subjects) > MOST_SUBJECTS:
        return f"assertion_subjects can have at most {MOST_SUBJECTS} subjects"
    for subject in metadata.assertion_subjects:
        problem = problem_with_subject(subject)
        if problem is not None:
            return f"assertion_subjects: {subject[:120]!r} {problem}"
    for name in ("assertion_issuer", "assertion_audience"):
        value = getattr(metadata, name) or ""
        if len(value) > 255 or not value.isascii() or not value.isprintable() or " " in value:
            return f"{name} must have at most 255 visible ASCII characters"
    return None


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
