"""Reauthentication while signed in: the password, and the second factor if there is one."""

from provider.accounts import known_devices
from provider.accounts.attempts import begin_attempt
from provider.accounts.factors import second_factor
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.passwords import passwords
from provider.accounts.passwords.directories import DirectoryDenied, find_directory_user
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.refusals import Refusal, Unavailable
from provider.sessions.assurance import PASSWORD, add_factor
from provider.sessions.lifecycle import sign_in_again
from provider.sessions.store import Session
from provider.work import UnitOfWork


class WrongCurrentPassword(Refusal):
    code = "not-the-password"
    title = Text("Wrong password")
    message = Text("Wrong password. Try again.")


class CodeNeeded(Refusal):
    """A second factor is needed as well. Raised only after the right password."""

    code = "code-needed"
    title = Text("Code required")
    message = Text("Enter the code from your authenticator app, or a recovery code.")


def require_password(work: UnitOfWork, user_id: str, password: str, *, device: str | None = None) -> None:
    """Raise WrongCurrentPassword unless this is the user's password, or TooManyRequests.

    The directory that the account belongs to is asked, if there is one: Raises Unavailable if it does not answer.
    Attempts count like sign-ins, on the same counters. `device` is the cookie of a browser that signed in before; an
    app has none. Call this before the first ordinary write.
    """
    theirs = find_directory_user(work, user_id)
    if theirs is not None:
        _ = work.outbound  # from here on in a thread that may wait: before anything is counted
    known = known_devices.find_known(work, device, user_id)
    attempt = begin_attempt(work, user_id, known, signed_in=True)
    try:
        if theirs is None:
            is_right = passwords.is_password_of(work, user_id, password)
        else:
            is_right = theirs.check(work, password, email="") is not None
    except Unavailable:
        attempt.undo(work)
        raise
    except DirectoryDenied as denied:
        attempt.succeed_aside(work)
        raise WrongCurrentPassword(denied.message) from None
    if not is_right:
        attempt.fail(work)
        record(work, Event.SIGN_IN_FAILED, user_id=user_id, again=True)
        raise WrongCurrentPassword
    attempt.succeed_aside(work)


def confirm(work: UnitOfWork, session: Session, *, password: str, code: str | None) -> None:
    """Check the password, and the code if the user has a second factor. The session then counts as just signed in.

    Raises WrongCurrentPassword, CodeNeeded, SessionEnded, or what `second_factor.prove` raises.
    """
    require_password(work, session.user_id, password)
    amr = PASSWORD
    if second_factor.is_enabled(work, session.user_id):
        if not code:
            raise CodeNeeded
        shown = second_factor.prove(work, session, factor=second_factor.factor_of(code), code=code)
        amr = add_factor(PASSWORD, shown)
    if sign_in_again(work, session, factor=amr) is None:
        raise SessionEnded
    record(work, Event.STEPPED_UP, user_id=session.user_id, session=session.id)
