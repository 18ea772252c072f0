"""Recovery codes: ten at a time, shown once, each good for one sign-in, stored as digests."""

from functools import partial
from typing import Any

from provider.accounts import throttle
from provider.accounts.factors.factor import Factor, WrongSecondFactor
from provider.accounts.factors.live_session import require_live
from provider.accounts.factors.store import recovery_codes
from provider.accounts.notices import notify
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import RECOVERY_ALPHABET, digest, new_recovery_code
from provider.languages.text import Text
from provider.mail import messages
from provider.sessions.assurance import ONE_TIME_CODE
from provider.sessions.store import Session
from provider.typed_codes import CodeFormat
from provider.work import UnitOfWork

RECOVERY_CODE = CodeFormat(alphabet=RECOVERY_ALPHABET, length=16)
COUNT = 10
FEW = 3
"""So few left that a person is reminded to make new ones."""


class WrongRecoveryCode(WrongSecondFactor):
    code = "wrong-recovery-code"
    message = Text("That recovery code is wrong. Check it or enter a different one.")


def replace_codes(work: UnitOfWork, user_id: str) -> list[str]:
    """Replace the user's recovery codes with ten new ones; return them. The old ones stop working."""
    codes = [new_recovery_code() for _ in range(COUNT)]
    recovery_codes.replace(work.db, user_id, [digest(code.replace("-", "")) for code in codes], now=work.now)
    return codes


def renew_codes(work: UnitOfWork, session: Session) -> list[str]:
    """Replace the recovery codes of this session's user and notify them by email; return the new codes.

    Raises SessionEnded.
    """
    recovery_codes.lock(work.db, session.user_id)  # before the user's row, as a sign-in with a code locks them
    require_live(work, session)
    codes = replace_codes(work, session.user_id)
    record(work, Event.RECOVERY_CODES_RENEWED, user_id=session.user_id)
    notify(work, session.user_id, messages.recovery_codes_renewed)
    return codes


def find_state(work: UnitOfWork, user_id: str, typed: str) -> str | None:
    """Return whether this is a `spent` or an `unspent` code of the user, or None if it is neither."""
    code = RECOVERY_CODE.read(typed)
    return None if code is None else recovery_codes.find_state(work.read, user_id, digest(code))


def use_code(work: UnitOfWork, user_id: str, typed: str) -> bool:
    """Use the code up and notify the user by email. Returns False for a wrong one, or if it was used before."""
    code = RECOVERY_CODE.read(typed)
    if code is None or not recovery_codes.spend(work.db, user_id, digest(code), now=work.now):
        return False
    left = recovery_codes.count_left(work.db, user_id)
    record(work, Event.RECOVERY_CODE_USED, user_id=user_id, left=left)
    notify(work, user_id, partial(messages.recovery_code_used, left=left, few=left <= FEW))
    return True


def count_left(work: UnitOfWork, user_id: str) -> int:
    return recovery_codes.count_left(work.read, user_id)


def _prove(work: UnitOfWork, session: Session, code: str) -> str | None:
    # Looked at first: a wrong code must not write, so that it locks nothing.
    is_unspent = find_state(work, session.user_id, code) == "unspent"
    return ONE_TIME_CODE if is_unspent and use_code(work, session.user_id, code) else None


def _was_used(work: UnitOfWork, session: Session, code: str) -> bool:
    return find_state(work, session.user_id, code) == "spent"


def _remove(work: UnitOfWork, user_id: str) -> None:
    recovery_codes.remove(work.db, user_id)


def _export(work: UnitOfWork, user_id: str) -> dict[str, Any]:
    return {"recovery_codes_left": count_left(work, user_id)}


RECOVERY_CODES = Factor(
    name="recovery",
    template="login/second_factor/recovery.html",
    offer=Text("Lost your device? Use a recovery code"),
    policy=throttle.RECOVERY_CODE,
    wrong=WrongRecoveryCode,
    is_fallback=True,
    recognizes=lambda _answer: True,  # asked last
    prove=_prove,
    was_used=_was_used,
    remove=_remove,
    export=_export,
)
