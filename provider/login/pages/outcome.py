"""The response after a first factor, whichever it was."""

from starlette.responses import Response

from provider.accounts import terms
from provider.accounts.email.verification_emails import seal_ticket
from provider.accounts.factors import second_factor
from provider.accounts.factors.policy import can_meet, find_requirement, set_up_page
from provider.accounts.pages.device_cookie import keep_remembered, remember_device
from provider.accounts.pages.language import follow_person
from provider.destination import Destination
from provider.login.active import AddressUnconfirmed, DeletionPending, Suspended
from provider.login.next_factor import Step
from provider.login.pages.passkey_offer import find_offer
from provider.login.steps import SignIn
from provider.sessions.assurance import is_at_least, level_of
from provider.sessions.cookie import find_session, keep_sign_in
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.pages import go, page

TERMS_PATH = "/login/terms"
"""The page where users accept the terms of service (`login.pages.terms`)."""


def signed_in(call: Call, where: Destination, done: SignIn) -> Response:
    """Set the session cookies and redirect to the second factor, or on, as `completed` does."""
    keep_sign_in(call, done.cookie, beside=done.beside)
    if done.remembered is not None:
        keep_remembered(call, done.remembered)
    if done.step is not Step.DONE:
        return go(where.through("/login/second-factor"))
    return completed(call, where)


def completed(call: Call, where: Destination, *, remember: bool = False) -> Response:
    """Redirect after the last factor of a sign-in or a step-up, as `next_page` says.

    With `remember`, the user chose not to be asked for the second factor again on this device.
    If an app's request waits there, the session is noted in it, in the transaction of the sign-in. A sign-in for which
    an upstream did not ask the user is noted as a choice of the account (OIDC Core section 3.1.2.1).
    """
    session = find_session(call)
    if session is not None:
        if where.request_uri is not None:
            call.services.record_sign_in(
                call.work,
                where.request_uri,
                browser=call.browser,
                session_id=session.id,
                proven_earlier=session.proven_earlier,
            )
        remember_device(call, session.user_id, skips_second_factor=remember)
        follow_person(call, session.user_id)
        return go(next_page(call, where, session))
    return go(where.location)


def next_page(call: Call, where: Destination, session: Session) -> str:
    """Return where the user was going, or the page that comes first: the terms of service, the set-up of a factor that
    is required, or the offer of a passkey.

    On the way to an app, the authorization endpoint asks for the first two.
    """
    if where.request_uri is None:
        if terms.is_due(call.work, user_id=session.user_id):
            return where.through(TERMS_PATH)
        if (missing := _page_to_set_up(call, session)) is not None:
            return where.through(missing)
    return find_offer(call, where, session) or where.location


def _page_to_set_up(call: Call, session: Session) -> str | None:
    """Return the page where the user sets up what operators require and the user does not have yet, or None."""
    required = find_requirement(call.work, session.user_id).level
    if is_at_least(level_of(session.amr), required) or not can_meet(call.settings, required):
        return None
    if is_at_least(second_factor.reachable_level(call.work, session.user_id), required):
        return None
    return set_up_page(call.settings, required)


def not_now(
    call: Call, where: Destination, refusal: Suspended | AddressUnconfirmed, *, offers_languages: bool = True
) -> Response:
    """Return the page for a right first factor on an account that may not sign in."""
    if isinstance(refusal, DeletionPending):
        return page(
            call,
            "login/leaving.html",
            status_code=403,
            offers_languages=offers_languages,
            where=where,
            ticket=refusal.ticket,
            delete_after=refusal.delete_after,
        )
    if isinstance(refusal, Suspended):
        return page(
            call,
            "login/suspended.html",
            status_code=403,
            offers_languages=offers_languages,
            where=where,
            title=refusal.title,
            message=refusal.message,
        )
    if not call.settings.has("email-verification"):
        return page(call, "accounts/waiting.html", where=where, address=refusal.ticket.address)
    return go(where.through("/verify-email", ticket=seal_ticket(call.work, refusal.ticket), after="sign-in"))
