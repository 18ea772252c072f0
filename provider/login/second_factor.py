"""The second factor at the end of a sign-in, or later for what needs it (step-up)."""

from functools import partial

from provider.accounts.factors import second_factor
from provider.accounts.factors.factor import Factor
from provider.accounts.store import users
from provider.audit.events import Event
from provider.audit.log import record
from provider.observability import counters
from provider.observability.metrics import SIGN_INS
from provider.refusals import Refusal
from provider.sessions.assurance import AAL2, is_at_least, level_of
from provider.sessions.lifecycle import raise_level
from provider.sessions.store import Session
from provider.work import UnitOfWork


class SecondFactorExpired(Refusal):
    """The sign-in was finished, ended or expired meanwhile."""

    code = "second-factor-over"


def needs_second_factor(session: Session, *, level: str = AAL2) -> bool:
    """Return whether the second-factor page is of use to this session, on the way to this level."""
    return session.pending is not None or not is_at_least(level_of(session.amr), level)


@SIGN_INS.count_refusals("second_factor")
def show_second_factor(
    work: UnitOfWork, session: Session, *, factor: Factor, code: str, client_id: str | None = None
) -> str:
    """Accept a second factor at the end of a sign-in, or later (step-up). Returns the session's new cookie value.

    `client_id` is the app whose request waits for it, for the audit log. Raises SecondFactorExpired, or what
    `second_factor.prove` does.
    """
    amr = second_factor.prove(work, session, factor=factor, code=code)
    cookie = raise_level(work, session, factor=amr)
    if cookie is None:
        raise SecondFactorExpired
    event = Event.STEPPED_UP if session.pending is None else Event.SIGNED_IN
    if session.pending is not None:
        users.set_last_sign_in(work.db, session.user_id, now=work.now)
    record(work, event, user_id=session.user_id, client_id=client_id, session=session.id, method=factor.name)
    outcome = "stepped_up" if session.pending is None else "signed_in"
    work.after_commit.append(partial(SIGN_INS.count, "second_factor", outcome))
    work.after_commit.append(partial(counters.mark_active, session.user_id))
    return cookie
