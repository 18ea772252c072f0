"""The page after a sign-out: the applications that are notified, and the frames that notify some of them (OpenID
Connect Front-Channel Logout 1.0).

The others are notified by `logout.back_channel`, whether the page is loaded or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from provider.destination import BrowserSession
from provider.oauth.clients.clients import Client
from provider.oauth.clients.redirect_uris import with_query
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import grants
from provider.work import UnitOfWork

PURPOSE = "signed-out"
LIFETIME = timedelta(minutes=5)
"""How long the URL of the page is valid. It only shows the page."""
SIGNED_OUT = "/signed-out"


@dataclass(frozen=True)
class NotifiedApp:
    """An application that is notified. `frame` is the URL to load for that, if it is notified through the browser."""

    name: str
    host: str
    frame: str | None


@dataclass(frozen=True)
class SignedOut:
    """The sessions that ended, and where the user goes next: a verified address of `client`, or a page of ours on the
    way there.
    """

    user_id: str  # unused; the previous release, which may still run during an upgrade, reads it
    session_ids: Sequence[str]
    client_id: str | None = None
    onward: str | None = None


def page_for(work: UnitOfWork, server: AuthorizationServer, done: SignedOut) -> str | None:
    """Return the path of the page that notifies applications, or None if it is not needed.

    It is not needed if no application is notified, or if there is an address to continue to and no frame to load.
    """
    apps = find_notified(work, server, done)
    if not apps or (done.onward is not None and not any(app.frame for app in apps)):
        return None
    ticket = work.vault.seal(dict(done.__dict__), purpose=PURPOSE, now=work.now, lifetime=LIFETIME)
    return f"/oauth2/logout/done?{urlencode({'ticket': ticket})}"


def read_ticket(work: UnitOfWork, ticket: str) -> SignedOut | None:
    given = work.vault.unseal(ticket, purpose=PURPOSE, now=work.now)
    return None if given is None else SignedOut(**given)


def find_notified(work: UnitOfWork, server: AuthorizationServer, done: SignedOut) -> list[NotifiedApp]:
    """Return every client that got a grant in an ended session and is registered for logout notifications.

    The client that asked for the sign-out is included.
    """
    apps = []
    for client_id, user_id, session_id in grants.find_clients_of_sessions(work.read, done.session_ids):
        client = server.clients.find(work, client_id)
        if client is None or client.disabled:
            continue
        frame = _frame_of(work, server, client, user_id, session_id)
        if frame is not None or client.metadata.backchannel_logout_uri is not None:
            apps.append(NotifiedApp(client.name, client.host, frame))
    return apps


def _frame_of(
    work: UnitOfWork, server: AuthorizationServer, client: Client, user_id: str, session_id: str
) -> str | None:
    """Return the URL of the frame, with `iss` and `sid`, both or neither (section 2)."""
    uri = client.metadata.frontchannel_logout_uri
    if uri is None or not client.metadata.frontchannel_logout_session_required:
        return uri
    subject = server.subjects.of_session(work, client, user_id=user_id, session_id=session_id)
    return with_query(uri, {"iss": server.issuer, "sid": subject.sid})


def page_after(
    server: AuthorizationServer,
    work: UnitOfWork,
    *,
    ended: Sequence[BrowserSession],
    onward: str | None = None,
    client_id: str | None = None,
) -> str:
    """Return the page to show after a sign-out on a page of ours (`Services.page_after_sign_out`)."""
    if not ended:
        return onward or SIGNED_OUT
    done = SignedOut(ended[0].user_id, [session.id for session in ended], client_id=client_id, onward=onward)
    return page_for(work, server, done) or onward or SIGNED_OUT
