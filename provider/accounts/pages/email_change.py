"""Changing the email address: request it, cancel it, confirm it by code or link, undo it."""

from starlette.responses import Response

from provider.accounts.email import email_change
from provider.accounts.email.email_addresses import InvalidLink, WrongCode, parse_address, problem_of_own_address
from provider.accounts.email.email_change import AddressManaged, AlreadyChanged, InvalidUndoLink, SameAddress
from provider.accounts.factors import passkey_signals
from provider.accounts.links import has_failed
from provider.accounts.pages.activity import page_after
from provider.accounts.pages.guards import require_every_factor
from provider.accounts.store import email_addresses
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Purpose
from provider.refusals import Refusal, TooManyRequests
from provider.sessions.cookie import forget_session
from provider.sessions.guards import require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page

PATH = "/account/email"


@endpoint
def show_email(call: Call) -> Response:
    return _page(call, require_every_factor(call))


@endpoint
def request_change(call: Call) -> Response:
    session, typed = require_every_factor(call), call.form.text("email")
    address = parse_address(typed)
    problem = problem_of_own_address(call.settings, address)
    if address is None or problem is not None:
        errors: dict[str, str] = {"email": problem or ""}
        return _page(call, session, email=typed, errors=errors, status_code=400)
    try:
        email_change.request_change(call.work, session, address=address)
    except SameAddress as refusal:
        return _page(call, session, email=typed, errors={"email": refusal.message}, status_code=400)
    except AddressManaged as refusal:
        return _page(call, session, status_code=refusal.status_code)  # says so
    return go(f"{PATH}?asked=yes")


@endpoint(form_on=PATH)
def cancel(call: Call) -> Response:
    email_change.cancel(call.work, user_id=require_user(call, back=PATH).user_id)
    return go(PATH)


@endpoint(form_on=PATH)
def type_code(call: Call) -> Response:
    session = require_user(call, back=PATH)
    try:
        email_change.confirm_by_code(call.work, user_id=session.user_id, code=call.form.text("code"))
    except WrongCode as refusal:
        return _page(call, session, errors={"code": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return _page(call, session, **too_many(call, refusal))
    return go(f"{PATH}?changed=yes")


@endpoint
def show_link(call: Call) -> Response:
    """Show the page that the link in the email opens: GET /account/email/confirm.

    It shows a button and consumes nothing, because mail scanners open links too.
    """
    session = require_user(call)
    try:
        change = email_change.look_at_link(call.work, session, call.query.get("token"))
    except AlreadyChanged:
        return go(f"{PATH}?changed=yes")
    except InvalidLink as refusal:
        return _dead(call, refusal)
    return page(call, "accounts/email_confirm.html", address=change.address, token=call.query["token"])


@endpoint
def confirm(call: Call) -> Response:
    session = require_user(call)
    try:
        email_change.confirm_by_link(call.work, session, token=call.query.get("token"))
    except AlreadyChanged:
        return go(f"{PATH}?changed=yes")
    except InvalidLink as refusal:
        return _dead(call, refusal)
    return go(f"{PATH}?changed=yes")


@endpoint
def show_undo(call: Call) -> Response:
    try:
        change = email_change.look_at_undo(call.work, call.query.get("token"))
        plan = email_change.plan_undo(call.work, call.query.get("token"))
    except InvalidUndoLink as refusal:
        return _dead(call, refusal)
    return page(call, "accounts/email_undo.html", address=change.address, plan=plan, token=call.query["token"])


@endpoint
def undo(call: Call) -> Response:
    try:
        done = email_change.undo(call.work, token=call.query.get("token"))
    except InvalidUndoLink as refusal:
        return _dead(call, refusal)
    forget_session(call)
    return go(page_after(call.work, done))


def _page(
    call: Call,
    session: Session,
    *,
    email: str = "",
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    managed = _why_managed(call, address)
    return page(
        call,
        "accounts/email.html",
        status_code=status_code,
        managed=managed,
        address="" if address is None else address.address,
        pending=None if managed else email_change.find_pending(call.work, session.user_id),
        email=email,
        undelivered=has_failed(call.work, user_id=session.user_id, purpose=Purpose.CHANGE),
        code_lifetime=call.settings.verify_code_lifetime,
        just_asked="asked" in call.query and not errors,
        just_changed="changed" in call.query and not errors,
        signals=passkey_signals.details(call.work, user_id=session.user_id),
        errors=errors or {},
    )


def _why_managed(call: Call, address: EmailAddress | None) -> str | None:
    """Return why the user cannot change this address, or None."""
    try:
        email_change.require_own(call.work, address)
    except AddressManaged as refusal:
        return refusal.message
    return None


def _dead(call: Call, refusal: Refusal) -> Response:
    return page(call, "accounts/email_link_dead.html", status_code=410, title=refusal.title, message=refusal.message)
