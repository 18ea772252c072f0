"""The response after a first factor, whichever it was."""

from starlette.responses import Response

from provider.accounts.email.verification_emails import seal_ticket
from provider.accounts.pages.device_cookie import remember_device
from provider.accounts.pages.language import follow_person
from provider.destination import Destination
from provider.login.steps import AddressUnconfirmed, Leaving, SignIn, Step, Suspended
from provider.sessions.cookie import keep_session
from provider.web.call import Call
from provider.web.pages import go, page


def signed_in(call: Call, where: Destination, done: SignIn) -> Response:
    """Set the session cookie and redirect to the second factor, or to where the user was going."""
    keep_session(call, done.cookie)
    if done.step is not Step.DONE:
        return go(where.through("/login/second-factor"))
    remember_device(call, done.user_id)
    follow_person(call, done.user_id)
    return go(where.location)


def not_now(
    call: Call, where: Destination, refusal: Suspended | AddressUnconfirmed, *, offers_languages: bool = True
) -> Response:
    """Return the page for a right first factor on an account that may not sign in."""
    if isinstance(refusal, Leaving):
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
