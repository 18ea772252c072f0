"""The page to create an account."""

from starlette.responses import Response

from provider.accounts.email.email_addresses import Address, parse_address, problem_of_address
from provider.accounts.email.verification_emails import seal_ticket
from provider.accounts.passwords.passwords import problem_of
from provider.accounts.registration import MAX_NAME, clean_name, sign_up
from provider.destination import Destination
from provider.languages.text import Text
from provider.ratelimits import LIMITS, hit, of_network
from provider.refusals import TooManyRequests
from provider.sessions.cookie import find_session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page


@endpoint(before_sign_in=True)
def show_sign_up(call: Call) -> Response:
    where = destination(call)
    session = find_session(call)
    if session is not None and not where.again and where.accepts_sign_in_of(session.auth_time):
        return go(where.location)
    hint = call.query.get("email") or (where.app.login_hint if where.app else None)
    return _page(call, where, values={"email": (hint or "")[:254], "name": ""})


@endpoint(hashes_passwords=True, before_sign_in=True)
def register(call: Call) -> Response:
    where = destination(call)
    values = {"email": call.form.text("email"), "name": call.form.text("name")}
    password = call.form.get("password", "")
    address, name = parse_address(values["email"]), clean_name(values["name"])
    errors = _errors(call, address, name, password)
    if address is None or name is None or errors:
        return _page(call, where, values=values, errors=errors, status_code=400)
    try:
        hit(call.work, LIMITS.sign_up, key=of_network(call.work, "sign-up"))
    except TooManyRequests as refusal:
        return _page(call, where, values=values, **too_many(call, refusal))
    ticket = sign_up(
        call.work, address=address, password=password, name=name, browser=call.browser, carry=where.parameters
    )
    if not call.settings.has("email-verification"):
        return page(call, "accounts/waiting.html", where=where, address=address.text)
    return go(where.through("/verify-email", ticket=seal_ticket(call.work, ticket)))


def _errors(call: Call, address: Address | None, name: str | None, password: str) -> dict[str, str]:
    """Return what is wrong with each field, in the order of the fields."""
    errors: dict[str, str] = {}
    if name is None:
        errors["name"] = Text("Enter a name of at most %(count)s characters, on one line.", count=MAX_NAME)
    if (problem := problem_of_address(call.settings, address)) is not None:
        errors["email"] = problem
    about = (address.normal if address else "", name or "")
    if (problem := problem_of(call.settings, password, about=about)) is not None:
        errors["password"] = problem
    return errors


def _page(
    call: Call,
    where: Destination,
    *,
    values: dict[str, str],
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    return page(
        call,
        "accounts/sign_up.html",
        status_code=status_code,
        form_targets=where.form_targets,
        image_sources=where.image_sources,
        where=where,
        action=where.through("/signup"),
        values=values,
        upstreams=call.services.sign_in_buttons,
        min_length=call.settings.password_min_length,
        errors=errors or {},
    )
