"""How an answer travels through the browser back to the app: in the query, in the fragment, or posted by a page of ours
(RFC 6749 section 4.1.2, OAuth 2.0 Multiple Response Type Encoding Practices, OAuth 2.0 Form Post Response Mode).
"""

from collections.abc import Mapping
from urllib.parse import quote_plus

from starlette.responses import RedirectResponse, Response

from provider.oauth.authorization_request import Target
from provider.oauth.errors import OAuth2Error
from provider.oauth.redirect_uris import csp_source
from provider.oauth.response_types import ResponseMode
from provider.web.call import Call
from provider.web.pages import page


def answer(call: Call, target: Target, parameters: Mapping[str, str]) -> Response:
    """The parameters with `state` and `iss` (RFC 9207), in the mode in force."""
    given = {**parameters, "state": target.state, "iss": call.settings.issuer}
    if target.response_mode is ResponseMode.FORM_POST:
        return _form_post(call, target, {name: value for name, value in given.items() if value is not None})
    return send_back(target.redirect_uri, given, in_fragment=target.response_mode is ResponseMode.FRAGMENT)


def error_response(call: Call, target: Target, error: OAuth2Error) -> Response:
    """RFC 6749 section 4.1.2.1; the description ends in the id that `signet explain` knows."""
    known_as = f"error id {call.request_id}"
    description = f"{error.description} ({known_as})" if error.description else known_as
    return answer(call, target, {"error": error.error, "error_description": description})


def send_back(redirect_uri: str, parameters: Mapping[str, str | None], *, in_fragment: bool = False) -> Response:
    """The redirect. The registered URI's own query stays as it is (RFC 6749 section 4.1.2); a fragment it never has."""
    encoded = "&".join(f"{name}={quote_plus(value)}" for name, value in parameters.items() if value is not None)
    if in_fragment:
        joiner = "#"
    else:
        joiner = "" if not encoded or redirect_uri.endswith(("?", "&")) else "&" if "?" in redirect_uri else "?"
    response = RedirectResponse("/", status_code=303, headers={"cache-control": "no-store"})
    # Set as it is: the URI was registered and compared byte for byte, and must arrive that way.
    response.headers["location"] = redirect_uri + joiner + encoded
    return response


def _form_post(call: Call, target: Target, parameters: Mapping[str, str]) -> Response:
    """A page whose one form goes to the app, by itself where scripts run (Form Post Response Mode section 2)."""
    return page(
        call,
        "oauth/form_post.html",
        form_targets=(csp_source(target.redirect_uri),),
        only_form_targets=True,
        offers_languages=False,
        action=target.redirect_uri,
        parameters=parameters,
        app={"name": target.client.name, "host": target.client.metadata.host},
    )
