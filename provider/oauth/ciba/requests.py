"""Backchannel authentication requests: storing one and telling the user, and the user's answer (CIBA sections 7.3, 8).

People who are asked again and again approve in the end. So one app may ask one person only so often, emails have a
lower limit than requests, and an app whose requests were denied may not ask for a while (decision 272).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from provider.accounts.store import email_addresses
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_opaque
from provider.database.base import new_id
from provider.mail import messages
from provider.oauth.authorize.access_policy import find_denial, require_access
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.checks import Checks
from provider.oauth.ciba import notifications
from provider.oauth.ciba.parameters import Asked
from provider.oauth.clients.choices import CIBA
from provider.oauth.clients.clients import Client
from provider.oauth.errors import RequestDeniedError
from provider.oauth.grants import waiting_requests
from provider.oauth.grants.polling import INTERVAL
from provider.oauth.grants.store import backchannel_requests
from provider.oauth.grants.store.backchannel_requests import BackchannelRequest
from provider.oauth.grants.waiting_requests import WaitingRequest
from provider.oauth.scopes import format_scope, parse_scope
from provider.oauth.tokens.server import AuthorizationServer
from provider.ratelimits import LIMITS, count, has_room, hit, is_full
from provider.sessions.store import Session
from provider.work import UnitOfWork

APPROVAL_PATH = "/approve"
"""The path of the page where the user answers."""
MOST_SHOWN = 20
"""How many waiting requests the account page lists."""


@dataclass(frozen=True)
class ApprovalRequest(WaitingRequest):
    """A backchannel authentication request that waits for an answer."""

    row: BackchannelRequest


@dataclass(frozen=True)
class Approval:
    """A waiting request as the account page lists it."""

    url: str
    app: str
    asked_at: datetime
    expires_at: datetime


def require_may_ask(work: UnitOfWork, checks: Checks, asked: Asked) -> None:
    """Raise RequestDeniedError if the user may not sign in to the client, wherever they are; RequestDeniedError or
    TooManyRequests if it asks this user too often.
    """
    denied = find_denial(work, asked.request.client, asked.user.id, here=False)
    require_access(checks, denied, error=RequestDeniedError, section="CIBA section 13")
    pair = _pair(asked.request.client.client_id, asked.user.id)
    checks.require(
        not is_full(work, LIMITS.backchannel_denied, key=f"backchannel-denied:{pair}"),
        "The user has not denied several requests of this client lately",
        section="CIBA section 13",
        error=RequestDeniedError,
        description="The user denied several requests of this client. It cannot ask again for now",
        expected=f"fewer denied requests than {LIMITS.backchannel_denied}",
        got="as many denied requests",
        fix="Wait an hour, and ask only for what the user just started.",
    )
    hit(work, LIMITS.backchannel, key=f"backchannel:{pair}")


def _pair(client_id: str, user_id: str) -> str:
    return f"{client_id}:{user_id}"


def begin(work: UnitOfWork, asked: Asked) -> str:
    """Store the request and tell the user. Returns the auth_req_id."""
    client, user = asked.request.client, asked.user
    auth_req_id, request_id = new_opaque(), new_id()
    token = asked.notification_token
    row = BackchannelRequest(
        digest=digest(auth_req_id),
        client_id=client.client_id,
        scope=format_scope(asked.request.scope),
        network=work.origin.network,
        created_at=work.now,
        expires_at=work.now + asked.lifetime,
        poll_interval=INTERVAL,
        next_poll_at=work.now,
        answered_at=None,
        grant_id=None,
        spent_at=None,
        id=request_id,
        user_id=user.id,
        binding_message=asked.binding_message,
        acr_values=format_scope(asked.request.acr_values),
        resources=list(asked.request.resources),
        notification=None
        if token is None
        else notifications.seal(work, request_id, auth_req_id=auth_req_id, token=token),
    )
    emailed = _may_email(work, _pair(client.client_id, user.id), user.id)
    backchannel_requests.REQUESTS.add(work.db, row)
    address = email_addresses.find_of_user(work.read, user.id) if emailed else None
    if address is not None:
        url = url_of(row)
        messages.approval_requested(
            work, to=address.address, app=client.name, path=url, lifetime=asked.lifetime, language=user.language
        )
    record(
        work,
        Event.APPROVAL_REQUESTED,
        user_id=user.id,
        client_id=client.client_id,
        request=request_id,
        emailed=address is not None,
    )
    return auth_req_id


def _may_email(work: UnitOfWork, pair: str, user_id: str) -> bool:
    return has_room(work, LIMITS.backchannel_mail, key=f"backchannel-mail:{pair}") and has_room(
        work, LIMITS.backchannel_mail_of_user, key=f"backchannel-mail:{user_id}"
    )


def url_of(row: BackchannelRequest) -> str:
    """Return the path of the page of a request. Only its own user can open it."""
    return f"{APPROVAL_PATH}?request={row.id}"


def find_waiting(
    work: UnitOfWork, server: AuthorizationServer, request_id: str, *, user_id: str
) -> ApprovalRequest | None:
    """Return the request with this id that waits for this user, or None.

    None means that it is unknown, for another user, answered or expired, or that its client is disabled or no longer
    registered for CIBA.
    """
    try:
        known = str(uuid.UUID(request_id))
    except ValueError:
        return None
    row = backchannel_requests.find_waiting(work.read, known, user_id=user_id, now=work.now)
    client = None if row is None else _find_client(work, server, row)
    if row is None or client is None:
        return None
    request = AuthorizationRequest(
        client=client,
        redirect_uri="",
        redirect_uri_given=False,
        scope=client.metadata.still_of(parse_scope(row.scope)),
        acr_values=parse_scope(row.acr_values),
        resources=tuple(row.resources),
    )
    return ApprovalRequest(row.digest, request, row.network, row.created_at, row)


class WaitingApprovals:
    """Lists the requests that wait for a user. Where no app sends any, that is asked again only after
    SIGNET_CLIENT_CACHE, and a page costs no further statement.
    """

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server
        self._unused_at: datetime | None = None

    def find(self, work: UnitOfWork, user_id: str) -> list[Approval]:
        """Return the requests that wait for this user, the latest first."""
        if not self._is_used(work):
            return []
        rows = backchannel_requests.find_waiting_of_user(work.read, user_id, now=work.now, limit=MOST_SHOWN)
        found = [(row, _find_client(work, self._server, row)) for row in rows]
        return [
            Approval(url_of(row), client.name, row.created_at, row.expires_at)
            for row, client in found
            if client is not None
        ]

    def _is_used(self, work: UnitOfWork) -> bool:
        keep = timedelta(seconds=work.settings.client_cache)
        if self._unused_at is not None and timedelta(0) <= work.now - self._unused_at < keep:
            return False
        used = backchannel_requests.is_used(work.read)
        self._unused_at = None if used else work.now
        return used


def _find_client(work: UnitOfWork, server: AuthorizationServer, row: BackchannelRequest) -> Client | None:
    client: Client | None = server.clients.find(work, row.client_id)
    usable = client is not None and not client.disabled and CIBA in client.metadata.grant_types
    return client if usable else None


def allow(work: UnitOfWork, approval: ApprovalRequest, session: Session) -> bool:
    """Give the client what it asks for. Returns False if the request was answered meanwhile or has expired."""
    grant = waiting_requests.allow(work, backchannel_requests.REQUESTS, approval, session)
    if grant is None:
        return False
    record(work, Event.APPROVAL_GIVEN, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)
    notifications.notify(work, approval.row)
    return True


def deny(work: UnitOfWork, approval: ApprovalRequest, session: Session) -> bool:
    """Deny the request. Returns False if it was answered meanwhile or has expired."""
    if not waiting_requests.deny(work, backchannel_requests.REQUESTS, approval, session):
        return False
    row = approval.row
    count(work, LIMITS.backchannel_denied, key=f"backchannel-denied:{_pair(row.client_id, row.user_id)}")
    notifications.notify(work, row)
    return True
