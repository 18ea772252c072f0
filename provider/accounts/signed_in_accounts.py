"""The accounts that are signed in in a browser, as pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass

from provider.accounts.profile import own_picture, values_of
from provider.accounts.store import email_addresses
from provider.sessions.store import Session
from provider.work import UnitOfWork


@dataclass(frozen=True)
class SignedInAccount:
    id: str
    """The id of its session, which forms send."""
    address: str
    name: str
    """Empty if the user has none."""
    picture: str | None
    is_current: bool


def address_of(work: UnitOfWork, user_id: str) -> str:
    """Return the address that pages show for this user (`Services.address_of`)."""
    found = email_addresses.find_of_user(work.read, user_id)
    return "" if found is None else found.address


def describe_accounts(
    work: UnitOfWork, signed_in: Sequence[Session], *, current: Session | None
) -> list[SignedInAccount]:
    """Describe the accounts of these sessions of the browser, in their order, with one query. `current` is the one that
    the browser uses.
    """
    if not signed_in:
        return []
    holders = email_addresses.find_holders(work.read, [session.user_id for session in signed_in])
    described = []
    for session in signed_in:
        user, address = holders.get(session.user_id, (None, None))
        described.append(
            SignedInAccount(
                id=session.id,
                address=address.address if address else session.user_id,
                name="" if user is None else values_of(user.claims)["name"],
                picture=None if user is None else own_picture(work, user),
                is_current=session == current,
            )
        )
    return described
