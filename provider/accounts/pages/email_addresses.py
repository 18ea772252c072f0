"""Verifying an email address: the "check your mail" page with the code, another email, and the page behind the link."""

from starlette.responses import Response

from provider.accounts.email import email_addresses
from provider.accounts.email.email_addresses import (
    AlreadyConfirmed,
    InvalidLink,
    LinkState,
    WrongCode,
    WrongSignUpPassword,
)
from provider.accounts.email.verification_emails import Ticket, is_confirmed, is_undelivered, open_ticket, resend
from provider.destination import Destination
from provider.refusals import TooManyRequests
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
        return go(where.through("/verify-email/confirmed"))
    return _check_mail(call, where, ticket)


@endpoint(before_sign_in=True)
def type_code(call: Call) -> Response:
    where, ticket = destination(call), open_ticket(call.work, call.query.get("ticket"))
    if ticket is None:
        return page(call, "accounts/ticket_over.html", status_code=410, where=where)
    try:
        email_addresses.confirm_by_code(call.work, address_id=ticket.address_id, code=call.form.text("code"))
    except WrongCode as refusal:
        return _check_mail(call, where, ticket, errors={"code": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return _check_mail(call, where, ticket, **too_many(call, refusal))
    except AlreadyConfirmed:
        return go(where.through("/verify-email/confirmed"))
    return go(where.through("/verify-email/confirmed", just="now"))


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
    if state is LinkState.CONFIRMED:
        return go(where.through("/verify-email/confirmed"))
    if state is LinkState.DEAD or address is None:
        return _dead(call, where)
    return _confirm(call, where, address=address.address, with_password=state is LinkState.BUTTON_AND_PASSWORD)


@endpoint(hashes_passwords=True, before_sign_in=True)
def confirm(call: Call) -> Response:
    where, token, browser = destination(call), call.query.get("token"), call.cookie(cookies.BROWSER)
    _, address = email_addresses.look_at_link(call.work, token, browser=browser)
    shown = "" if address is None else address.address
    password = call.form.get("password", "")
    try:
        email_addresses.confirm_by_link(call.work, token=token, browser=browser, password=password)
    except WrongSignUpPassword as refusal:
        errors: dict[str, str] = {"password": refusal.message}
        return _confirm(call, where, address=shown, with_password=True, errors=errors, status_code=400)
    except TooManyRequests as refusal:
        return _confirm(call, where, address=shown, with_password=True, **too_many(call, refusal))
    except AlreadyConfirmed:
        return go(where.through("/verify-email/confirmed"))
    except InvalidLink:
        return _dead(call, where)
    return go(where.through("/verify-email/confirmed", just="now"))


@endpoint
def confirmed(call: Call) -> Response:
    """Show that the address is verified and offer the sign-in: GET /verify-email/confirmed.

    It does not sign the user in.
    """
    return page(call, "accounts/email_confirmed.html", where=destination(call), just_now="just" in call.query)


def _check_mail(
    call: Call, where: Destination, ticket: Ticket, *, errors: dict[str, str] | None = None, status_code: int = 200
) -> Response:
    text = call.query["ticket"]
    return page(
        call,
        "accounts/check_mail.html",
        status_code=status_code,
        where=where,
        address=ticket.address,
        undelivered=is_undelivered(call.work, ticket),
        action=where.through("/verify-email", ticket=text),
        resend_action=where.through("/verify-email/resend", ticket=text),
        code_minutes=int(call.settings.verify_code_lifetime.total_seconds() // 60),
        sent_again="again" in call.query,
        after_sign_in="after" in call.query,
        errors=errors or {},
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
    )


def _dead(call: Call, where: Destination) -> Response:
    title, message = InvalidLink.title, InvalidLink.message
    return page(call, "accounts/link_dead.html", status_code=410, where=where, title=title, message=message)
