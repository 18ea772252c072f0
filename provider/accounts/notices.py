"""Tell a person by letter that something about their account changed."""

from provider.accounts.store import email_addresses
from provider.mail.letters import Notice
from provider.work import UnitOfWork


def tell(work: UnitOfWork, user_id: str, letter: Notice) -> None:
    """To the address the account has now; in the transaction of the change."""
    address = email_addresses.find_of_user(work.read, user_id)
    if address is not None:
        letter(work, to=address.address)
