"""Accounts as operators see them: in the command line, the admin API and the console."""

from collections.abc import Collection
from dataclasses import dataclass

from provider.accounts import terms
from provider.accounts.factors import second_factor
from provider.accounts.store import email_addresses, passwords
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.terms_acceptances import Acceptance
from provider.accounts.store.users import User
from provider.accounts.users import NoSuchUser
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Overview:
    """A user with the email address shown for them, and how they can sign in."""

    user: User
    address: EmailAddress | None
    two_factor: bool
    has_password: bool
    accepted_terms: Acceptance | None
    """What the user accepted last. None without SIGNET_TERMS_VERSION."""

    @property
    def email(self) -> str | None:
        """The address as it was typed, or None if the account has none."""
        return None if self.address is None else self.address.address

    @property
    def is_confirmed(self) -> bool:
        """Whether the address is verified."""
        return self.address is not None and self.address.verified_at is not None


def describe(work: UnitOfWork, user_ids: Collection[str]) -> list[Overview]:
    """Describe these users, in the given order; leave out those that do not exist.

    Runs five queries, whatever the number: one more if a second factor is required of any of them, and one more with
    SIGNET_TERMS_VERSION.
    """
    holders = email_addresses.find_holders(work.read, user_ids)
    with_two_factor = second_factor.find_owners(work, user_ids)
    with_password = passwords.find_owners(work.read, user_ids)
    accepted = terms.find_latest(work, user_ids)
    return [
        Overview(
            *holders[user_id],
            two_factor=user_id in with_two_factor,
            has_password=user_id in with_password,
            accepted_terms=accepted.get(user_id),
        )
        for user_id in user_ids
        if user_id in holders
    ]


def describe_one(work: UnitOfWork, user_id: str) -> Overview:
    """Describe this user. Raises NoSuchUser."""
    described = describe(work, [user_id])
    if not described:
        raise NoSuchUser
    return described[0]
