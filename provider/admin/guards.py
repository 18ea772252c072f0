"""Who may see the operators' pages."""

from provider.accounts.store import users
from provider.refusals import Forbidden
from provider.sessions.guards import require_second_factor, require_user
from provider.sessions.store import Session
from provider.web.call import Call


def require_operator(call: Call) -> Session:
    """A recent session of two factors, of somebody with the role `admin`. From here on the work is an operator's: what
    it writes says by whom. Raises Forbidden, SignInRequired, StepUpRequired.
    """
    session = require_user(call)
    user = users.find(call.work.read, session.user_id)
    if user is None or users.ADMIN not in user.roles:  # said first: more factors would not help
        raise Forbidden
    session = require_second_factor(call)
    call.work.origin = call.work.origin.of_operator(f"user {session.user_id}")
    return session
