"""Signing in with a passkey alone: the key is one factor, and what the device asks of its user is the other."""

from collections.abc import Mapping, Sequence
from functools import partial

from provider.accounts.factors import passkeys
from provider.accounts.factors.passkeys import UnknownPasskey
from provider.accounts.factors.webauthn import InvalidPasskey
from provider.accounts.store import email_addresses, users
from provider.audit.events import Event
from provider.audit.log import record
from provider.login.active import require_active
from provider.login.next_factor import Step
from provider.login.steps import SignIn, begin_session
from provider.observability.metrics import SIGN_INS
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.sessions.assurance import MULTI_FACTOR, USER_PRESENT
from provider.sessions.store import Session
from provider.work import UnitOfWork


@SIGN_INS.count_refusals("passkey")
def sign_in_by_passkey(
    work: UnitOfWork,
    *,
    answer: str,
    bound_to: str,
    here: Sequence[Session],
    browser: str,
    carry: Mapping[str, str],
    client_id: str | None = None,
    keep: bool = False,
    origins: list[str] | None = None,
) -> SignIn:
    """Check a passkey's answer and begin a session with two factors (NIST SP 800-63B section 3.1.7).

    `bound_to` is what the challenge was made for, and `origins` are those of a first-party app, if one asks. What
    happens to the sessions `here` is as after a password. Raises InvalidPasskey, UnknownPasskey, Suspended,
    DeletionPending, AddressUnconfirmed or TooManyRequests.
    """
    network = of_network(work, "passkey")
    require_room(work, LIMITS.code, key=network)
    try:
        passkey = passkeys.use(work, answer, bound_to=bound_to, origins=origins)
    except InvalidPasskey as refusal:
        count(work, LIMITS.code, key=network)
        record(work, Event.SIGN_IN_FAILED, user_id=None, client_id=client_id, method="passkey", reason=refusal.reason)
        raise
    user = users.find(work.db, passkey.user_id)
    if user is None:
        raise UnknownPasskey
    require_active(work, user, email_addresses.find_of_user(work.db, user.id), None, browser=browser, carry=carry)
    amr = f"{passkeys.amr_of(passkey)} {USER_PRESENT} {MULTI_FACTOR}"
    begin = partial(begin_session, work, user.id, user.security_stamp, here, client_id=client_id, keep=keep)
    return begin(factor=amr, step=Step.DONE)
