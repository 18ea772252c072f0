"""The offer of a passkey after a sign-in with the password, on the way to the app.

It comes only if a script has found that the browser can create one here, which the form says (`can_create_passkeys`).
Without scripts, users go straight on.
"""

from starlette.responses import Response

from provider.accounts.factors import passkey_offer, passkey_signals, passkeys, second_factor
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.factors.passkeys import PasskeyTaken, TooManyPasskeys
from provider.accounts.factors.webauthn import InvalidPasskey
from provider.destination import Destination
from provider.languages.text import Text
from provider.sessions.assurance import PASSWORD
from provider.sessions.cookie import find_session
from provider.sessions.guards import is_recent
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/login/passkey-offer"


def find_offer(call: Call, where: Destination, session: Session) -> str | None:
    """Return the address of the offer if it is due after this form, which was the last one of a sign-in. Else None."""
    can_create = call.form.get("can_create_passkeys") == "yes"
    is_offered = can_create and PASSWORD in session.amr.split()
    is_offered = is_offered and passkey_offer.is_due(call.work, user_id=session.user_id)
    return where.through(PATH) if is_offered else None


@endpoint(before_sign_in=True)
def show_offer(call: Call) -> Response:
    where, session = destination(call), find_session(call)
    if session is None:
        return go(where.through("/login"))
    if not _may_create(call, session) or not passkey_offer.is_due(call.work, user_id=session.user_id):
        return go(where.location)
    return _page(call, where, session)


@endpoint(before_sign_in=True)
def accept_offer(call: Call) -> Response:
    where, session = destination(call), find_session(call)
    if session is None:
        return go(where.through("/login"))
    if not _may_create(call, session):
        return go(where.location)
    try:
        passkeys.add(call.work, session, answer=call.form.get("credential", ""))
    except (InvalidPasskey, PasskeyTaken) as refusal:
        if not passkey_offer.is_due(call.work, user_id=session.user_id):  # answered in another tab
            return go(where.location)
        return _page(call, where, session, error=refusal.message, status_code=400)
    except (TooManyPasskeys, SessionEnded):
        return go(where.location)
    return go(where.location)


@endpoint(form_on=PATH, before_sign_in=True)
def decline_offer(call: Call) -> Response:
    where, session = destination(call), find_session(call)
    if session is None:
        return go(where.through("/login"))
    passkey_offer.decline(call.work, user_id=session.user_id)
    return go(where.location)


def _may_create(call: Call, session: Session) -> bool:
    """Return whether the session may add a passkey: as on the page for passkeys, but users are not asked for more."""
    return is_recent(call, session) and second_factor.has_every_factor(call.work, session.user_id, session.amr)


def _page(
    call: Call, where: Destination, session: Session, *, error: Text | None = None, status_code: int = 200
) -> Response:
    return page(
        call,
        "login/passkey_offer.html",
        status_code=status_code,
        form_targets=where.form_targets,
        where=where,
        question=passkeys.new_passkey_options(call.work, session),
        # What is created without asking attests nothing.
        upgrade=passkeys.new_passkey_options(call.work, session, is_conditional=True)
        if call.settings.passkey_attestation == "none"
        else None,
        action=where.through(PATH),
        decline_action=where.through(f"{PATH}/decline"),
        # If the passkey that the browser created was refused, the device should not offer it.
        signals=None if error is None else passkey_signals.accepted(call.work, user_id=session.user_id),
        errors={} if error is None else {"add": error},
    )
