"""Signing in with a code from an email: the page for the address, and the page for the code."""

from starlette.responses import Response

from provider.accounts import proof_of_work
from provider.accounts.email.email_addresses import WrongCode, parse_address
from provider.accounts.proof_of_work import Form
from provider.destination import Destination
from provider.languages.text import Text
from provider.login import email_code
from provider.login.active import AddressUnconfirmed, Suspended
from provider.login.email_code import CodeTicket
from provider.login.pages.arrival import arrival_of
from provider.login.pages.keep import keep_choice
from provider.login.pages.outcome import not_now, signed_in
from provider.refusals import TooManyRequests
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page

PATH = "/login/email-code"
ENTER = f"{PATH}/enter"


@endpoint(before_sign_in=True)
def show_email_code(call: Call) -> Response:
    where = destination(call)
    hint = where.app.login_hint if where.app else None
    return _ask_for_address(call, where, email=(hint or "")[:254])


@endpoint(before_sign_in=True)
def request_email_code(call: Call) -> Response:
    """Email a code: POST /login/email-code. The next page is the same whether or not the address has an account."""
    where, email = destination(call), call.form.text("email")
    address = parse_address(email)
    if address is None:
        errors: dict[str, str] = {"email": Text("Enter an email address, like name@example.com.")}
        return _ask_for_address(call, where, email=email, errors=errors, status_code=400)
    try:
        proof_of_work.require_solved(call.work, Form.EMAIL_CODE, call.form.get("proof"))
    except TooManyRequests as refusal:
        return _ask_for_address(call, where, email=email, **too_many(call, refusal))
    ticket = email_code.request_code(call.work, address=address, browser=call.browser)
    again = {"again": "yes"} if "again" in call.form else {}
    return go(where.through(ENTER, ticket=email_code.seal_ticket(call.work, ticket), **again))


@endpoint(before_sign_in=True)
def show_enter_code(call: Call) -> Response:
    where, ticket = destination(call), email_code.open_ticket(call.work, call.query.get("ticket"))
    return _expired(call, where) if ticket is None else _ask_for_code(call, where, ticket)


@endpoint(before_sign_in=True)
def enter_code(call: Call) -> Response:
    where, ticket = destination(call), email_code.open_ticket(call.work, call.query.get("ticket"))
    if ticket is None:
        return _expired(call, where)
    try:
        arrival, code = arrival_of(call, where), call.form.text("code")
        done = email_code.sign_in_by_email_code(call.work, arrival, ticket=ticket, code=code)
    except WrongCode as refusal:
        return _ask_for_code(call, where, ticket, errors={"code": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return _ask_for_code(call, where, ticket, **too_many(call, refusal))
    except (Suspended, AddressUnconfirmed) as refusal:
        return not_now(call, where, refusal)
    return signed_in(call, where, done)


def _ask_for_address(
    call: Call, where: Destination, *, email: str, errors: dict[str, str] | None = None, status_code: int = 200
) -> Response:
    return page(
        call,
        "login/email_code.html",
        status_code=status_code,
        form_targets=where.form_targets,
        where=where,
        action=where.through(PATH),
        puzzle=proof_of_work.new_puzzle(call.work, Form.EMAIL_CODE),
        email=email,
        errors=errors or {},
    )


def _ask_for_code(
    call: Call,
    where: Destination,
    ticket: CodeTicket,
    *,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    return page(
        call,
        "login/enter_code.html",
        status_code=status_code,
        form_targets=where.form_targets,
        where=where,
        address=ticket.address,
        action=where.through(ENTER, ticket=call.query["ticket"]),
        resend_action=where.through(PATH),
        code_lifetime=call.settings.verify_code_lifetime,
        puzzle=proof_of_work.new_puzzle(call.work, Form.EMAIL_CODE),
        sent_again="again" in call.query,
        errors=errors or {},
        **keep_choice(call, where),
    )


def _expired(call: Call, where: Destination) -> Response:
    errors: dict[str, str] = {"": Text("That code has expired. Request a new one.")}
    return _ask_for_address(call, where, email="", errors=errors, status_code=410)
