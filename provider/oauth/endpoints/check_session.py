"""check_session_iframe: a page without contents that applications frame.

Its script answers whether the session an application knows is still the one in this browser (OpenID Connect Session
Management 1.0 section 3.3).
"""

from starlette.responses import Response

from provider.web import cookies
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page


@endpoint
def check_session(call: Call) -> Response:
    """Show the session frame: GET /oauth2/check-session. It is our only page that other sites may frame."""
    return page(
        call,
        "oauth/check_session.html",
        framable=True,
        offers_languages=False,
        cookie=cookies.cookie_name(call.settings, cookies.STATE),
    )
