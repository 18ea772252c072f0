"""Signing in with a passkey alone: the key is one factor, and what the device asks of its user is the other."""

from provider.accounts.factors import passkeys
from provider.accounts.factors.passkeys import UnknownPasskey
from provider.accounts.factors.webauthn import InvalidPasskey
from provider.accounts.store import email_addresses, users
from provider.audit.events import Event
from provider.audit.log import record
from provider.login.active import require_active
from provider.login.arrival import Arrival
from provider.login.next_factor import Step
from provider.login.steps import SignIn, begin_session
from provider.observability.metrics import SIGN_INS
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.sessions.assurance import MULTI_FACTOR, USER_PRESENT
from provider.work import UnitOfWork


@SIGN_INS.count_refusals("passkey")
def sign_in_by_passkey(
    work: UnitOfWork, arrival: Arrival, *, answer: str, bound_to: str, origins: list[str] | None = None
) -> SignIn:
    """Check a passkey's answer and begin a session with two factors (NIST SP 800-63B section 3.1.7).

    `bound_to` is what the challenge was made for, and `origins` are those of a first-party app, if one asks. Raises
    InvalidPasskey, UnknownPasskey, Suspended, DeletionPending, AddressUnconfirmed or TooManyRequests.
    """
    network = of_network(work, "passkey")
    require_room(work, LIMITS.code, key=network)
    try:
        passkey = passkeys.use(work, answer, bound_to=bound_to, origins=origins)
    except InvalidPasskey as refusal:
        count(work, LIMITS.code, key=network)
        client_id, reason = arrival.client_id, refusal.reason
        record(work, Event.SIGN_IN_FAILED, user_id=None, client_id=client_id, method="passkey", reason=reason)
        raise
    user = users.find(work.db, passkey.user_id)
    if user is None:
        raise UnknownPasskey
    require_active(work, arrival, user, email_addresses.find_of_user(work.db, user.id))
    amr = f"{passkeys.amr_of(passkey)} {USER_PRESENT} {MULTI_FACTOR}"
    return begin_session(work, arrival, user.id, user.security_stamp, factor=amr, step=Step.DONE)
