"""Authorization responses: sent through the browser in the query, in the fragment, or posted by a page of ours.

See RFC 6749 section 4.1.2, OAuth 2.0 Multiple Response Type Encoding Practices, OAuth 2.0 Form Post Response Mode, and
JWT Secured Authorization Response Mode for OAuth 2.0 (JARM).
"""

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from provider.oauth.authorize.request import Target
from provider.oauth.clients.redirect_uris import csp_source, encode, with_query
from provider.oauth.http.server import server_of
from provider.oauth.http.session_state import session_state_for
from provider.oauth.response_types import ResponseMode
from provider.oauth.tokens.response_jwts import make_response_jwt
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.pages import page


def answer(call: Call, target: Target, parameters: Mapping[str, str], *, session: Session | None = None) -> Response:
    """Send the parameters to the app in the response mode of the request. `session` is the one that it is granted in.

    Adds `state`, `iss` (RFC 9207) and, where session management is on, `session_state`. Raises the errors of
    `encrypt_to` if the response must be encrypted and cannot be.
    """
    client_id, redirect_uri = target.client.client_id, target.redirect_uri
    known = session_state_for(call, client_id=client_id, redirect_uri=redirect_uri, session=session)
    named = {**parameters, "state": target.state, "iss": call.settings.issuer, "session_state": known}
    given = {name: value for name, value in named.items() if value is not None}
    mode = target.response_mode
    if mode.is_jwt:
        given = {"response": make_response_jwt(call.work, server_of(call), target.client, given)}
    if mode.way == ResponseMode.FORM_POST:
        return _form_post(call, target, given)
    return send_to(location_of(target.redirect_uri, given, in_fragment=mode.way == ResponseMode.FRAGMENT))


def location_of(redirect_uri: str, parameters: Mapping[str, str | None], *, in_fragment: bool = False) -> str:
    """Return the registered URI with the parameters. Its own query stays unchanged; it never has a fragment."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{redirect_uri}#{encode(given)}" if in_fragment else with_query(redirect_uri, given)


def send_to(location: str) -> Response:
    """Return the redirect to an app."""
    response = RedirectResponse("/", status_code=303, headers={"cache-control": "no-store"})
    # Set as it is: the URI was registered and compared byte for byte, and must arrive that way.
    response.headers["location"] = location
    return response


def _form_post(call: Call, target: Target, parameters: Mapping[str, str]) -> Response:
    """Show a page whose one form is sent to the app, automatically where scripts run (Form Post Response Mode section
    2).
    """
    return page(
        call,
        "oauth/form_post.html",
        form_targets=(csp_source(target.redirect_uri),),
        only_form_targets=True,
        offers_languages=False,
        action=target.redirect_uri,
        parameters=parameters,
        app={"name": target.client.name, "host": target.client.host_at(target.redirect_uri)},
    )
