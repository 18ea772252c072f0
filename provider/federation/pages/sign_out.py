"""Sign-out with upstreams: the way of a browser through them, and the endpoint where they report a sign-out."""

from starlette.responses import Response

from provider.federation import logout_tokens, sign_out
from provider.federation.logout_tokens import InvalidLogoutToken
from provider.federation.pages.forwarding import find_upstream
from provider.federation.pages.upstreams_of import upstreams_of
from provider.federation.sign_out import Way
from provider.federation.store import upstream_sessions
from provider.observability.logging import log
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.refusals import NotFound
from provider.web import cookies, errors
from provider.web.call import Call
from provider.web.endpoint import endpoint, machine_endpoint
from provider.web.json_responses import JsonResponse
from provider.web.pages import go, page

NO_STORE = {"cache-control": "no-store"}


@endpoint
def leave(call: Call) -> Response:
    """Show the page that continues to the next upstream by itself: GET /login/upstream/sign-out?ticket=.

    It ends nothing here: sessions ended before. Upstreams that are down, or were deleted since, are left out.
    """
    work, upstreams = call.work, upstreams_of(call)
    way = sign_out.read_ticket(work, call.query.get("ticket"))
    found = upstream_sessions.find(work.read, way.session_ids)
    for done, session_id in enumerate(way.session_ids, start=1):
        session = found.get(session_id)
        upstream = None if session is None else upstreams.get(session.upstream)
        if session is None or upstream is None:
            continue
        rest = Way(way.session_ids[done:], way.onward)
        url = sign_out.end_session_url(work, upstream, session, rest=rest, browser=call.browser)
        if url is not None:
            onward = sign_out.next_page(work, rest)
            return page(
                call,
                "federation/signing_out.html",
                offers_languages=False,  # the ticket in the URL is not for longer than this page
                name=upstream.settings.name,
                url=url,
                onward=onward,
            )
    return _go_exactly(sign_out.next_page(work, Way((), way.onward)))


@endpoint
def come_back(call: Call) -> Response:
    """Continue after the sign-out at an upstream: GET /login/upstream/{key}/signed-out (section 3)."""
    if call.query.repeated:
        raise errors.Malformed
    way = sign_out.come_back(
        call.work,
        upstream=call.path_params["key"],
        state=call.query.get("state"),
        browser=call.cookie(cookies.BROWSER),
    )
    return _go_exactly(sign_out.next_page(call.work, way))


@machine_endpoint(render=errors.as_json)
def receive_logout(call: Call) -> Response:
    """End what came from a session or user that signed out there: POST /login/upstream/{key}/backchannel-logout
    (OpenID Connect Back-Channel Logout 1.0 sections 2.5 and 2.8).
    """
    upstream = find_upstream(call)
    if not upstream.settings.is_oidc:
        raise NotFound
    work, network = call.work, of_network(call.work, "upstream-logout")
    require_room(work, LIMITS.upstream, key=network)
    token = "" if call.form.repeated else call.form.get("logout_token", "")
    try:
        logout_tokens.sign_out(work, upstream, token)
    except InvalidLogoutToken as invalid:
        count(work, LIMITS.upstream, key=network)
        log.warning("upstream.invalid_logout_token", upstream=upstream.settings.key, reason=invalid.reason)
        body = {"error": "invalid_request", "error_description": f"The logout token is not valid: {invalid.reason}"}
        return JsonResponse(body, status_code=400, headers=NO_STORE)
    return Response(status_code=200, headers=NO_STORE)


def _go_exactly(location: str) -> Response:
    """Return the redirect to an app or a page of ours. The URI of an app must arrive as it was registered."""
    response = go("/")
    response.headers["location"] = location
    return response
