"""Two-factor authentication with passkeys alone: turn it on, and keep a way in while it is on."""

from provider.accounts.access import Cause, end_access
from provider.accounts.factors import passkeys, second_factor
from provider.accounts.factors.recovery_codes import replace_codes
from provider.accounts.factors.store import two_factor_choices
from provider.accounts.notices import notify
from provider.accounts.store import users
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.sessions.assurance import PHR, level_of
from provider.sessions.store import Session
from provider.work import UnitOfWork


class NotWithPasskey(Refusal):
    """The user has no passkey, did not use one in this session, or turned two-factor authentication on before."""

    code = "not-with-passkey"
    status_code = 409
    message = Text("Use a passkey first, then turn on two-factor authentication.")


def turn_on(work: UnitOfWork, session: Session) -> list[str]:
    """Turn two-factor authentication on: from now on, a passkey is needed after the password. Returns recovery codes.

    The user used a passkey in this session, so they have one that works. Other sessions end. Raises NotWithPasskey.
    """
    held = passkeys.find_of_user(work, session.user_id)
    if level_of(session.amr) != PHR or not held or second_factor.is_turned_on(work, session.user_id):
        raise NotWithPasskey
    users.queue_at(work.db, session.user_id)  # a sign-in without the factor is over, or waits and asks for it
    if not two_factor_choices.add(work.db, session.user_id, now=work.now):
        raise NotWithPasskey
    codes = replace_codes(work, session.user_id)
    end_access(work, user_id=session.user_id, cause=Cause.TWO_FACTOR_ENABLED, but={session.id})
    record(work, Event.TWO_FACTOR_ENABLED, user_id=session.user_id, method=passkeys.PASSKEYS.name)
    notify(work, session.user_id, messages.two_factor_enabled_with_passkeys)
    return codes
