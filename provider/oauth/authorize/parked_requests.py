"""Authorization requests that wait while the user signs in, and the way back to them (decision 67).

A parked request belongs to the browser that first opened it. For any other browser its handle is a new request that
starts over there. A pushed request gives one code (RFC 9126 section 4), so the other browser takes it over instead, and
it starts over. So nothing one user did counts for another.
"""

import re
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from provider.crypto.digests import digest, new_opaque
from provider.destination import App, Destination
from provider.oauth.authorize.parameters import CREATE, PARAMETERS, read_max_age
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store import authorization_requests as store
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.clients.redirect_uris import csp_source, csp_sources, host_of
from provider.oauth.clients.rules.fapi2 import pushed_request_lifetime_of
from provider.oauth.clients.start_urls import login_initiation_url
from provider.oauth.errors import InvalidRequestError
from provider.oauth.scopes import format_scope, parse_scope
from provider.oauth.tokens.claims import without_others
from provider.oauth.tokens.server import AuthorizationServer
from provider.parameters import Parameters
from provider.urls import is_loopback
from provider.work import UnitOfWork

URN = "urn:ietf:params:oauth:request_uri:"
HANDLE = re.compile(URN + "[A-Za-z0-9_-]{43}")
"""The syntax of the request URIs that are issued here (RFC 9126 section 2.2)."""


def park(work: UnitOfWork, request: AuthorizationRequest, given: Parameters, *, browser: str | None) -> str:
    """Store the request of a browser that is present; return its request_uri. `browser` is the value of its cookie, or
    None if the request came without cookies.
    """
    expires_at = work.now + work.settings.request_lifetime
    return _store(work, request, given, browser=browser, expires_at=expires_at, pushed=False)


def push(work: UnitOfWork, request: AuthorizationRequest, given: Parameters) -> str:
    """Store a request before any browser opens it; return its request_uri (RFC 9126 section 2.2)."""
    expires_at = work.now + pushed_request_lifetime_of(work.settings, request.client.metadata)
    return _store(work, request, given, browser=None, expires_at=expires_at, pushed=True)


def _store(
    work: UnitOfWork,
    request: AuthorizationRequest,
    given: Parameters,
    *,
    browser: str | None,
    expires_at: datetime,
    pushed: bool,
) -> str:
    handle = new_opaque()
    kept = {name: given[name] for name in PARAMETERS if name in given}
    # What was left out of it because the client may not ask for it stays out, whatever the client becomes meanwhile:
    # the person is shown one thing and must not allow another.
    kept["scope"] = format_scope(request.scope)
    if "claims" in kept:
        kept["claims"] = without_others(kept["claims"], request.claims.names)
    parked = ParkedRequest(
        digest=digest(handle),
        client_id=request.client.client_id,
        parameters=kept,
        browser=None if browser is None else digest(browser),
        created_at=work.now,
        expires_at=expires_at,
        chosen_session_id=None,
        consented_by=None,
        completed_at=None,
        pushed=pushed,
    )
    store.add(work.db, parked)
    return URN + handle


def find(work: UnitOfWork, request_uri: str) -> ParkedRequest | None:
    """Return the parked request, or None if it is unknown or expired, or if a code was issued for it."""
    if HANDLE.fullmatch(request_uri) is None:
        return None
    return store.find(work.read, digest(request_uri.removeprefix(URN)), now=work.now)


def parameters_of(parked: ParkedRequest) -> Parameters:
    """Return the stored parameters in the form of a new request.

    Each step checks them again, because the client may have changed meanwhile. An empty scope asks for none. A node of
    the previous release, which knows no authorization details, rejects it instead of asking for every scope.
    """
    return Parameters([(name, value) for name, value in parked.parameters.items() if value])


def claim(work: UnitOfWork, parked: ParkedRequest, browser: str) -> ParkedRequest | None:
    """Return the request if it belongs to this browser, or may from now on, else None.

    The first browser to open it becomes its owner. From then on it has the usual lifetime: a pushed request has a
    shorter one while no user waits for it.
    """
    if is_own(parked, browser):
        return parked
    is_free = parked.browser is None
    if not is_free and not parked.pushed:
        return None
    mine, expires_at = digest(browser), work.now + work.settings.request_lifetime if is_free else parked.expires_at
    if not store.bind_browser(work.db, parked.digest, mine, now=work.now, expires_at=expires_at):
        return None
    return replace(parked, browser=mine, created_at=work.now, expires_at=expires_at, **store.NOTHING_DONE)


def is_own(parked: ParkedRequest, browser: str) -> bool:
    """Return whether the request belongs to this browser."""
    return parked.browser == digest(browser)


def record_sign_in(
    work: UnitOfWork, request_uri: str, *, browser: str, session_id: str, proven_earlier: bool = False
) -> None:
    """Note in the request that the user of this session just signed in for it (`Services.record_sign_in`).

    Nothing is noted if it is no longer waiting or belongs to another browser. Call this in the transaction of the
    sign-in. With `proven_earlier`, an upstream did not ask the user: the account was chosen, and there was no new
    sign-in (OIDC Core section 3.1.2.1).
    """
    if HANDLE.fullmatch(request_uri) is not None:
        handle = digest(request_uri.removeprefix(URN))
        values = {"chosen_session_id" if proven_earlier else "signed_in_session_id": session_id}
        store.record(work.db, handle, digest(browser), values, now=work.now)


def require_own(checks: Checks, parked: ParkedRequest, client_id: str | None) -> None:
    """Check that a client_id sent beside the handle names the client that pushed it (RFC 9126 section 4)."""
    checks.client_id = parked.client_id
    checks.require(
        client_id in {None, parked.client_id},
        "request_uri was pushed by this client",
        section="RFC 9126 section 4",
        error=InvalidRequestError,
        description="request_uri was pushed by another client",
        expected=parked.client_id,
        got=client_id or "no client_id",
        fix="Send the client_id that pushed the request. Each client must push its own requests.",
    )


def resume_url(request_uri: str, *, client_id: str, ui_locales: str | None = None) -> str:
    return Destination(request_uri=request_uri, client_id=client_id, ui_locales=ui_locales).location


def describe(server: AuthorizationServer, work: UnitOfWork, request_uri: str, client_id: str | None) -> App | None:
    """Return the app behind a request_uri, for the pages on the way (`Services.describe_request`).

    A request that was finished or has expired is not stored, so `client_id` names its app. It need not be proven: it
    leads only to what the client registered. Returns None if there is no such client.
    """
    parked = find(work, request_uri)
    known_as = client_id if parked is None else parked.client_id
    client = None if known_as is None else server.clients.find(work, known_as)
    if client is None:
        return None
    return app_to_start_again(server, client) if parked is None else app_of(server, parked, client)


def app_to_start_again(server: AuthorizationServer, client: Client) -> App | None:
    """Return what pages show of an app whose request is no longer waiting, or None if its client is disabled."""
    if client.disabled:
        return None
    return App(
        client_id=client.client_id,
        name=client.name,
        host=client.host,
        form_targets=_start_sources(server, client),
        is_waiting=False,
        is_vouched_for=client.is_vouched_for,
        first_seen=client.created_at if client.has_document else None,
    )


def _start_sources(server: AuthorizationServer, client: Client) -> tuple[str, ...]:
    """Return the CSP sources to which a form may lead if the request expires before it is sent: the page at which the
    app begins a sign-in, and from there, signed in already, its redirect URIs.
    """
    url = login_initiation_url(client, issuer=server.issuer)
    return () if url is None else csp_sources((url, *client.metadata.redirect_uris))


def app_of(server: AuthorizationServer, parked: ParkedRequest, client: Client) -> App | None:
    """Return what the pages on the way show of the app that sent a parked request.

    Returns None if its client is disabled or no longer has a redirect URI.
    """
    if client.disabled:
        return None
    prompt, max_age = parse_scope(parked.parameters.get("prompt")), read_max_age(client, parameters_of(parked))
    asks_for_sign_in = "login" in prompt or CREATE in prompt or max_age == 0
    metadata = client.metadata
    redirect_uri = parked.parameters.get("redirect_uri") or next(iter(metadata.redirect_uris), None)
    if redirect_uri is None:
        return None
    # A picture says "your bank" faster than a warning says "not reviewed": an app that registered itself shows none.
    logo_uri = metadata.logo_uri if client.is_vouched_for else None
    host, return_host = client.host_at(redirect_uri), host_of(redirect_uri) or urlsplit(redirect_uri).scheme
    return App(
        client_id=client.client_id,
        name=client.name,
        host=host,
        return_host="" if return_host == host else return_host,
        is_local=is_loopback(return_host),
        first_seen=client.created_at if client.has_document else None,
        form_targets=tuple(dict.fromkeys((csp_source(redirect_uri), *_start_sources(server, client)))),
        login_hint=parked.parameters.get("login_hint"),
        accepts_session=parked.has_sign_in_of if asks_for_sign_in else None,
        max_age=parked.parameters.get("max_age"),
        logo_uri=logo_uri,
        logo_source=None if logo_uri is None else csp_source(logo_uri),
        policy_uri=metadata.policy_uri,
        tos_uri=metadata.tos_uri,
        is_vouched_for=client.is_vouched_for,
        required_factor=metadata.required_factor,
    )
