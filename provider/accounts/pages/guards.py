"""A check before sensitive changes to an account, which `sessions.guards` cannot make: it knows no second factors."""

from provider.accounts.factors import second_factor
from provider.sessions.guards import StepUpRequired, require_recent
from provider.sessions.store import Session
from provider.web.call import Call


def require_every_factor(call: Call, *, back: str | None = None) -> Session:
    """Return a recent session, with the second factor if the user needs one to sign in (OWASP ASVS v5.0.0-7.5.1).

    `back` is the page to return to if it is not this one. Raises SignInRequired or StepUpRequired.
    """
    session = require_recent(call, back=back)
    if not second_factor.has_every_factor(call.work, session.user_id, session.amr):
        raise StepUpRequired(call, back=back)
    return session
