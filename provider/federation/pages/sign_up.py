"""The page of a sign-up with an upstream that asks for what operators require of new users."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import InvalidAttributes, check_new
from provider.accounts.pages.attribute_form import errors_of, fields_of, read_values, typed_values
from provider.destination import Destination
from provider.federation.upstreams import Upstream
from provider.login.sign_up import attributes_asked
from provider.web.call import Call
from provider.web.pages import page


def read_attributes(call: Call) -> dict[str, Any]:
    """Return the values in the form as they are stored, by name. Raises InvalidAttributes."""
    asked = attributes_asked(call.work)
    given = read_values(asked, typed_values(call, asked, editor=Editor.USER))
    return check_new(call.work, given, editor=Editor.USER, place=Place.SIGN_UP)


def ask_for_attributes(
    call: Call,
    upstream: Upstream,
    where: Destination,
    *,
    ticket: str,
    email: str | None,
    refusal: InvalidAttributes | None = None,
) -> Response:
    """Return the page with the form. `ticket` is the sealed sign-up, and `email` its address."""
    asked = attributes_asked(call.work)
    typed: Mapping[str, str] | None = None if refusal is None else typed_values(call, asked, editor=Editor.USER)
    return page(
        call,
        "federation/sign_up.html",
        status_code=200 if refusal is None else 400,
        offers_languages=False,
        form_targets=where.form_targets,
        where=where,
        action=where.through(f"/login/upstream/{upstream.settings.key}/sign-up"),
        ticket=ticket,
        name=upstream.settings.name,
        email=email,
        attributes=fields_of(asked, editor=Editor.USER, place=Place.SIGN_UP, typed=typed),
        errors={} if refusal is None else errors_of(refusal),
    )
