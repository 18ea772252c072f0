"""Forward authentication: reverse proxies ask about each request to a protected site.

They also pass on two paths of the site: where a sign-in ends, and where users sign out.
nginx auth_request, Traefik ForwardAuth, Caddy forward_auth and Envoy ext_authz allow a request for 2xx and reject it
otherwise, also if this server does not answer. A sign-in is a code flow (RFC 6749 section 4.1, RFC 7636).
"""

from authlib.oauth2 import OAuth2Error
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from provider.crypto.digests import new_opaque
from provider.languages.text import Text
from provider.oauth.authorize.access_policy import denial_of
from provider.oauth.clients.clients import Client
from provider.oauth.clients.protected_sites.path_rules import UnclearPath, find_rule
from provider.oauth.explanations import explain
from provider.oauth.forward_auth.errors import SiteRejected
from provider.oauth.forward_auth.identity import headers_for, no_one
from provider.oauth.forward_auth.rejections import denied_at_site, unclear_path
from provider.oauth.forward_auth.sign_in import authorization_url, find_sign_in, redeem
from provider.oauth.forward_auth.sites import (
    find_client_of_site,
    find_denial_at,
    find_denial_of_site,
    level_for,
)
from provider.oauth.http import site_cookies as cookies
from provider.oauth.http.forwarded_requests import Asked, read_asked, read_origin, require_proxy
from provider.oauth.http.server import server_of
from provider.oauth.scopes import parse_scope
from provider.oauth.tokens.store import grants
from provider.refusals import Refusal
from provider.sessions.assurance import is_at_least, level_of
from provider.web import errors
from provider.web.call import Call
from provider.web.endpoint import endpoint, machine_endpoint

NO_STORE = {"cache-control": "no-store"}
OTHER_BROWSER = Text("This sign-in was started in another browser, or it has expired. Open the site again.")
PREFIX = b"/forward-auth"


def as_text(call: Call, error: Exception) -> Response:
    """Return an error as plain text: the page is shown at the protected site, where no style sheet of ours is."""
    if isinstance(error, SiteRejected):
        if error.is_stored:
            explain(call.installation, call.origin, error)
        text, known_as = call.language.say(error.text), call.language.say(Text("Error ID"))
        return PlainTextResponse(f"{text}\n{known_as}: {call.request_id}\n", 403, headers=NO_STORE)
    if isinstance(error, OAuth2Error):
        explain(call.installation, call.origin, error)
        text = call.language.say(Text("Sign-in was not completed (%(error)s).", error=error.error))
        return PlainTextResponse(f"{text}\n{call.request_id}\n", 403, headers=NO_STORE)
    refusal = errors.refusal_of(error)
    text = call.language.say(refusal.message)
    return PlainTextResponse(f"{text}\n", refusal.status_code, headers=errors.headers_of(refusal))


class SignInFailed(Refusal):
    """A sign-in that cannot be finished at the protected site."""

    code = "site-sign-in-failed"
    status_code = 403
    title = Text("Sign-in failed")


@machine_endpoint(render=as_text, is_quick=True)
def forward_auth(call: Call) -> Response:
    """Answer a proxy: /forward-auth. 200 with the headers about the user, or 401, 403 or a redirect to the sign-in.

    With `redirect=no`, 401 stands in for the redirect: nginx understands nothing else.
    """
    return _answer(call, read_asked(call))


@machine_endpoint(render=as_text, is_quick=True)
def forward_auth_of_envoy(call: Call) -> Response:
    """Answer Envoy, which appends the path of the request: /forward-auth/PATH. The query is that of the request."""
    raw = call.scope.get("raw_path") or call.path.encode()
    _, _, path = raw.partition(PREFIX)
    query = call.scope["query_string"]
    uri = (path + (b"?" + query if query else b"")).decode("latin-1")
    return _answer(call, read_asked(call, original_uri=uri), redirects=True)


def _answer(call: Call, asked: Asked, *, redirects: bool | None = None) -> Response:
    server = server_of(call)
    visit = cookies.find_visit(call, server, asked.origin)
    client = find_client_of_site(call.work, server, asked.origin) if visit is None else visit.client
    if redirects is None:
        redirects = call.query.get("redirect") != "no"
    try:
        rule = find_rule(client.metadata, asked.uri)
    except UnclearPath:
        raise unclear_path(client.client_id, asked.uri, is_stored=redirects) from None
    if rule is not None and rule.bypass:
        return Response(headers=NO_STORE | no_one())
    level = level_for(client, rule)
    if visit is None:
        return _sign_in(call, client, asked, level, redirects=redirects)
    grant, person = visit.grant, visit.person
    if asked.wants_page and denial_of(client, person) is not None:
        # The page there says why, and whom to ask. About networks it could decide otherwise, and send the user back.
        return _sign_in(call, client, asked, level, redirects=redirects)
    network = call.work.origin.network
    denied, by_rule = find_denial_of_site(client, person, network), None
    if denied is None:
        denied, by_rule = find_denial_at(client, rule, person, network), rule
    if denied is not None:  # nginx asks again for the page that it shows, and only that has an explanation
        raise denied_at_site(client.client_id, asked.origin, denied, by_rule, is_stored=redirects)
    if not is_at_least(level_of(grant.amr), level):
        return _sign_in(call, client, asked, level, redirects=redirects)
    subject = server.subjects.of_grant(call.work, client, grant)
    return Response(headers=NO_STORE | headers_for(subject.sub, person, scope=parse_scope(grant.scope)))


def _sign_in(call: Call, client: Client, asked: Asked, level: str, *, redirects: bool) -> Response:
    """Return the redirect to the sign-in, or 401 for what is no navigation: a redirect would lose its body."""
    if not (redirects and asked.wants_page):
        return PlainTextResponse("Sign in to see this site.\n", 401, headers=NO_STORE)
    browser = cookies.read_cookie(call, asked.origin, cookies.BROWSER) or new_opaque()
    url = authorization_url(call.work, client, origin=asked.origin, uri=asked.uri, browser=browser, level=level)
    response = RedirectResponse(url, 302, headers=NO_STORE)
    cookies.write_cookie(response, asked.origin, cookies.BROWSER, browser)
    return response


@endpoint(csrf_checked=False, render=as_text, refuses_head=True)
def site_callback(call: Call) -> Response:
    """Finish a sign-in at the protected site: GET /.signet/callback there, which its proxy passes to us.

    Sets the cookie of the site and returns to the page that the user wanted, which is always one of this site.
    """
    require_proxy(call)
    origin, server = read_origin(call), server_of(call)
    browser = cookies.read_cookie(call, origin, cookies.BROWSER)
    started = find_sign_in(call.work, call.query.get("state"), origin=origin, browser=browser)
    if started is None or call.query.get("iss", call.settings.issuer) != call.settings.issuer:
        raise SignInFailed(OTHER_BROWSER)
    client = find_client_of_site(call.work, server, origin)
    code = call.query.get("code")
    if client.client_id != started.client_id or code is None:
        reason = call.query.text("error")[:60]
        known = reason if reason.replace("_", "").isalpha() and reason.isascii() else "error"
        raise SignInFailed(Text("Sign-in was not completed (%(error)s).", error=known))
    grant = redeem(call.work, server, started, client, code)
    response = RedirectResponse(origin + started.uri, 302, headers=NO_STORE)
    cookies.write_cookie(response, origin, cookies.SITE, cookies.seal_grant(call, origin, grant))
    return response


@endpoint(csrf_checked=False, render=as_text, refuses_head=True)
def site_sign_out(call: Call) -> Response:
    """Sign out at the protected site: GET or POST /.signet/sign-out there.

    Ends the access of this site, and leads to the sign-out page, which ends the session and with it the access of every
    site. A link at another site only leads to that page.
    """
    require_proxy(call)
    origin, server = read_origin(call), server_of(call)
    visit = cookies.find_visit(call, server, origin)
    client = find_client_of_site(call.work, server, origin)
    response = RedirectResponse(
        f"{call.settings.issuer}/oauth2/logout?client_id={client.client_id}", 303, headers=NO_STORE
    )
    if call.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        cookies.write_cookie(response, origin, cookies.SITE, "")
        if visit is not None:
            grants.revoke(call.work.db, visit.grant.id, reason="signed out", now=call.work.now)
    return response
