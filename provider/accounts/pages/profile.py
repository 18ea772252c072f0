"""The profile page: see and edit what applications may learn about the user."""

from collections.abc import Mapping

from starlette.responses import Response

from provider.accounts import profile as rules
from provider.accounts.store import users
from provider.sessions.guards import require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/account/profile"


@endpoint
def show_profile(call: Call) -> Response:
    session = require_user(call)
    user = users.find(call.work.read, session.user_id)
    return _page(call, session, values=rules.values_of({} if user is None else user.claims))


@endpoint
def change(call: Call) -> Response:
    session = require_user(call)
    claims, errors = rules.parse_profile(call.form)
    if errors:
        typed = {field.name: call.form.text(field.name) for field in rules.FIELDS}
        return _page(call, session, values=typed, errors=errors, status_code=400)
    rules.change_profile(call.work, user_id=session.user_id, claims=claims)
    return go(f"{PATH}?saved=yes")


def _page(
    call: Call,
    session: Session,
    *,
    values: Mapping[str, str],
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    user = users.find(call.work.read, session.user_id)
    return page(
        call,
        "accounts/profile.html",
        status_code=status_code,
        about=[field for field in rules.FIELDS if not field.of_address],
        address=[field for field in rules.FIELDS if field.of_address],
        values=values,
        zones=sorted(rules.time_zones()),
        picture=None if user is None else user.claims.get("picture"),
        just_saved="saved" in call.query and not errors,
        errors=errors or {},
    )
