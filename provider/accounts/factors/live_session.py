"""A session that still counts when something is written in it that opens the account, such as a new passkey.

A request reads its session before it writes. "This was not me" may end all access in between, and what the request adds
then must not outlive that.
"""

from provider.accounts.store import users
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.sessions import store as sessions
from provider.sessions.store import Session
from provider.work import UnitOfWork


class SessionEnded(Refusal):
    """The session ended before the form was submitted, or while it was carried out."""

    code = "session-over"
    title = Text("You were signed out")
    message = Text("Your session has ended. Sign in again.")


def is_live(work: UnitOfWork, session: Session) -> bool:
    """Return whether the session still counts. What ends access to the account waits until this transaction ends.

    Call it before the first write that adds a way in.
    """
    stamp = users.lock_security_stamp(work.db, session.user_id)
    current = sessions.find(work.db, session.id)
    if stamp is None or current is None or current.ended_at is not None:
        return False
    began_with = current.security_stamp or session.security_stamp
    # Sessions of earlier releases have no stamp, see `sessions.active`.
    return current.auth_time >= stamp if began_with is None else began_with == stamp


def require_live(work: UnitOfWork, session: Session) -> None:
    """Raise SessionEnded unless `is_live`."""
    if not is_live(work, session):
        raise SessionEnded
