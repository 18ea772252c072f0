"""An authenticator app for a user of a test, and the codes that it shows."""

import pyotp
from sqlalchemy import update

from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential, totp_credentials
from provider.accounts.factors.totp import seal_seed
from provider.work import Installation, UnitOfWork, unit_of_work
from signet_testing.records import User


def set_up(work: UnitOfWork, user_id: str) -> str:
    """Give the user an authenticator app; return its key."""
    key = pyotp.random_base32()
    totp.add(work.db, TotpCredential(user_id, seal_seed(work, user_id, key), work.now, 0))
    return key


def current_code(installation: Installation, user: User) -> str:
    """Return the code that the user's app shows. It is accepted again, however often the test signs in."""
    with unit_of_work(installation) as work:
        work.db.execute(update(totp_credentials).where(totp_credentials.c.user_id == user.sub).values(last_step=0))
        return pyotp.TOTP(user.authenticator or "").at(work.now)
