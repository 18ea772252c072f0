"""Forgotten passwords: request a link, open it, set a new password."""

from starlette.responses import Response

from provider.accounts import proof_of_work
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.passwords import password_reset
from provider.accounts.passwords.password_reset import InvalidPassword, InvalidResetLink, ResetLinkUsed
from provider.accounts.proof_of_work import Form
from provider.destination import Destination
from provider.languages.text import Text
from provider.refusals import Refusal, TooManyRequests
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page


@endpoint(before_sign_in=True)
def show_forgot_password(call: Call) -> Response:
    where = destination(call)
    hint = where.app.login_hint if where.app else None
    return _forgot(call, where, email=(hint or "")[:254])


@endpoint(before_sign_in=True)
def forgot_password(call: Call) -> Response:
    where, email = destination(call), call.form.text("email")
    address = parse_address(email)
    if address is None:
        errors: dict[str, str] = {"email": Text("Enter an email address, like name@example.com.")}
        return _forgot(call, where, email=email, errors=errors, status_code=400)
    home = call.services.forward_home(call, where, email, only_required=True)
    if home is not None:
        return home
    try:
        proof_of_work.require_solved(call.work, Form.RESET, call.form.get("proof"))
    except TooManyRequests as refusal:
        return _forgot(call, where, email=email, **too_many(call, refusal))
    password_reset.request_reset(call.work, address=address, carry=where.parameters)
    return go(where.through("/forgot-password/sent"))


@endpoint
def reset_sent(call: Call) -> Response:
    """Show that a link was sent: GET /forgot-password/sent.

    The page is the same for every user, so it names no address.
    """
    lifetime = call.settings.reset_link_lifetime
    return page(call, "accounts/reset_sent.html", where=destination(call), link_lifetime=lifetime)


@endpoint(before_sign_in=True)
def show_reset_password(call: Call) -> Response:
    """Show the form for a new password: GET /reset-password.

    The link is checked before the user thinks of a password, and is not consumed.
    """
    where, token = destination(call), call.query.get("token", "")
    if not token:
        return go(where.through("/forgot-password"))
    return _choose(call, where, token)


@endpoint(hashes_passwords=True, before_sign_in=True)
def reset_password(call: Call) -> Response:
    where, token = destination(call), call.form.get("token", "")
    try:
        password_reset.reset_password(call.work, token=token, password=call.form.get("password", ""))
    except (InvalidResetLink, ResetLinkUsed) as refusal:
        return _dead(call, where, refusal)
    except InvalidPassword as refusal:
        return _choose(call, where, token, errors={"password": refusal.message}, status_code=400)
    return go(where.through("/reset-password/done"))


@endpoint
def reset_done(call: Call) -> Response:
    return page(call, "accounts/reset_done.html", where=destination(call))


def _forgot(
    call: Call, where: Destination, *, email: str, errors: dict[str, str] | None = None, status_code: int = 200
) -> Response:
    return page(
        call,
        "accounts/forgot_password.html",
        status_code=status_code,
        where=where,
        action=where.through("/forgot-password"),
        puzzle=proof_of_work.new_puzzle(call.work, Form.RESET),
        email=email,
        errors=errors or {},
    )


def _choose(
    call: Call,
    where: Destination,
    token: str,
    *,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    """Return the form for a new password, or the page that says why the link no longer works."""
    try:
        link = password_reset.require_open_link(call.work, token)
    except (InvalidResetLink, ResetLinkUsed) as refusal:
        return _dead(call, where, refusal)
    address = password_reset.address_of(call.work, link)
    return page(
        call,
        "accounts/reset_password.html",
        status_code=status_code,
        where=where,
        action=where.through("/reset-password"),  # without the token: it stays out of the history from here on
        token=token,
        address="" if address is None else address.address,
        min_length=call.settings.password_min_length,
        errors=errors or {},
    )


def _dead(call: Call, where: Destination, refusal: Refusal) -> Response:
    title, message = refusal.title, refusal.message
    return page(call, "accounts/reset_link_dead.html", status_code=410, where=where, title=title, message=message)
