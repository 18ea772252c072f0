"""Verifying an email address: the "check your mail" page with the code, another email, and the page behind the link."""

from starlette.responses import Response

from provider.accounts.email import email_addresses
from provider.accounts.email.email_addresses import (
    AlreadyConfirmed,
    Confirmation,
    InvalidLink,
    LinkState,
    WrongCode,
    WrongSignUpPassword,
)
from provider.accounts.email.verification_emails import (
    Ticket,
    is_confirmed,
    is_undelivered,
    open_ticket,
    resend,
    seal_ticket,
    ticket_for,
)
from provider.accounts.store import email_addresses as store
from provider.destination import Destination
from provider.login.active import AddressUnconfirmed, Suspended
from provider.login.pages.arrival import arrival_of
from provider.login.pages.keep import keep_choice
from provider.login.pages.outcome import not_now, signed_in
from provider.login.password import sign_in_after_confirmation
from provider.refusals import TooManyRequests
from provider.sessions.cookie import find_session
from provider.web import cookies
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page


@endpoint(before_sign_in=True)
def check_mail(call: Call) -> Response:
    """Show the page for the code: GET /verify-email. It looks the same whether or not the address was free."""
    where, ticket = destination(call), open_ticket(call.work, call.query.get("ticket"))
    if ticket is None:
        return page(call, "accounts/ticket_over.html", status_code=410, where=where)
    if is_confirmed(call.work, ticket):
        return _to_confirmed(call, where, ticket)
    return _check_mail(call, where, ticket)


@endpoint(hashes_passwords=True, before_sign_in=True)
def type_code(call: Call) -> Response:
    where, ticket = destination(call), open_ticket(call.work, call.query.get("ticket"))
    if ticket is None:
        return page(call, "accounts/ticket_over.html", status_code=410, where=where)
    code = call.form.text("code")
    try:
        done = email_addresses.confirm_by_code(
            call.work,
            address_id=ticket.address_id,
            code=code,
            browser=call.cookie(cookies.BROWSER),
            password=call.form.get("password", ""),
        )
    except WrongCode as refusal:
        return _check_mail(call, where, ticket, errors={"code": refusal.message}, status_code=400)
    except WrongSignUpPassword as refusal:
        errors: dict[str, str] = {"password": refusal.message}
        return _check_mail(call, where, ticket, code=code, errors=errors, status_code=400)
    except TooManyRequests as refusal:
        return _check_mail(call, where, ticket, code=code, **too_many(call, refusal))
    except AlreadyConfirmed:
        return _to_confirmed(call, where, ticket)
    return _go_on(call, where, done)


@endpoint(form_on="/verify-email", before_sign_in=True)
def send_again(call: Call) -> Response:
    where, text = destination(call), call.query.get("ticket")
    ticket = open_ticket(call.work, text)
    if ticket is None or text is None:
        return page(call, "accounts/ticket_over.html", status_code=410, where=where)
    resend(call.work, ticket, browser=call.browser, carry=where.parameters)
    return go(where.through("/verify-email", ticket=text, again="yes"))


@endpoint(before_sign_in=True)
def show_link(call: Call) -> Response:
    """Show the page that the link in the email opens: GET /verify-email/confirm.

    It shows a button and consumes nothing, because mail scanners open links too.
    """
    where, token = destination(call), call.query.get("token")
    state, address = email_addresses.look_at_link(call.work, token, browser=call.cookie(cookies.BROWSER))
    if state is LinkState.DEAD or address is None:
        return _dead(call, where)
    if state is LinkState.CONFIRMED:
        return _to_confirmed(call, where, ticket_for(address))
    return _confirm(call, where, address=address.address, with_password=state is LinkState.BUTTON_AND_PASSWORD)


@endpoint(hashes_passwords=True, before_sign_in=True)
def confirm(call: Call) -> Response:
    where, token, browser = destination(call), call.query.get("token"), call.cookie(cookies.BROWSER)
    _, address = email_addresses.look_at_link(call.work, token, browser=browser)
    shown = "" if address is None else address.address
    password = call.form.get("password", "")
    try:
        done = email_addresses.confirm_by_link(call.work, token=token, browser=browser, password=password)
    except WrongSignUpPassword as refusal:
        errors: dict[str, str] = {"password": refusal.message}
        return _confirm(call, where, address=shown, with_password=True, errors=errors, status_code=400)
    except TooManyRequests as refusal:
        return _confirm(call, where, address=shown, with_password=True, **too_many(call, refusal))
    except AlreadyConfirmed:
        return _dead(call, where) if address is None else _to_confirmed(call, where, ticket_for(address))
    except InvalidLink:
        return _dead(call, where)
    return _go_on(call, where, done)


@endpoint
def confirmed(call: Call) -> Response:
    """Send a user whose address was confirmed before to the sign-in page: GET /verify-email/confirmed.

    A user who is signed in with this address goes on to the app. The form may have been sent twice.
    """
    where, ticket = destination(call), open_ticket(call.work, call.query.get("ticket"))
    session = find_session(call)
    if session is None or ticket is None or not _is_of(call, session.user_id, ticket.address_id):
        return _to_sign_in(call, where, ticket, because="already-confirmed")
    return go(where.location)


def _go_on(call: Call, where: Destination, done: Confirmation) -> Response:
    """Sign the user in if they typed the password in this browser, else show the sign-in page with their address.

    Nobody is signed in over another user's session, unless this browser was asked for a new sign-in.
    """
    session = find_session(call)
    is_other = session is not None and session.user_id != done.user_id
    is_taken = is_other and not where.again and where.accepts(session)
    if done.password_at is None or is_taken:
        return _to_sign_in(call, where, ticket_for(done.address), because="confirmed")
    try:
        sign_in = sign_in_after_confirmation(
            call.work, arrival_of(call, where), user_id=done.user_id, password_at=done.password_at
        )
    except (Suspended, AddressUnconfirmed) as refusal:
        return not_now(call, where, refusal)
    return signed_in(call, where, sign_in)


def _to_confirmed(call: Call, where: Destination, ticket: Ticket) -> Response:
    return go(where.through("/verify-email/confirmed", ticket=seal_ticket(call.work, ticket)))


def _to_sign_in(call: Call, where: Destination, ticket: Ticket | None, *, because: str) -> Response:
    """Show the sign-in page with the confirmed address, even to a user who is signed in with another one."""
    given = {} if ticket is None else {"ticket": seal_ticket(call.work, ticket)}
    if find_session(call) is not None:
        given["prompt"] = "select_account"
    return go(where.through("/login", because=because, **given))


def _is_of(call: Call, user_id: str, address_id: str) -> bool:
    address = store.find(call.work.read, address_id)
    return address is not None and address.user_id == user_id


def _check_mail(
    call: Call,
    where: Destination,
    ticket: Ticket,
    *,
    code: str = "",
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    text, browser = call.query["ticket"], call.cookie(cookies.BROWSER)
    return page(
        call,
        "accounts/check_mail.html",
        status_code=status_code,
        where=where,
        address=ticket.address,
        code=code,
        with_password=email_addresses.code_needs_password(call.work, ticket.address_id, browser=browser),
        undelivered=is_undelivered(call.work, ticket),
        action=where.through("/verify-email", ticket=text),
        resend_action=where.through("/verify-email/resend", ticket=text),
        code_lifetime=call.settings.verify_code_lifetime,
        sent_again="again" in call.query,
        after_sign_in="after" in call.query,
        errors=errors or {},
        **keep_choice(call, where),
    )


def _confirm(
    call: Call,
    where: Destination,
    *,
    address: str,
    with_password: bool,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    return page(
        call,
        "accounts/confirm_email.html",
        status_code=status_code,
        where=where,
        action=where.through("/verify-email/confirm", token=call.query["token"]),
        address=address,
        with_password=with_password,
        errors=errors or {},
        **keep_choice(call, where),
    )


def _dead(call: Call, where: Destination) -> Response:
    title, message = InvalidLink.title, InvalidLink.message
    return page(call, "accounts/link_dead.html", status_code=410, where=where, title=title, message=message)
