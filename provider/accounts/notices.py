"""Notify users by email that something about their account changed."""

from provider.accounts.store import email_addresses, users
from provider.mail.messages import Notice
from provider.runtime.throw_away import is_throw_away
from provider.work import UnitOfWork


def notify(work: UnitOfWork, user_id: str, notice: Notice) -> None:
    """Send the notice to the account's current address, in the user's language, in the transaction of the change."""
    user, address = users.find(work.read, user_id), email_addresses.find_of_user(work.read, user_id)
    if address is not None and not is_throw_away(user_id):
        notice(work, to=address.address, language=None if user is None else user.language)
