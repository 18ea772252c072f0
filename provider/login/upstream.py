"""Signing in as the user of a linked identity, which an upstream provider has proven (`federation.linking`)."""

from datetime import datetime

from provider.accounts.store import email_addresses
from provider.accounts.store.users import User
from provider.login.active import require_active
from provider.login.arrival import Arrival
from provider.login.steps import SignIn, begin_after_first_factor
from provider.observability.metrics import SIGN_INS
from provider.sessions.assurance import FEDERATED
from provider.work import UnitOfWork


@SIGN_INS.count_refusals("upstream")
def sign_in_by_upstream(work: UnitOfWork, arrival: Arrival, *, user: User, proven_at: datetime | None) -> SignIn:
    """Begin a session for the user of a linked upstream identity. A second factor is due as after a password.

    `proven_at` is when the user signed in there, if that was before our request. Raises Suspended, DeletionPending or
    AddressUnconfirmed.
    """
    address = email_addresses.find_of_user(work.read, user.id)
    require_active(work, arrival, user, address, by_upstream=True)
    return begin_after_first_factor(
        work,
        arrival,
        user.id,
        user.security_stamp,
        factor=FEDERATED,
        auth_time=proven_at,
        proven_earlier=proven_at is not None,
    )
