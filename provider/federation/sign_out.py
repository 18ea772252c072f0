"""Signing out at upstreams after a sign-out here (OpenID Connect RP-Initiated Logout 1.0), as their relying party.

Sessions here have ended before: an upstream that is down changes nothing about that. The browser goes from one upstream
to the next, and then to where the sign-out was leading.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri

from provider.crypto.digests import digest
from provider.crypto.vault import VaultError
from provider.destination import BrowserSession
from provider.federation.exchange import UpstreamIdentity
from provider.federation.managed import post_logout_redirect_uri
from provider.federation.store import upstream_sessions
from provider.federation.store.upstream_sessions import UpstreamSession
from provider.federation.upstreams import Upstream, Upstreams, UpstreamUnavailable
from provider.observability.logging import log
from provider.work import UnitOfWork

PATH = "/login/upstream/sign-out"
SIGNED_OUT = "/signed-out"
"""The page of a sign-out that leads nowhere else."""
ID_TOKEN, TICKET, STATE = "upstream-id-token", "upstream-sign-out", "upstream-signed-out"
"""Purposes of what is encrypted and sealed."""
TICKET_LIFETIME = timedelta(minutes=5)
STATE_LIFETIME = timedelta(minutes=30)
"""How long a user may take at the upstream, which may ask whether to sign out."""
LONGEST_HINT = 6000
"""The longest ID token that is kept, in characters. With a longer one, the URL would be too long for many servers."""


@dataclass(frozen=True)
class Way:
    """The rest of a sign-out: the sessions that ended here and not yet at their upstreams, and where to go then."""

    session_ids: Sequence[str]
    onward: str | None


def remember(work: UnitOfWork, upstream: Upstream, identity: UpstreamIdentity, *, cookie: str) -> None:
    """Note that the session with this cookie came from the upstream. Without OpenID Connect there is nothing to note.

    The ID token is kept only where it is needed.
    """
    if not upstream.settings.is_oidc:
        return
    kept = identity.id_token if upstream.settings.signs_out_there else None
    upstream_sessions.put(
        work.db,
        digest(cookie),
        upstream=upstream.settings.key,
        issuer=identity.issuer,
        subject=identity.subject,
        sid=identity.sid,
        sealed_id_token=None
        if kept is None or len(kept) > LONGEST_HINT
        else work.vault.encrypt(kept.encode(), purpose=ID_TOKEN, context=identity.subject),
    )


def way_on(
    work: UnitOfWork, upstreams: Upstreams, *, ended: Sequence[BrowserSession], onward: str | None
) -> str | None:
    """Return where the browser goes after these sessions of it ended: to a page that leads through their upstreams, or
    only `onward`.
    """
    keys = {one.key for one in upstreams.shown if one.signs_out_there}
    if not keys or not ended:
        return onward
    found = upstream_sessions.find(work.read, [one.id for one in ended])
    ids = [one.id for one in ended if one.id in found and found[one.id].upstream in keys]
    return next_page(work, Way(ids, onward)) if ids else onward


def next_page(work: UnitOfWork, way: Way) -> str:
    """Return the next page of a sign-out: of ours for the next upstream, or where it was leading."""
    if not way.session_ids:
        return way.onward or SIGNED_OUT
    ticket = work.vault.seal(asdict(way), purpose=TICKET, now=work.now, lifetime=TICKET_LIFETIME)
    return f"{PATH}?{urlencode({'ticket': ticket})}"


def read_ticket(work: UnitOfWork, ticket: str | None) -> Way:
    """Return what is left of a sign-out: nothing, if the ticket is not ours or has expired."""
    given = work.vault.unseal(ticket, purpose=TICKET, now=work.now) if ticket else None
    return Way((), None) if given is None else Way(**given)


def end_session_url(
    work: UnitOfWork, upstream: Upstream, session: UpstreamSession, *, rest: Way, browser: str
) -> str | None:
    """Return the URL at the upstream that signs the user out (section 2), or None if it is down or has none.

    `browser` is the cookie of the browser, in which alone the answer leads on.
    """
    try:
        endpoint = upstream.metadata(work).end_session_endpoint
    except UpstreamUnavailable:
        return None  # the log says why
    if endpoint is None:
        log.warning("upstream.no_sign_out", upstream=upstream.settings.key)
        return None
    value = asdict(rest) | {"browser": digest(browser).hex(), "upstream": upstream.settings.key}
    value["session_id"] = session.session_id
    parameters = {
        "id_token_hint": _hint_of(work, session),
        "client_id": upstream.settings.client_id,
        "post_logout_redirect_uri": post_logout_redirect_uri(work.settings, upstream.settings.key),
        "state": work.vault.seal(value, purpose=STATE, now=work.now, lifetime=STATE_LIFETIME),
    }
    url: str = add_params_to_uri(endpoint, [(name, given) for name, given in parameters.items() if given is not None])
    return url


def come_back(work: UnitOfWork, *, upstream: str, state: str | None, browser: str | None) -> Way:
    """Return what is left of the sign-out with this `state` (section 3), and forget the upstream's session. Nothing is
    left if the state is not ours, has expired, or belongs to another browser or upstream.
    """
    given = work.vault.unseal(state, purpose=STATE, now=work.now) if state and browser is not None else None
    if given is None or browser is None or given["browser"] != digest(browser).hex() or given["upstream"] != upstream:
        return Way((), None)
    upstream_sessions.remove(work.db, [given["session_id"]])
    return Way(given["session_ids"], given["onward"])


def _hint_of(work: UnitOfWork, session: UpstreamSession) -> str | None:
    if session.sealed_id_token is None:
        return None
    try:
        return work.vault.decrypt(session.sealed_id_token, purpose=ID_TOKEN, context=session.subject).decode()
    except VaultError:  # its key is no longer configured: the upstream asks the user
        return None
