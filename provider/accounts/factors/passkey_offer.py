"""The offer of a passkey after a sign-in with the password, and "Not now", which is remembered for the user."""

from provider.accounts.factors.store import passkey_offers, passkeys
from provider.work import UnitOfWork


def is_due(work: UnitOfWork, *, user_id: str) -> bool:
    """Return whether to offer this user a passkey: they have none, and did not decline within
    SIGNET_PASSKEY_OFFER_INTERVAL.
    """
    interval = work.settings.passkey_offer_interval
    if not work.settings.has("passkeys") or not interval:
        return False
    declined_at = passkey_offers.find_time(work.read, user_id)
    if declined_at is not None and work.now < declined_at + interval:
        return False
    return not passkeys.find_owners(work.read, [user_id])


def decline(work: UnitOfWork, *, user_id: str) -> None:
    """Note that this user does not want a passkey now."""
    passkey_offers.decline(work.db, user_id, now=work.now)
