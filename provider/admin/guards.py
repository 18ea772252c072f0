"""The guard of the console: only operators may open its pages."""

from provider.accounts.store import users
from provider.refusals import Forbidden
from provider.sessions.guards import require_second_factor, require_user
from provider.sessions.store import Session
from provider.web.call import Call


def require_operator(call: Call) -> Session:
    """Require a recent two-factor session of a user with the role `admin`, and return it. From then on, audit events
    record this operator. Raises Forbidden, SignInRequired, StepUpRequired.
    """
    session = require_user(call)
    user = users.find(call.work.read, session.user_id)
    if user is None or users.ADMIN not in user.roles:  # said first: more factors would not help
        raise Forbidden
    session = require_second_factor(call)
    call.work.origin = call.work.origin.of_operator(f"user {session.user_id}")
    return session
