"""Levels of assurance: amr to acr, and whether a sign-in satisfies a request. Pure.

`acr` values are the levels of NIST SP 800-63B: `aal1` one factor, `aal2` two. `amr` values are those of RFC 8176, and
`fed` for a sign-in by an upstream provider. `fed` counts as one factor whatever the upstream says it checked.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

AAL1 = "aal1"
AAL2 = "aal2"
ACR_VALUES = (AAL1, AAL2)
"""The levels we can attest, weakest first; published as `acr_values_supported`."""

PASSWORD = "pwd"  # noqa: S105  # an amr value
ONE_TIME_CODE = "otp"
HARDWARE_KEY = "hwk"
SOFTWARE_KEY = "swk"
USER_PRESENT = "user"
FEDERATED = "fed"
MULTI_FACTOR = "mfa"


def add_factor(amr: str, factor: str) -> str:
    """Return the amr after one more factor."""
    methods = [method for method in amr.split() if method != MULTI_FACTOR]
    if factor not in methods:
        methods.append(factor)
    return " ".join([*methods, MULTI_FACTOR] if len(methods) > 1 else methods)


def acr_of(amr: str) -> str:
    return AAL2 if MULTI_FACTOR in amr.split() else AAL1


def satisfies(acr: str, wanted: Iterable[str]) -> bool:
    """Return whether this level is one of those wanted, or above one. An empty list is always satisfied."""
    known = [value for value in wanted if value in ACR_VALUES]
    if not known:
        return not list(wanted)
    return ACR_VALUES.index(acr) >= min(ACR_VALUES.index(value) for value in known)


def is_fresh(auth_time: datetime, max_age: int | None, now: datetime) -> bool:
    """Return whether the user signed in at most `max_age` whole seconds ago (OIDC Core section 3.1.2.1)."""
    return max_age is None or now - auth_time < timedelta(seconds=max_age + 1)
