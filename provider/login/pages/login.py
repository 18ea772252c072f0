"""The sign-in page: email address and password on one page, or the password of the user who is signed in."""

from typing import Any

from starlette.responses import Response

from provider.accounts import proof_of_work
from provider.accounts.attempts import unsolved_of
from provider.accounts.email.verification_emails import open_ticket
from provider.accounts.factors.passkey_signals import Signals
from provider.accounts.proof_of_work import Form
from provider.accounts.reauthentication import WrongCurrentPassword
from provider.destination import Destination
from provider.languages.text import Text
from provider.login.active import AddressUnconfirmed, Suspended
from provider.login.pages.arrival import arrival_of
from provider.login.pages.keep import keep_choice
from provider.login.pages.outcome import not_now, signed_in
from provider.login.pages.reauthentication import reauthentication_of
from provider.login.password import WrongPassword, sign_in_by_password
from provider.ratelimits import LIMITS, is_full
from provider.refusals import TooManyRequests
from provider.sessions.cookie import find_others, find_session
from provider.sessions.guards import CHOOSER, page_to_switch
from provider.web import cookies
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page

REASONS = {
    "codes": Text("Too many wrong codes. Sign in again."),
    "time": Text("Your sign-in timed out. Sign in again."),
    "confirmed": Text("Your email address is confirmed. Sign in to continue."),
    "already-confirmed": Text("Your email address is already confirmed. Sign in to continue."),
}
"""Messages that say why a user was sent back to the sign-in page."""


@endpoint(before_sign_in=True)
def show_login(call: Call) -> Response:
    where = destination(call)
    session = find_session(call)
    if session is not None and not where.again and where.accepts(session):
        return go(where.location)
    if session is None and not where.again and find_others(call):
        return go(where.through(CHOOSER))
    ticket = open_ticket(call.work, call.query.get("ticket"))
    hint = ticket.address if ticket else where.app.login_hint if where.app else None
    return login_page(call, where, username=(hint or "")[:254])


@endpoint(hashes_passwords=True, before_sign_in=True)
def login(call: Call) -> Response:
    where = destination(call)
    username = call.form.text("username")
    # Who types no password may not have one here.
    home = call.services.forward_home(call, where, username, only_required=bool(call.form.get("password")))
    if home is not None:
        return home
    try:
        done = sign_in_by_password(
            call.work,
            arrival_of(call, where),
            username=username,
            password=call.form.get("password", ""),
            is_solved=proof_of_work.is_solved(call.work, Form.SIGN_IN, call.form.get("proof")),
        )
    except WrongPassword as refusal:
        return login_page(call, where, username=username, errors={"password": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return login_page(call, where, username=username, **too_many(call, refusal))
    except (Suspended, AddressUnconfirmed) as refusal:
        return not_now(call, where, refusal)
    return signed_in(call, where, done)


def _needs_puzzle(call: Call, errors: dict[str, str] | None) -> bool:
    """Return whether sign-ins failed: the one before this page, or many in its network."""
    if not call.settings.proof_of_work:
        return False
    return bool(errors) or is_full(call.work, LIMITS.login_unsolved, key=unsolved_of(call.work))


def login_page(
    call: Call,
    where: Destination,
    *,
    username: str,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
    signals: Signals | None = None,
) -> Response:
    """Return the sign-in page, or the one that confirms who is signed in."""
    again = reauthentication_of(call, where, username=username)
    shown: dict[str, Any] = {
        "status_code": status_code,
        "form_targets": where.form_targets,
        "image_sources": where.image_sources,
        "where": where,
        "action": where.through("/login"),
        "passkey_action": where.through("/login/passkey"),
        "puzzle": proof_of_work.new_puzzle(call.work, Form.SIGN_IN) if _needs_puzzle(call, errors) else None,
        "email_code": where.through("/login/email-code") if call.settings.email_code_sign_in else None,
        "upstreams": call.services.sign_in_buttons(),
        "last_upstream": call.cookie(cookies.UPSTREAM),
        "signals": signals,
        "errors": errors or {},
        **keep_choice(call, where),
    }
    if again is not None:
        if "password" in shown["errors"]:
            shown["errors"] = {"password": WrongCurrentPassword.message}
        as_another = page_to_switch(call, where)
        return page(call, "login/reauthentication.html", user=again, as_another=as_another, **shown)
    reason = REASONS.get(call.query.get("because", ""))
    return page(call, "login/login.html", username=username, reason=reason, **shown)
