"""check_session_iframe (OpenID Connect Session Management 1.0 section 3.3): a page without contents that applications
frame, and whose script tells them whether the session they know is still the one at this browser.
"""

from starlette.responses import Response

from provider.web import cookies
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page


@endpoint
def check_session(call: Call) -> Response:
    """GET /oauth2/check-session. The one page of ours that others may frame."""
    return page(
        call,
        "oauth/check_session.html",
        framable=True,
        offers_languages=False,
        cookie=cookies.cookie_name(call.settings, cookies.STATE),
    )
