"""The page to create an account."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from provider.accounts import proof_of_work
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import InvalidAttributes, UserAttribute
from provider.accounts.email.new_addresses import AddressTaken
from provider.accounts.email.verification_emails import seal_ticket
from provider.accounts.pages.attribute_form import errors_of, fields_of, read_values, typed_values
from provider.accounts.proof_of_work import Form
from provider.destination import Destination
from provider.languages.text import Text
from provider.login.pages.arrival import arrival_of
from provider.login.pages.keep import keep_choice
from provider.login.pages.outcome import signed_in
from provider.login.password import sign_in_after_sign_up
from provider.login.sign_up import (
    InvalidSignUp,
    SignUp,
    attributes_asked,
    name_fields,
    read_sign_up,
    sign_up,
    sign_up_unverified,
)
from provider.refusals import TooManyRequests
from provider.sessions.cookie import find_session
from provider.web import cookies
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page


@endpoint(before_sign_in=True)
def show_sign_up(call: Call) -> Response:
    where = destination(call)
    session = find_session(call)
    if session is not None and not where.again and where.accepts(session):
        return go(where.location)
    hint = call.query.get("email") or (where.app.login_hint if where.app else None)
    return _page(call, where, values={"email": (hint or "")[:254]})


@endpoint(hashes_passwords=True, before_sign_in=True)
def register(call: Call) -> Response:
    """Create an account: POST /signup.

    Where addresses are verified, the next page asks for the code, whether or not the address was free. Otherwise the
    user is signed in.
    """
    where = destination(call)
    names = {field.name: call.form.text(field.name) for field in name_fields(call.settings)}
    values = {"email": call.form.text("email"), **names}
    home = call.services.forward_home(call, where, values["email"], only_required=True)
    if home is not None:
        return home
    asked = attributes_asked(call.work)
    answers = typed_values(call, asked, editor=Editor.USER)
    attributes, invalid = _read_attributes(asked, answers)
    try:
        wanted = read_sign_up(
            call.work,
            email=values["email"],
            password=call.form.get("password", ""),
            names=names,
            accepted_terms=call.form.get("accepted_terms"),
            attributes=attributes,
            more_errors=invalid,
        )
        proof_of_work.require_solved(call.work, Form.SIGN_UP, call.form.get("proof"))
        if not call.settings.has("email-verification"):
            return _sign_in(call, where, wanted)
        ticket = sign_up(call.work, wanted, browser=call.browser, carry=where.parameters)
    except InvalidSignUp as refusal:
        return _page(call, where, values=values, errors=refusal.errors, status_code=400)
    except AddressTaken:
        errors: dict[str, str] = {"email": Text("This email address already has an account. Sign in instead.")}
        return _page(call, where, values=values, errors=errors, status_code=400)
    except TooManyRequests as refusal:
        return _page(call, where, values=values, **too_many(call, refusal))
    return go(where.through("/verify-email", ticket=seal_ticket(call.work, ticket)))


def _read_attributes(asked: list[UserAttribute], answers: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values that were typed, or the errors by field."""
    try:
        return read_values(asked, answers), {}
    except InvalidAttributes as refusal:
        return {}, errors_of(refusal)


def _sign_in(call: Call, where: Destination, wanted: SignUp) -> Response:
    user_id = sign_up_unverified(call.work, wanted)
    return signed_in(call, where, sign_in_after_sign_up(call.work, arrival_of(call, where), user_id=user_id))


def _page(
    call: Call,
    where: Destination,
    *,
    values: dict[str, str],
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    asked = attributes_asked(call.work)
    answers = None if call.method == "GET" else typed_values(call, asked, editor=Editor.USER)
    return page(
        call,
        "login/sign_up.html",
        status_code=status_code,
        form_targets=where.form_targets,
        image_sources=where.image_sources,
        where=where,
        action=where.through("/signup"),
        values=values,
        names=name_fields(call.settings),
        attributes=fields_of(asked, editor=Editor.USER, place=Place.SIGN_UP, typed=answers),
        required=call.settings.sign_up_required,
        verifies=call.settings.has("email-verification"),
        upstreams=call.services.sign_in_buttons(),
        last_upstream=call.cookie(cookies.UPSTREAM),
        puzzle=proof_of_work.new_puzzle(call.work, Form.SIGN_UP),
        terms_version=call.settings.terms_version,
        terms_url=call.settings.terms_url,
        has_accepted="accepted_terms" in call.form,
        min_length=call.settings.password_min_length,
        errors=errors or {},
        **keep_choice(call, where),
    )
