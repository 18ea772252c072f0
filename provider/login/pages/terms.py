"""The page where users accept new or changed terms of service, after a sign-in and before the app gets its answer.

Users who do not accept can go back to the app without an answer, sign out, download their data or delete their account.
"""

from starlette.responses import Response

from provider.accounts import terms
from provider.accounts.terms import TermsChanged
from provider.destination import Destination
from provider.login.pages.outcome import TERMS_PATH, next_page
from provider.sessions.cookie import find_session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint(before_sign_in=True)
def show_terms(call: Call) -> Response:
    where, session = destination(call), find_session(call)
    if session is None:
        return go(where.through("/login"))
    if not terms.is_due(call.work, user_id=session.user_id):
        return go(where.location)
    return _page(call, where)


@endpoint(before_sign_in=True)
def accept_terms(call: Call) -> Response:
    where, session = destination(call), find_session(call)
    if session is None:
        return go(where.through("/login"))
    try:
        terms.accept(call.work, user_id=session.user_id, version=call.form.get("version", ""))
    except TermsChanged as refusal:
        return _page(call, where, errors={"": refusal.message}, status_code=400)
    return go(next_page(call, where, session))


def _page(call: Call, where: Destination, *, errors: dict[str, str] | None = None, status_code: int = 200) -> Response:
    return page(
        call,
        "login/terms.html",
        status_code=status_code,
        form_targets=where.form_targets,
        where=where,
        action=where.through(TERMS_PATH),
        version=call.settings.terms_version,
        url=call.settings.terms_url,
        errors=errors or {},
    )
