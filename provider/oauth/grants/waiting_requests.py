"""The user's answer, in a browser, to a request that a client polls for (RFC 8628 section 3.3, CIBA section 8).

An approved request is a grant like that of an authorization code. Whatever ends such a grant ends it too, before the
client has fetched its tokens and after.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provider.oauth.authorize import consent
from provider.oauth.authorize.approval import count_sign_in, new_grant
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store import approved_grants
from provider.oauth.grants.store.polled_requests import PolledTable
from provider.oauth.tokens.store.grants import Grant
from provider.sessions.store import Session
from provider.work import UnitOfWork


@dataclass(frozen=True)
class WaitingRequest:
    """A request that waits for an answer, as it is shown to the user."""

    digest: bytes
    request: AuthorizationRequest
    network: str
    asked_at: datetime


def allow(work: UnitOfWork, table: PolledTable[Any], waiting: WaitingRequest, session: Session) -> Grant | None:
    """Let the client act for the user of this session. Returns None if the request was answered meanwhile, or if the
    session has ended.
    """
    request, user_id = waiting.request, session.user_id
    grant = new_grant(work, request, session)
    if not approved_grants.hold_session(work.db, grant) or not table.answer(work.db, waiting.digest, now=work.now):
        return None
    table.attach(work.db, waiting.digest, grant)
    count_sign_in(work, request)
    client = request.client
    if not client.metadata.first_party:
        consent.grant(
            work,
            user_id=user_id,
            client=client,
            scopes=request.scope,
            claims=frozenset(),
            resources=request.resources,
            details=request.details,
        )
    return grant


def deny(work: UnitOfWork, table: PolledTable[Any], waiting: WaitingRequest, session: Session) -> bool:
    """Deny the client access. Returns False if the request was answered meanwhile."""
    if not table.answer(work.db, waiting.digest, now=work.now):
        return False
    consent.deny(work, user_id=session.user_id, client_id=waiting.request.client.client_id)
    return True
