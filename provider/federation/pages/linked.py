"""The linked identities page: see them, link another, unlink one, or link an identity proven before the sign-in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from starlette.responses import Response

from provider.accounts import linked_identities
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.linked_identities import LastSignInMethod, LinkedElsewhere, NoSuchIdentity
from provider.accounts.pages.guards import require_every_factor
from provider.accounts.passwords.directories import has_password
from provider.accounts.store import email_addresses, upstream_tokens
from provider.accounts.store import linked_identities as store
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.accounts.upstream_tokens import ending
from provider.destination import Destination
from provider.federation import linking
from provider.federation.exchange import UpstreamIdentity
from provider.federation.linking import Offer
from provider.federation.pages.forwarding import forward
from provider.federation.pages.upstreams_of import upstreams_of
from provider.federation.upstreams import Upstream, Upstreams
from provider.refusals import NotFound, Refusal
from provider.sessions.guards import page_to_switch, require_user
from provider.sessions.store import Session
from provider.web import cookies
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/account/linked"
ELSEWHERE = "linked-elsewhere"


@endpoint
def show_linked(call: Call) -> Response:
    _upstreams(call)
    refusal = LinkedElsewhere() if call.query.get("failed") == ELSEWHERE else None
    return _page(call, require_user(call), refusal)


@endpoint
def begin(call: Call) -> Response:
    """Start linking another identity at an upstream: POST /account/linked.

    It needs a recent sign-in with every factor the user has. Raises NotFound for an unknown upstream.
    """
    session = require_every_factor(call, back=PATH)
    upstream = _upstreams(call).get(call.form.get("upstream", ""))
    if upstream is None:
        raise NotFound
    return forward(call, upstream, Destination(return_to=PATH), link_to=session.user_id)


def after_linking(call: Call, upstream: Upstream, identity: UpstreamIdentity, *, user_id: str) -> Response:
    """Link the identity after the return from the upstream, if the same user is still signed in."""
    session = require_every_factor(call, back=PATH)
    if session.user_id != user_id:
        return go(PATH)
    try:
        linked_identities.link(
            call.work,
            user_id=user_id,
            issuer=identity.issuer,
            subject=identity.subject,
            email=identity.email,
            name=upstream.settings.name,
            session=session,
        )
    except SessionEnded:
        return go(PATH)
    except LinkedElsewhere:
        return go(f"{PATH}?failed={ELSEWHERE}")
    if linking.keep_for_identity(call.work, upstream.settings, identity, connects=True):
        return go(f"{PATH}?done=connected")
    return go(f"{PATH}?done=linked")


@endpoint(form_on=PATH)
def unlink(call: Call) -> Response:
    session, upstreams = require_every_factor(call, back=PATH), _upstreams(call)
    identity_id = call.form.get("identity", "")
    if identity_id not in {one.id for one in _own_identities(call, session.user_id)}:
        return go(f"{PATH}?done=unlinked")  # in another tab
    try:
        linked_identities.unlink(call.work, user_id=session.user_id, identity_id=identity_id, name_of=upstreams.name_of)
    except LastSignInMethod as refusal:
        return _page(call, session, refusal)
    except NoSuchIdentity:
        pass  # unlinked in another tab
    return go(f"{PATH}?done=unlinked")


@endpoint(form_on=PATH)
def disconnect(call: Call) -> Response:
    """Remove the tokens with which apps use an identity at its upstream: POST /account/linked/disconnect.

    It stays linked. Like signing out an app, this needs no recent sign-in.
    """
    session = require_user(call, back=PATH)
    ending.stop(call.work, user_id=session.user_id, identity_id=call.form.get("identity", ""))
    return go(f"{PATH}?done=disconnected")


@endpoint
def show_offer(call: Call) -> Response:
    """Ask whether to link an identity that was proven before this sign-in: GET /account/linked/confirm."""
    offer = _offer(call)
    return _offer_over(call) if offer is None else _ask(call, require_every_factor(call), offer)


@endpoint
def accept(call: Call) -> Response:
    offer = _offer(call)
    if offer is None:
        return _offer_over(call)
    session = require_every_factor(call)
    try:
        linking.accept(call.work, offer, session, name=_upstreams(call).name_of(offer.issuer))
    except SessionEnded:
        return go(Destination().through(f"{PATH}/confirm", ticket=call.query["ticket"]))
    except LinkedElsewhere as refusal:
        return _ask(call, session, offer, refusal)
    return go(destination(call, offer.destination).location)


def _upstreams(call: Call) -> Upstreams:
    """Return the upstreams. Raises NotFound if there are none."""
    upstreams = upstreams_of(call)
    if not upstreams.shown:
        raise NotFound
    return upstreams


def _offer(call: Call) -> Offer | None:
    return linking.unseal(call.work, call.query.get("ticket"), browser=call.cookie(cookies.BROWSER))


def _offer_over(call: Call) -> Response:
    return page(call, "federation/offer_over.html", status_code=410)


def _ask(call: Call, session: Session, offer: Offer, refusal: Refusal | None = None) -> Response:
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    here = Destination().through(f"{PATH}/confirm", ticket=call.query["ticket"])
    where = destination(call, offer.destination)
    return page(
        call,
        "federation/offer.html",
        status_code=200 if refusal is None else refusal.status_code,
        name=_upstreams(call).name_of(offer.issuer),
        email=offer.email,
        address="" if address is None else address.address,
        action=here,
        where=where,
        as_another=page_to_switch(call, replace(where, return_to=here)),
        errors={} if refusal is None else {"": refusal.message},
    )


def _own_identities(call: Call, user_id: str) -> list[LinkedIdentity]:
    """Return the identities that the user may unlink. That of a directory decides who checks the password."""
    of_directory = call.installation.upstreams.directory_of_issuer
    return [one for one in store.find_of_user(call.work.read, user_id) if of_directory(one.issuer) is None]


def _page(call: Call, session: Session, refusal: Refusal | None = None) -> Response:
    upstreams, held = _upstreams(call), _own_identities(call, session.user_id)
    use = _use_by_apps(call, upstreams, held)
    identities = [
        {
            "id": one.id,
            "name": upstreams.name_of(one.issuer),
            "email": one.email,
            "since": one.created_at,
            "last_used": one.last_used_at,
            "use": use.get(one.id),
        }
        for one in held
    ]
    return page(
        call,
        "federation/linked.html",
        status_code=200 if refusal is None else refusal.status_code,
        offers_languages=refusal is None,
        identities=identities,
        upstreams=upstreams.shown,
        has_password=has_password(call.work, session.user_id),
        done=call.query.get("done") if refusal is None else None,
        errors={} if refusal is None else {"": refusal.message},
    )


@dataclass(frozen=True)
class UseByApps:
    """How apps use an identity at its upstream."""

    key: str
    is_on: bool
    """Whether there are tokens with which they can."""
    apps: Sequence[tuple[str, datetime]]
    """The name of each app that did, and when it did last."""


def _use_by_apps(call: Call, upstreams: Upstreams, held: Sequence[LinkedIdentity]) -> dict[str, UseByApps]:
    """Return how apps use those of the identities whose upstream stores tokens, by ID."""
    found, read = {}, call.work.read
    for identity in held:
        settings = upstreams.of_issuer(identity.issuer)
        if settings is None or not settings.store_tokens:
            continue
        row = upstream_tokens.find(read, identity.id)
        uses = upstream_tokens.find_uses(read, [identity.id])
        apps = [(call.services.name_app(call.work, use.client_id)[0], use.last_used_at) for use in uses]
        found[identity.id] = UseByApps(settings.key, is_on=row is not None and row.is_usable, apps=apps)
    return found
