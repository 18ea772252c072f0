"""Recovery codes: ten at a time, shown once, each good for one sign-in, stored as digests."""

from functools import partial

from provider.accounts.factors.store import recovery_codes
from provider.accounts.notices import notify
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_recovery_code
from provider.mail import messages
from provider.work import UnitOfWork

COUNT = 10
FEW = 3
"""So few left that a person is reminded to make new ones."""


def replace_codes(work: UnitOfWork, user_id: str) -> list[str]:
    """Ten fresh codes; the old ones no longer work."""
    codes = [new_recovery_code() for _ in range(COUNT)]
    recovery_codes.replace(work.db, user_id, [digest(plain(code)) for code in codes], now=work.now)
    return codes


def renew_codes(work: UnitOfWork, *, user_id: str) -> list[str]:
    """The same, asked for by the person, who is told by letter."""
    codes = replace_codes(work, user_id)
    record(work, Event.RECOVERY_CODES_RENEWED, user_id=user_id)
    notify(work, user_id, messages.recovery_codes_renewed)
    return codes


def is_left(work: UnitOfWork, user_id: str, code: str) -> bool:
    """Is this a code of the user that nobody used? A spent one can be told from a wrong one in the store only."""
    return recovery_codes.find_state(work.read, user_id, digest(plain(code))) == "unspent"


def use_code(work: UnitOfWork, user_id: str, code: str) -> bool:
    """Spend it and tell the person by letter. False when somebody was faster."""
    if not recovery_codes.spend(work.db, user_id, digest(plain(code)), now=work.now):
        return False
    left = recovery_codes.count_left(work.db, user_id)
    record(work, Event.RECOVERY_CODE_USED, user_id=user_id, left=left)
    notify(work, user_id, partial(messages.recovery_code_used, left=left, few=left <= FEW))
    return True


def count_left(work: UnitOfWork, user_id: str) -> int:
    return recovery_codes.count_left(work.read, user_id)


def plain(code: str) -> str:
    """As compared: case, spaces and dashes do not matter."""
    return "".join(code.lower().split()).replace("-", "")
