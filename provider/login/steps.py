"""The steps that every way to sign in shares: begin the session, and ask for another factor if one is due.

The first factor opens a session. While another factor is due, the session can be used only to show that factor. The
ways to sign in are files beside this one: `password`, `passkey`, `email_code` and `upstream`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from provider.accounts.store import users
from provider.audit.events import Event
from provider.audit.log import record
from provider.login.arrival import Arrival
from provider.login.next_factor import Step, step_after_first_factor
from provider.observability import counters
from provider.observability.metrics import SIGN_INS
from provider.sessions.assurance import FEDERATED, ONE_TIME_CODE, PASSWORD
from provider.sessions.lifecycle import make_room, open_session, sign_in_again
from provider.sessions.store import Session
from provider.work import UnitOfWork

METHODS = {PASSWORD: "password", FEDERATED: "upstream", ONE_TIME_CODE: "email_code"}
"""The first factors by their `amr`, as metrics name them. All others are passkeys."""


@dataclass(frozen=True)
class SignIn:
    """The result of a first factor. `cookie` is the new session's value, which is not stored."""

    cookie: str
    step: Step
    user_id: str
    beside: Sequence[Session]
    """The sessions of other users that stay in this browser."""
    remembered: str | None = None
    """The next value of the cookie of a remembered device, if it was one and skipped the second factor."""


def begin_after_first_factor(
    work: UnitOfWork,
    arrival: Arrival,
    user_id: str,
    security_stamp: datetime,
    *,
    factor: str,
    auth_time: datetime | None = None,
    proven_earlier: bool = False,
) -> SignIn:
    """Begin a session after one factor. A second one is due if the user has one, but not on a remembered device.

    Call this after every check of the first factor: it writes. The parameters are those of `begin_session`.
    """
    step, fresh = step_after_first_factor(work, user_id, device=arrival.device, remembered=arrival.remembered)
    return begin_session(
        work,
        arrival,
        user_id,
        security_stamp,
        factor=factor,
        step=step,
        auth_time=auth_time,
        proven_earlier=proven_earlier,
        remembered=fresh,
    )


def begin_session(
    work: UnitOfWork,
    arrival: Arrival,
    user_id: str,
    security_stamp: datetime,
    *,
    factor: str,
    step: Step,
    auth_time: datetime | None = None,
    proven_earlier: bool = False,
    remembered: str | None = None,
) -> SignIn:
    """Begin a session after the first factor, under a new identifier whatever the browser sent (session fixation).

    `security_stamp` is from before the factor was checked: if access to the account ended meanwhile, the session is not
    active. `factor` is the `amr` of what was shown. `auth_time` is when, if that was before now, and `proven_earlier`
    says that it was before this sign-in was asked for. `remembered` is the next cookie of a remembered device, if it
    skipped the second factor.
    """
    pending = None if step is Step.DONE else step.value
    own, beside = make_room(work, arrival.sessions, user_id=user_id)
    cookie = None
    if own is not None:
        cookie = sign_in_again(
            work,
            own,
            factor=factor,
            pending=pending,
            auth_time=auth_time,
            proven_earlier=proven_earlier,
            security_stamp=security_stamp,
            keep=arrival.keep_signed_in,
        )
    if cookie is None:
        cookie = open_session(
            work,
            user_id=user_id,
            security_stamp=security_stamp,
            factor=factor,
            pending=pending,
            auth_time=auth_time,
            proven_earlier=proven_earlier,
            keep=arrival.keep_signed_in,
        )
    if step is Step.DONE:
        users.set_last_sign_in(work.db, user_id, now=work.now)
        client_id = arrival.client_id
        if remembered is None:
            record(work, Event.SIGNED_IN, user_id=user_id, client_id=client_id, amr=factor)
        else:
            skipped = "remembered_device"
            record(work, Event.SIGNED_IN, user_id=user_id, client_id=client_id, amr=factor, second_factor=skipped)
        work.after_commit.append(partial(counters.mark_active, user_id))
    outcome = "signed_in" if step is Step.DONE else "second_factor_due"
    work.after_commit.append(partial(SIGN_INS.count, METHODS.get(factor, "passkey"), outcome))
    return SignIn(cookie, step, user_id, beside, remembered)
