"""Recovery codes: ten at a time, shown once, each good for one sign-in, stored as digests."""

from functools import partial
from typing import Any

from provider.accounts import throttle
from provider.accounts.factors.factor import Factor, WrongSecondFactor
from provider.accounts.factors.store import recovery_codes
from provider.accounts.notices import notify
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_recovery_code
from provider.languages.text import Text
from provider.mail import messages
from provider.sessions.assurance import ONE_TIME_CODE
from provider.sessions.store import Session
from provider.work import UnitOfWork

COUNT = 10
FEW = 3
"""So few left that a person is reminded to make new ones."""


class WrongRecoveryCode(WrongSecondFactor):
    code = "wrong-recovery-code"
    message = Text("This recovery code is not right, or was used before. Each code works once.")


def replace_codes(work: UnitOfWork, user_id: str) -> list[str]:
    """Replace the user's recovery codes with ten new ones; return them. The old ones stop working."""
    codes = [new_recovery_code() for _ in range(COUNT)]
    recovery_codes.replace(work.db, user_id, [digest(plain(code)) for code in codes], now=work.now)
    return codes


def renew_codes(work: UnitOfWork, *, user_id: str) -> list[str]:
    """Replace the recovery codes at the user's request and notify them by email; return the new codes."""
    codes = replace_codes(work, user_id)
    record(work, Event.RECOVERY_CODES_RENEWED, user_id=user_id)
    notify(work, user_id, messages.recovery_codes_renewed)
    return codes


def is_left(work: UnitOfWork, user_id: str, code: str) -> bool:
    """Return whether this is an unused code of the user."""
    return recovery_codes.find_state(work.read, user_id, digest(plain(code))) == "unspent"


def use_code(work: UnitOfWork, user_id: str, code: str) -> bool:
    """Use the code up and notify the user by email. Returns False if another request used it first."""
    if not recovery_codes.spend(work.db, user_id, digest(plain(code)), now=work.now):
        return False
    left = recovery_codes.count_left(work.db, user_id)
    record(work, Event.RECOVERY_CODE_USED, user_id=user_id, left=left)
    notify(work, user_id, partial(messages.recovery_code_used, left=left, few=left <= FEW))
    return True


def count_left(work: UnitOfWork, user_id: str) -> int:
    return recovery_codes.count_left(work.read, user_id)


def plain(code: str) -> str:
    """Return the code as it is compared: without spaces and dashes, in one case."""
    return "".join(code.lower().split()).replace("-", "")


def _prove(work: UnitOfWork, session: Session, code: str) -> bool:
    return is_left(work, session.user_id, code) and use_code(work, session.user_id, code)


def _remove(work: UnitOfWork, user_id: str) -> None:
    recovery_codes.remove(work.db, user_id)


def _export(work: UnitOfWork, user_id: str) -> dict[str, Any]:
    return {"recovery_codes_left": count_left(work, user_id)}


RECOVERY_CODES = Factor(
    name="recovery",
    amr=ONE_TIME_CODE,
    template="login/second_factor/recovery.html",
    offer=Text("Lost your device? Use a recovery code"),
    policy=throttle.RECOVERY_CODE,
    wrong=WrongRecoveryCode,
    is_fallback=True,
    recognizes=lambda _answer: True,  # asked last
    prove=_prove,
    remove=_remove,
    export=_export,
)
