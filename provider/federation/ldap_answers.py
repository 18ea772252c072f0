"""What a directory's answers mean: to a bind, and of Active Directory. Pure."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

POLICY_CONTROL = "1.3.6.1.4.1.42.2.27.8.5.1"
"""The control with what a password policy says about a bind (draft-behera-ldap-password-policy)."""
SUCCESS, NO_SUCH_OBJECT = 0, 32
WRONG = (48, 49)
"""inappropriateAuthentication, for an entry without a password, and invalidCredentials."""
LOCKED = (19, 53)
"""constraintViolation and unwillingToPerform: how 389 Directory Server, FreeIPA and eDirectory report that an account
is locked, disabled or expired. Some do so before they look at the password.
"""
_DATA = re.compile(r"\bdata ([0-9a-f]{3,4})\b")


class Verdict(Enum):
    """A verdict of a directory about a password."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"
    """The directory checks no password of this account, at least for now. It says so for wrong passwords too."""
    DISABLED = "disabled"
    EXPIRED = "expired"
    """The password has expired, or must be changed before it can be used."""
    ACCOUNT_EXPIRED = "account_expired"
    NOT_NOW = "not_now"
    """The account may not be used at this time or from this place."""


OF_ACTIVE_DIRECTORY = {
    "530": Verdict.NOT_NOW,
    "531": Verdict.NOT_NOW,
    "532": Verdict.EXPIRED,
    "533": Verdict.DISABLED,
    "701": Verdict.ACCOUNT_EXPIRED,
    "773": Verdict.EXPIRED,
    "775": Verdict.LOCKED,
}
"""The codes in the messages of Active Directory. All but 775 come only after the right password."""


class DirectoryUnavailable(Exception):
    """No server answered, or none as it should. The text is for the operator."""


def verdict_of(result: Mapping[str, Any]) -> Verdict:
    """Return what the answer to a bind as a user says about the password. Raises DirectoryUnavailable if it says
    nothing.
    """
    code = result["result"]
    policy = _policy_error((result.get("controls") or {}).get(POLICY_CONTROL))
    if code == SUCCESS:
        return Verdict.EXPIRED if policy == 2 else Verdict.RIGHT  # changeAfterReset
    if code in LOCKED:
        return Verdict.LOCKED
    if code not in WRONG and code != NO_SUCH_OBJECT:
        raise DirectoryUnavailable(f"the bind ended with {in_words(result)}")
    if policy is not None:
        return {0: Verdict.EXPIRED, 1: Verdict.LOCKED}.get(policy, Verdict.WRONG)
    data = _DATA.search(str(result.get("message") or ""))
    return OF_ACTIVE_DIRECTORY.get(data[1], Verdict.WRONG) if data else Verdict.WRONG


def _policy_error(control: Any) -> int | None:
    """Return the error of a password policy: `[1] ENUMERATED` at the end of a short BER sequence."""
    value = control.get("value") if isinstance(control, Mapping) else None
    if not isinstance(value, bytes) or len(value) < 5 or value[-3:-1] != b"\x81\x01":
        return None
    return value[-1]


def in_words(result: Mapping[str, Any]) -> str:
    return f"{result['description']} {result.get('message') or ''}".strip()[:200]
