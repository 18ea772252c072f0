"""Levels of assurance: amr to acr, and whether a sign-in satisfies a request. Pure.

`acr` values are the levels of NIST SP 800-63B, `aal1` one factor and `aal2` two, and `phr` for two factors of which one
is a passkey (phishing-resistant, OpenID Connect EAP ACR Values 1.0 section 4). `amr` values are those of RFC 8176, and
`fed` for a sign-in by an upstream provider. `fed` counts as one factor whatever the upstream says it checked.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

AAL1 = "aal1"
AAL2 = "aal2"
PHR = "phr"
ACR_VALUES = (AAL1, AAL2, PHR)
"""The levels we can attest, weakest first; published as `acr_values_supported`."""
REQUIRED_FACTORS: Mapping[str, str] = {"none": AAL1, "two-factor": AAL2, "passkey": PHR}
"""What a policy may require of a sign-in, and the level that meets it."""

PASSWORD = "pwd"  # noqa: S105  # an amr value
ONE_TIME_CODE = "otp"
"""A code by email if it is the only factor, else one of an authenticator app or a recovery code."""
HARDWARE_KEY = "hwk"
SOFTWARE_KEY = "swk"
USER_PRESENT = "user"
FEDERATED = "fed"
MULTI_FACTOR = "mfa"


def add_factor(amr: str, factor: str) -> str:
    """Return the amr after one more factor.

    The code of an authenticator app is a second factor also after a code by email, although RFC 8176 section 2 calls
    both `otp`.
    """
    methods = [method for method in amr.split() if method != MULTI_FACTOR]
    if methods == [factor] == [ONE_TIME_CODE]:
        return f"{ONE_TIME_CODE} {MULTI_FACTOR}"
    if factor not in methods:
        methods.append(factor)
    return " ".join([*methods, MULTI_FACTOR] if len(methods) > 1 else methods)


def level_of(amr: str) -> str:
    """Return the highest level that a sign-in with these methods satisfies."""
    methods = set(amr.split())
    if MULTI_FACTOR not in methods:
        return AAL1
    return PHR if methods & {HARDWARE_KEY, SOFTWARE_KEY} else AAL2


def acr_of(amr: str, wanted: Iterable[str] = ()) -> str:
    """Return the `acr` of a sign-in with these methods.

    It is `phr` only if that is wanted: apps and APIs that compare `acr` with `aal2` must accept passkeys, too.
    """
    level = level_of(amr)
    return AAL2 if level == PHR and PHR not in wanted else level


def has_two_factors(amr: str) -> bool:
    """Return whether a sign-in with these methods had two factors, a passkey among them or not."""
    return is_at_least(level_of(amr), AAL2)


def is_at_least(level: str, least: str) -> bool:
    return ACR_VALUES.index(level) >= ACR_VALUES.index(least)


def strictest(*levels: str) -> str:
    return max(levels, key=ACR_VALUES.index)


def least_wanted(wanted: Iterable[str]) -> str | None:
    """Return the lowest of the levels that would satisfy a request, or None if none is known here."""
    return min((value for value in wanted if value in ACR_VALUES), key=ACR_VALUES.index, default=None)


def satisfies(level: str, wanted: Iterable[str]) -> bool:
    """Return whether this level is one of those wanted, or above one. An empty list is always satisfied."""
    wanted = tuple(wanted)
    least = least_wanted(wanted)
    return not wanted if least is None else is_at_least(level, least)


def is_fresh(auth_time: datetime, max_age: int | None, now: datetime) -> bool:
    """Return whether the user signed in at most `max_age` whole seconds ago (OIDC Core section 3.1.2.1)."""
    return max_age is None or now - auth_time < timedelta(seconds=max_age + 1)
