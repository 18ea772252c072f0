"""Signing in at an upstream, and linking it: the two requests (OIDC Core section 3.1.2)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts.attributes.values import InvalidAttributes
from provider.destination import Destination
from provider.federation import exchange, linking, new_accounts, states
from provider.federation.exchange import UpstreamDeclined, UpstreamIdentity
from provider.federation.id_tokens import NotOfOrganization, UpstreamUntrusted
from provider.federation.linking import NotLinked, ProofRequired
from provider.federation.new_accounts import AttributesRequired
from provider.federation.pages.forwarding import failed_page, find_upstream, forward, must_prove
from provider.federation.pages.linked import after_linking
from provider.federation.pages.sign_up import ask_for_attributes, read_attributes
from provider.federation.pages.upstreams_of import upstreams_of
from provider.federation.states import StateLost, StateSpent, UpstreamState
from provider.federation.upstreams import Upstream, UpstreamUnavailable
from provider.login.active import AddressUnconfirmed, Suspended, UnknownUser
from provider.login.pages.arrival import arrival_of
from provider.login.pages.keep import FIELD as KEEP
from provider.login.pages.keep import wants_to_stay
from provider.login.pages.outcome import not_now, signed_in
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.refusals import NotFound, TooManyRequests
from provider.sessions.cookie import find_session
from provider.web import cookies, errors
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

FAILED = (UpstreamUnavailable, UpstreamDeclined, UpstreamUntrusted, NotOfOrganization)
ANSWER = "upstream-answer"
"""The purpose of a sealed answer."""
IN_FORM = ("code", "state", "error", "error_description", "iss", "user")
"""The parameters of an answer by form that count."""
LONGEST_IN_FORM = 4000
LAST_KEPT_FOR = timedelta(days=365)
"""How long a browser remembers which upstream it used last."""


@endpoint(before_sign_in=True, form_on="/login")
def start(call: Call) -> Response:
    """Send the user to the upstream: POST /login/upstream/{key}/start.

    Only POST is accepted, so that a link on another site cannot send a user there.
    """
    upstream, where = find_upstream(call), destination(call)
    return forward(call, upstream, where, must_prove=must_prove(where), keep=wants_to_stay(call))


@endpoint(refuses_head=True, before_sign_in=True)
def callback(call: Call) -> Response:
    """Handle the upstream's response: GET /login/upstream/{key}/callback.

    Its pages do not offer other languages, because the URL contains the code and works once.
    """
    upstream = find_upstream(call)
    if call.query.repeated:
        raise errors.Malformed
    answer = _answer(call, upstream)
    try:
        browser = call.cookie(cookies.BROWSER)
        state = states.unseal(call.work, answer.get("state"), upstream=upstream.settings.key, browser=browser)
    except StateLost as refusal:
        return failed_page(call, upstream, destination(call, refusal.destination), refusal, linking=refusal.linking)
    where = destination(call, state.destination)
    try:
        identity = _find_out(call, upstream, state, answer)
    except StateSpent as refusal:
        # Back, or reload. Whoever is in goes on; nobody comes in by it.
        return go(where.location) if find_session(call) is not None else failed_page(call, upstream, where, refusal)
    except (*FAILED, TooManyRequests) as refusal:
        return failed_page(call, upstream, where, refusal, linking=state.link_to is not None)
    if state.link_to is not None:
        return after_linking(call, upstream, identity, user_id=state.link_to)
    return _sign_in(
        call, upstream, identity, where, given=state.destination, asked_at=state.begun_at if state.must_prove else None
    )


@endpoint(csrf_checked=False, before_sign_in=True)
def answer_by_form(call: Call) -> Response:
    """Take the upstream's response as a form: POST /login/upstream/{key}/callback (Form Post Response Mode).

    The form is sent by a page of another site, so the browser leaves our cookies out (SameSite=Lax). It brings them to
    the redirect that follows. What was sent travels there sealed, because it has the user's name. Nothing is checked or
    used up here: anybody can send a form.
    """
    upstream = upstreams_of(call).get(call.path_params["key"])
    if upstream is None or not upstream.settings.of_preset.form_post:
        call.require_csrf()  # nobody else sends a form here
        raise NotFound
    if call.form.repeated:
        raise errors.Malformed
    given = {name: call.form[name][:LONGEST_IN_FORM] for name in IN_FORM if name in call.form}
    sealed = call.work.vault.seal(given, purpose=ANSWER, now=call.work.now, lifetime=states.LIFETIME)
    return go(f"{call.path}?{urlencode({'answer': sealed})}")


@endpoint(before_sign_in=True, form_on="/signup")
def sign_up(call: Call) -> Response:
    """Create the account of a user who gave what operators require of new users: POST /login/upstream/{key}/sign-up."""
    upstream, ticket = find_upstream(call), call.form.get("ticket", "")
    try:
        key, browser = upstream.settings.key, call.cookie(cookies.BROWSER)
        waiting = new_accounts.unseal(call.work, ticket, upstream=key, browser=browser)
    except StateLost as refusal:
        return failed_page(call, upstream, destination(call), refusal)
    where = destination(call, waiting.destination)
    try:
        attributes = read_attributes(call)
    except InvalidAttributes as refusal:
        email = waiting.identity["email"]
        return ask_for_attributes(call, upstream, where, ticket=ticket, email=email, refusal=refusal)
    try:
        identity = new_accounts.spend(call.work, waiting)
    except StateSpent as refusal:
        return go(where.location) if find_session(call) is not None else failed_page(call, upstream, where, refusal)
    return _sign_in(call, upstream, identity, where, given=waiting.destination, attributes=attributes)


def _answer(call: Call, upstream: Upstream) -> Mapping[str, str]:
    """Return the parameters of the response, which came in the query or before it in a form."""
    if not upstream.settings.of_preset.form_post:
        return call.query
    sealed = call.query.get("answer")
    return (None if sealed is None else call.work.vault.unseal(sealed, purpose=ANSWER, now=call.work.now)) or {}


def _find_out(call: Call, upstream: Upstream, state: UpstreamState, answer: Mapping[str, str]) -> UpstreamIdentity:
    work, network = call.work, of_network(call.work, "upstream")
    _ = work.outbound  # from here on in a thread that may wait: before anything is used up
    require_room(work, LIMITS.upstream, key=network)
    states.spend(work, state)
    try:
        return exchange.redeem(work, upstream, state, answer)
    except FAILED:
        count(work, LIMITS.upstream, key=network)
        raise


def _sign_in(
    call: Call,
    upstream: Upstream,
    identity: UpstreamIdentity,
    where: Destination,
    *,
    given: Mapping[str, str],
    attributes: Mapping[str, Any] | None = None,
    asked_at: float | None = None,
) -> Response:
    # The user chose in the form that led to the upstream: it is among the parameters that came back with the answer.
    parameters = {name: value for name, value in given.items() if name != KEEP}
    arrival = replace(arrival_of(call, where), link_parameters=parameters, keep_signed_in=KEEP in given)
    try:
        done = linking.sign_in(call.work, arrival, upstream, identity, attributes=attributes, asked_at=asked_at)
    except ProofRequired:
        return forward(call, upstream, where, must_prove=True, keep=KEEP in given)
    except AttributesRequired:
        ticket = new_accounts.seal(call.work, upstream.settings, identity, browser=call.browser, destination=given)
        return ask_for_attributes(call, upstream, where, ticket=ticket, email=identity.email)
    except UnknownUser as refusal:
        return failed_page(call, upstream, where, refusal)
    except NotLinked as refusal:
        return _not_linked(call, upstream, refusal, where)
    except (Suspended, AddressUnconfirmed) as refusal:
        return not_now(call, where, refusal, offers_languages=False)
    except TooManyRequests as refusal:
        return failed_page(call, upstream, where, refusal)
    call.set_cookie(cookies.UPSTREAM, upstream.settings.key, max_age=int(LAST_KEPT_FOR.total_seconds()))
    return signed_in(call, where, done)


def _not_linked(call: Call, upstream: Upstream, refusal: NotLinked, where: Destination) -> Response:
    """Return the page that offers to sign in and link, or to sign up first.

    Both lead to the same question, and then to the app.
    """
    ticket = linking.seal(call.work, refusal.offer)
    confirm = Destination().through("/account/linked/confirm", ticket=ticket)
    return page(
        call,
        "federation/not_linked.html",
        status_code=403,
        offers_languages=False,
        name=upstream.settings.name,
        email=refusal.offer.email,
        has_account=refusal.has_account,
        problem=refusal.problem,
        where=where,
        then=replace(where, return_to=confirm, again=False),
    )
