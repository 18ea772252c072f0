"""The language switch at the foot of every page, and the cookie that remembers it."""

from starlette.responses import Response

from provider.accounts.profile import choose_language
from provider.accounts.store import users
from provider.destination import HOME, local_path
from provider.languages.negotiation import best
from provider.sessions.cookie import find_session
from provider.web import cookies, csrf
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go

KEPT_FOR = 365 * 24 * 3600
"""How long the cookie lasts, in seconds."""


# Without a token: a page without a form of its own would set a cookie for it, and nothing is to be gained here.
@endpoint(csrf_checked=False)
def choose(call: Call) -> Response:
    """Set the language and return to the page: POST /language.

    The browser remembers it in a cookie. For a signed-in user, emails use it too.
    """
    csrf.require_same_site(call.headers, call.settings.origin)
    tag = call.form.get("language", "")
    if tag in call.settings.languages:
        session = find_session(call)
        if session is not None:
            choose_language(call.work, user_id=session.user_id, tag=tag)
        call.set_cookie(cookies.LANGUAGE, tag, max_age=KEPT_FOR)
    return go(local_path(call.form.get("return_to")) or HOME)


def follow_person(call: Call, user_id: str) -> None:
    """Use the language that the user chose elsewhere, after a sign-in.

    Does nothing if a language was chosen in this browser.
    """
    user = None if call.cookie(cookies.LANGUAGE) else users.find(call.work.read, user_id)
    tag = None if user is None or user.language is None else best(call.settings.languages, [user.language])
    if tag is not None:
        call.set_cookie(cookies.LANGUAGE, tag, max_age=KEPT_FOR)
