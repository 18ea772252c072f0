"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

With a valid id_token_hint for a signed-in user, the session of this user ends immediately, and none of the other
accounts in the browser. Otherwise the user is asked. The only redirects are to an exact post_logout_redirect_uri of the
client that the hint was issued to, or of the client named in the request.

A form that the app's site posts brings no cookies (SameSite=Lax). It ends the session of its hint, and the browser then
asks by GET, with a ticket instead of the hint, so that it says who is signed in (decision 423).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts.signed_in_accounts import describe_accounts
from provider.oauth.checks import FIND_CLIENT, Checks, with_value
from provider.oauth.clients.clients import Client
from provider.oauth.clients.redirect_uris import csp_source, is_registered
from provider.oauth.errors import InvalidRequestError, OAuth2Error
from provider.oauth.http.authorization_errors import refuse_on_page
from provider.oauth.http.authorization_response import location_of, send_to
from provider.oauth.http.server import server_of
from provider.oauth.logout.front_channel import SIGNED_OUT, SignedOut, page_for
from provider.oauth.syntax import require_sent_once, require_syntax
from provider.oauth.tokens.id_tokens import read_hint
from provider.parameters import Parameters
from provider.sessions import lifecycle, store
from provider.sessions.cookie import find_session, find_signed_in, forget_ended
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PURPOSE = "logout-request"
LIFETIME = timedelta(hours=1)
"""How long a ticket is valid. The user may take time to answer, and a hint of the app would be valid for ever."""
TICKET = "ticket"
CARRIED = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


@dataclass(frozen=True)
class LogoutRequest:
    """A checked logout request. `user_id` and `session_id` come only from the hint."""

    client: Client | None
    user_id: str | None
    session_id: str | None
    redirect_uri: str | None
    state: str | None
    has_ended: bool = False
    """Whether the session of the hint was ended already, by the form that led here."""


NOTHING_SAID = LogoutRequest(None, None, None, None, None)


@endpoint(csrf_checked=False, refuses_head=True)
def end_session(call: Call) -> Response:
    """Answer logout requests: GET and POST /oauth2/logout."""
    given = call.form if call.method == "POST" else call.query
    checks = Checks("logout")
    try:
        request = _read(call, checks, given)
    except OAuth2Error as error:
        return refuse_on_page(call, error, way_on="/oauth2/logout")
    signed_in = find_signed_in(call)
    answers = call.method == "POST" and ("decision" in given or "account" in given)
    if call.method == "POST" and not answers and not signed_in:
        return _ask_by_get(call, request)
    ending: Sequence[Session] = [session for session in signed_in if session.user_id == request.user_id]
    if answers:
        call.require_csrf()
        if given.get("decision", "sign_out") != "sign_out":
            return go("/account")
        ending = _chosen(call, signed_in, given.get("account"))
    elif signed_in and not ending and not request.has_ended:
        return _ask(call, signed_in, request, given)
    ended = _end(call, ending, request)
    forget_ended(call, ended)
    onward = None if request.redirect_uri is None else location_of(request.redirect_uri, {"state": request.state})
    onward = call.services.way_after_sign_out(call.work, ended=ended, onward=onward)
    if ended:
        client_id = None if request.client is None else request.client.client_id
        done = SignedOut(ended[0].user_id, [one.id for one in ended], client_id, onward)
        page_of_apps = page_for(call.work, server_of(call), done)
        if page_of_apps is not None:
            return go(page_of_apps)
    return go(SIGNED_OUT) if onward is None else send_to(onward)


def _ask_by_get(call: Call, request: LogoutRequest) -> Response:
    """End the session of the hint, and send the browser here again with its cookies."""
    ended = _end(call, [], request)
    if request.client is None:
        return go("/oauth2/logout")
    said = {
        "client_id": request.client.client_id,
        "user_id": request.user_id,
        "session_id": request.session_id,
        "redirect_uri": request.redirect_uri,
        "state": request.state,
        "has_ended": any(one.ended_at is None for one in ended),  # they are as they were before
    }
    ticket = call.work.vault.seal(said, purpose=PURPOSE, now=call.work.now, lifetime=LIFETIME)
    return go(f"/oauth2/logout?{urlencode({TICKET: ticket})}")


def _read_ticket(call: Call, ticket: str) -> LogoutRequest:
    """Return the request of a form that was checked, as far as it is still good."""
    said = call.work.vault.unseal(ticket, purpose=PURPOSE, now=call.work.now)
    client = None if said is None else server_of(call).clients.read(call.work, said["client_id"])
    if said is None or client is None or (client.disabled and said["user_id"] is None):
        return NOTHING_SAID
    uri = said["redirect_uri"]
    if uri is not None and not is_registered(uri, client.metadata.post_logout_redirect_uris):
        uri = None
    return LogoutRequest(client, said["user_id"], said["session_id"], uri, said["state"], said["has_ended"])


def _chosen(call: Call, signed_in: Sequence[Session], account: str | None) -> Sequence[Session]:
    """Return the sessions that the user chose on the page. A page of the previous release names no account."""
    current = find_session(call)
    if account is None:
        return [] if current is None else [current]
    return [session for session in signed_in if account in {"all", session.id}]


def _end(call: Call, ending: Sequence[Session], request: LogoutRequest) -> Sequence[Session]:
    """End these sessions of this browser, and the session of the hint if it is of one of their users; return them all.

    The user may have signed in again since the hint was issued.
    """
    meant = None if request.session_id is None else store.find(call.work.read, request.session_id)
    user_ids: set[str | None] = {session.user_id for session in ending} or {request.user_id}
    found = {session.id: session for session in ending}
    if meant is not None and meant.user_id in user_ids:
        found.setdefault(meant.id, meant)
    for one in found.values():
        lifecycle.end_session(call.work, one, reason="signed out by an app" if request.client else "signed out")
    return list(found.values())


def _ask(call: Call, signed_in: Sequence[Session], request: LogoutRequest, given: Parameters) -> Response:
    client = request.client
    return page(
        call,
        "oauth/end_session.html",
        form_targets=() if request.redirect_uri is None else (csp_source(request.redirect_uri),),
        accounts=describe_accounts(call.work, signed_in, current=find_session(call)),
        app=None if client is None else _app(client),
        # Where no client is proven or named, nothing that was said is put on the page.
        carried=[] if client is None else [(name, given[name]) for name in (*CARRIED, TICKET) if name in given],
    )


def _app(client: Client) -> dict[str, str]:
    """Return what the page shows of an app: no name that only the app itself has chosen."""
    return {"name": client.name if client.is_vouched_for else "", "host": client.host}


def _read(call: Call, checks: Checks, given: Parameters) -> LogoutRequest:
    server = server_of(call)
    checks.client_id = given.get("client_id")
    require_sent_once(checks, given.repeated, section="RFC 6749 section 3.1")
    require_syntax(checks, given, CARRIED, error=InvalidRequestError)
    if TICKET in given:
        return _read_ticket(call, given[TICKET])
    hint, claims = given.get("id_token_hint"), dict[str, Any]()
    if hint is not None:
        claims, problem = read_hint(call.work, server.keys, hint)
        checks.require(
            not problem,
            "id_token_hint is an ID token of this server",
            section="RP-Initiated Logout section 2",
            error=InvalidRequestError,
            description="id_token_hint must be an ID token that this server issued",
            expected="an ID token; it may be expired",
            got=problem,
            fix="Send an ID token that this server issued, or leave out id_token_hint.",
        )
    client = _client(call, checks, given, issued_to=claims.get("aud"))
    if client is None:
        # Nothing tells which app asks: the person may sign out, but is not sent anywhere.
        return NOTHING_SAID
    redirect_uri = given.get("post_logout_redirect_uri")
    checks.require(
        redirect_uri is None or is_registered(redirect_uri, client.metadata.post_logout_redirect_uris),
        "post_logout_redirect_uri is registered for the client",
        section="RP-Initiated Logout section 3",
        error=InvalidRequestError,
        description="post_logout_redirect_uri is not registered for this client. It must match exactly",
        expected=" or ".join(client.metadata.post_logout_redirect_uris) or "none is registered",
        got=redirect_uri,
        fix="Register the exact URI the app sends: `signet client update CLIENT_ID "
        "--post-logout-redirect-uri URI`, once for each URI the app needs.",
    )
    return LogoutRequest(
        client,
        server.subjects.user_id_of(call.work, client, claims["sub"]) if claims else None,
        server.subjects.session_id_of(call.work, client, claims["sid"]) if "sid" in claims else None,
        redirect_uri,
        given.get("state"),
    )


def _client(call: Call, checks: Checks, given: Parameters, *, issued_to: str | None) -> Client | None:
    """Return the client that the hint was issued to, or without a hint the client named in the request.

    A name is enough for a page that asks the user, and for a registered address (section 3). It is not enough to end
    anything.
    """
    server = server_of(call)
    named = given.get("client_id")
    client_id = issued_to or named
    if client_id is None:
        return None
    client = server.clients.read(call.work, client_id)  # nobody is sent to an app that was deleted a moment ago
    client = checks.found(
        None if client is not None and client.disabled and issued_to is None else client,
        "The client is registered and enabled",
        section="RP-Initiated Logout section 2",
        error=InvalidRequestError,
        description=f"{with_value('client_id', client_id)} is not registered or is disabled",
        expected="the client_id of an enabled client",
        got=client_id,
        fix=FIND_CLIENT,
    )
    checks.require(
        named in (None, client_id),
        "id_token_hint was issued to this client",
        section="RP-Initiated Logout section 2",
        error=InvalidRequestError,
        description="id_token_hint was issued to another client than client_id",
        expected=client_id,
        got=named,
        fix="Send the client_id that the ID token was issued to, or leave out client_id.",
    )
    return client
