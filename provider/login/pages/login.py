"""Identifier and password on one page."""

from starlette.responses import Response

from provider.accounts.pages.device_cookie import device_of, remember_device
from provider.accounts.pages.language import follow_person
from provider.accounts.store import email_addresses
from provider.accounts.verification_letters import seal_ticket
from provider.languages.text import Text
from provider.login import steps
from provider.login.steps import AddressUnconfirmed, Leaving, Step, Suspended, WrongPassword
from provider.refusals import TooManyRequests
from provider.sessions.cookie import find_pending_session, find_session, keep_session
from provider.web.destination import Destination, destination
from provider.web.endpoint import Call, endpoint
from provider.web.pages import go, page

REASONS = {
    "codes": Text("There were too many wrong codes. Sign in again."),
    "time": Text("That took too long. Sign in again."),
}
"""Why a person finds themselves here, when it was not their wish."""


@endpoint
def show_login(call: Call) -> Response:
    where = destination(call)
    session = find_session(call)
    if session is not None and call.query.get("prompt") != "login" and where.is_content_with(session.auth_time):
        return go(where.location)
    hint = where.app.login_hint if where.app else None
    if session is not None and hint is None:
        address = email_addresses.find_of_user(call.work.read, session.user_id)
        hint = None if address is None else address.address
    return _page(call, where, username=(hint or "")[:254])


@endpoint(hashes_passwords=True)
def login(call: Call) -> Response:
    where = destination(call)
    username = call.form.text("username")
    try:
        signed_in = steps.sign_in(
            call.work,
            username=username,
            password=call.form.get("password", ""),
            current=find_session(call) or find_pending_session(call),
            browser=call.browser,
            carry=where.parameters,
            device=device_of(call),
        )
    except WrongPassword as refusal:
        return _page(call, where, username=username, errors={"username": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        response = _page(call, where, username=username, errors={"": refusal.message}, status_code=429)
        response.headers["retry-after"] = str(refusal.retry_after)
        return response
    except Leaving as refusal:
        return page(
            call, "login/leaving.html", status_code=403, ticket=refusal.ticket, delete_after=refusal.delete_after
        )
    except Suspended as refusal:
        return page(call, "login/suspended.html", status_code=403, title=refusal.title, message=refusal.message)
    except AddressUnconfirmed as refusal:
        if not call.settings.has("email-verification"):
            return page(call, "accounts/waiting.html", address=refusal.ticket.address)
        return go(where.through("/verify-email", ticket=seal_ticket(call.work, refusal.ticket), after="sign-in"))
    keep_session(call, signed_in.cookie)
    if signed_in.step is not Step.DONE:
        return go(where.through("/login/second-factor"))
    remember_device(call, signed_in.user_id)
    follow_person(call, signed_in.user_id)
    return go(where.location)


def _page(
    call: Call, where: Destination, *, username: str, errors: dict[str, str] | None = None, status_code: int = 200
) -> Response:
    again = {"prompt": "login"} if call.query.get("prompt") == "login" else {}
    return page(
        call,
        "login/login.html",
        status_code=status_code,
        form_targets=where.form_targets,
        where=where,
        action=where.through("/login", **again),
        username=username,
        reason=REASONS.get(call.query.get("because", "")),
        errors=errors or {},
    )
