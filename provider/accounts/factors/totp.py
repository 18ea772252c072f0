"""TOTP (RFC 6238): the codes of an authenticator app, each accepted once."""

from collections.abc import Collection
from typing import Any

import pyotp

from provider.accounts import throttle
from provider.accounts.factors.factor import Factor, WrongSecondFactor
from provider.accounts.factors.store import totp, totp_setups
from provider.accounts.factors.store.totp import TotpCredential
from provider.crypto.digests import same
from provider.languages.text import Text
from provider.sessions.assurance import ONE_TIME_CODE
from provider.sessions.store import Session
from provider.typed_codes import DIGITS, fold
from provider.work import UnitOfWork

SEED = "totp"
"""The vault's purpose for a seed. Its context is the id of the user."""
STEP_SECONDS = 30
LONGEST_CODE = 8
"""Characters of a code, without spaces and dashes: more are a recovery code, unless there are words around a code."""
LONGEST_SENTENCE = 100
"""Characters of a code with the words around it. An answer of a browser is longer."""


def matching_step(work: UnitOfWork, key: str, code: str) -> int | None:
    """Return the time step a code belongs to: now, or one to either side for clocks that differ (RFC 6238 section 5.2).
    None for a wrong code.
    """
    digits = DIGITS.read(code)
    if digits is None:
        return None
    generator = pyotp.TOTP(key, interval=STEP_SECONDS)
    current = int(work.now.timestamp()) // STEP_SECONDS
    steps = (current, current - 1, current + 1)
    return next((step for step in steps if same(generator.generate_otp(step).encode(), digits.encode())), None)


def new_seed(work: UnitOfWork, user_id: str) -> str:
    """Return a new random seed of this user, encrypted."""
    return seal_seed(work, user_id, pyotp.random_base32())


def seal_seed(work: UnitOfWork, user_id: str, key: str) -> str:
    """Encrypt a seed of this user, which is in base32."""
    return work.vault.encrypt(key.encode(), purpose=SEED, context=user_id)


def open_seed(work: UnitOfWork, user_id: str, sealed: str) -> str:
    """Decrypt a seed of this user. Returns it in base32."""
    return work.vault.decrypt(sealed, purpose=SEED, context=user_id).decode()


def _find_owners(work: UnitOfWork, user_ids: Collection[str]) -> set[str]:
    return totp.find_owners(work.read, user_ids)


def _recognizes(answer: str) -> bool:
    typed = "".join(fold(answer).split()).replace("-", "")
    return len(typed) <= LONGEST_CODE or (len(answer) <= LONGEST_SENTENCE and DIGITS.read(answer) is not None)


def name_of(credential: TotpCredential) -> str:
    """Return the name that the user gave to this app, or what it is called without one."""
    return credential.name or Text("Authenticator app")


def _matching(work: UnitOfWork, user_id: str, code: str) -> list[tuple[TotpCredential, int]]:
    """Return the apps that show this code, with its time step. The work is the same whichever of them does."""
    steps = [
        (one, matching_step(work, open_seed(work, user_id, one.seed), code))
        for one in totp.find_of_user(work.read, user_id)
    ]
    return [(one, step) for one, step in steps if step is not None]


def _prove(work: UnitOfWork, session: Session, code: str) -> str | None:
    bypass = work.settings.totp_bypass_code  # development only; the settings see to that
    if bypass is not None and same(bypass.encode(), code.encode("utf-8", "surrogatepass")):
        return ONE_TIME_CODE if TOTP.is_set_up(work, session.user_id) else None
    is_new = any(
        step > one.last_step and totp.spend_step(work.db, one, step, now=work.now)
        for one, step in _matching(work, session.user_id, code)
    )
    return ONE_TIME_CODE if is_new else None


def _was_used(work: UnitOfWork, session: Session, code: str) -> bool:
    return any(step <= one.last_step for one, step in _matching(work, session.user_id, code))


def _remove(work: UnitOfWork, user_id: str) -> None:
    totp.remove_all(work.db, user_id)


def _forget_setup(work: UnitOfWork, user_id: str) -> None:
    totp_setups.forget(work.db, user_id)


def _export(work: UnitOfWork, user_id: str) -> dict[str, Any]:
    held = totp.find_of_user(work.read, user_id)
    return {
        "on_since": held[0].confirmed_at if held else None,
        "authenticator_apps": [
            {"name": name_of(one), "created_at": one.confirmed_at, "last_used_at": one.last_used_at} for one in held
        ],
    }


TOTP = Factor(
    name="totp",
    template="login/second_factor/totp.html",
    offer=Text("Use your authenticator app"),
    policy=throttle.SECOND_FACTOR,
    wrong=WrongSecondFactor,
    find_owners=_find_owners,
    recognizes=_recognizes,
    prove=_prove,
    was_used=_was_used,
    remove=_remove,
    forget_setup=_forget_setup,
    export=_export,
)
