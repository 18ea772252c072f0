"""What grants have in common whose client polls for the user's answer: device codes (RFC 8628 section 3.5) and
backchannel authentication requests (CIBA section 11). Each request gets tokens once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from provider.audit.events import Event
from provider.audit.log import record
from provider.oauth.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    ExpiredTokenError,
    InvalidGrantError,
    SlowDownError,
)
from provider.oauth.grants.presented import Kind, narrow_to_request, require_active, require_own
from provider.oauth.grants.request import TokenRequest
from provider.oauth.grants.store.polled_requests import PolledRequest, PolledTable, RowT, find_allowed
from provider.oauth.scopes import parse_scope
from provider.oauth.tokens.access_tokens import token_response
from provider.oauth.tokens.store import grants
from provider.work import UnitOfWork

INTERVAL = 5
"""Seconds between two polls of a client (RFC 8628 section 3.2, CIBA section 7.3)."""
SLOWER = 5
"""Seconds added to the polling interval after a poll that came too early."""
LEEWAY = timedelta(seconds=1)
"""Tolerance for a poll that is early because the network was faster this time."""


@dataclass(frozen=True)
class Polled:
    """A kind of request that a client polls for, in the words of explanations and errors."""

    kind: Kind
    parameter: str
    """The parameter of the token request that names the request."""
    noun: str
    """What it is called in a sentence, without an article."""
    section: str
    """The section that defines the errors."""
    start_over: str
    """What to do after it expired or was declined."""


def redeem_polled(
    request: TokenRequest, polled: Polled, table: PolledTable[RowT], found: RowT | None
) -> dict[str, Any]:
    """Return the token response for a request that was found by its digest, if it was.

    Raises AuthorizationPendingError, SlowDownError, ExpiredTokenError, AccessDeniedError or InvalidGrantError.
    """
    work, checks = request.work, request.checks
    asked = require_own(request, polled.kind, found)
    if asked.spent_at is not None:
        _refuse_replay(request, polled, asked)
    checks.require(
        asked.expires_at > work.now,
        f"{polled.kind.name} has not expired",
        section=polled.section,
        error=ExpiredTokenError,
        description=f"{polled.parameter} has expired. Request a new one",
        expected=f"used within {int((asked.expires_at - asked.created_at).total_seconds())} seconds",
        got=f"expiry at {asked.expires_at:%H:%M:%S} UTC",
        fix=polled.start_over,
    )
    if asked.answered_at is None:
        _wait(request, polled, table, asked)
    checks.require(
        asked.grant_id is not None,
        "The user allowed access",
        section=polled.section,
        error=AccessDeniedError,
        description="The user declined access",
        expected="access allowed",
        got="access declined",
        fix=f"Show the user that access was declined. If they want to try again: {polled.start_over}",
    )
    return _fetch(request, polled, table, asked)


def _wait(request: TokenRequest, polled: Polled, table: PolledTable[RowT], asked: RowT) -> NoReturn:
    """Raise the error for a client whose user has not answered yet.

    The polling interval holds for all nodes together, so it is stored in the row.
    """
    work, checks = request.work, request.checks
    slower = asked.poll_interval + SLOWER
    in_time = table.poll(work.db, asked, next_poll_at=_after(work, asked.poll_interval), now=work.now)
    if not in_time:
        table.slow_down(work.db, asked, poll_interval=slower, next_poll_at=_after(work, slower))
    checks.require(
        in_time,
        "The client waited for the polling interval",
        section=polled.section,
        error=SlowDownError,
        description=f"Polling too fast. Wait {slower} seconds before the next request",
        expected=f"{asked.poll_interval} seconds between two requests",
        got="an earlier request",
        fix="Wait for the number of seconds in interval, and five more after each slow_down.",
    )
    checks.refuse(
        "The user has answered",
        section=polled.section,
        error=AuthorizationPendingError,
        description="The user has not answered yet. Try again after the interval",
        expected="an answer of the user",
        got="no answer yet",
        fix="Wait for the number of seconds in interval, and send the request again until it expires.",
    )


def _after(work: UnitOfWork, interval: int) -> datetime:
    return work.now + timedelta(seconds=interval) - LEEWAY


def _fetch(request: TokenRequest, polled: Polled, table: PolledTable[RowT], asked: RowT) -> dict[str, Any]:
    work, client = request.work, request.client
    presented = require_active(request, polled.kind, find_allowed(work.read, asked))
    grant = presented.grant
    refresh_token, first = request.first_refresh_token(grant)
    scope = client.metadata.still_of(parse_scope(grant.scope))
    authorization = narrow_to_request(request, presented, scope=scope)
    response = token_response(work, request.server, authorization, refresh_token=refresh_token)
    if not table.redeem(work.autocommit, asked.digest, refresh_token=first, now=work.now):
        _refuse_replay(request, polled, asked)
    return response


def _refuse_replay(request: TokenRequest, polled: Polled, asked: PolledRequest) -> NoReturn:
    """Revoke the tokens issued for the request, and raise InvalidGrantError.

    Two parties have what names it, and one of them is not the client (as in RFC 9700 section 4.5).
    """
    work = request.work
    presented = find_allowed(work.read, asked)
    grant = None if presented is None else presented.grant
    if grant is not None and grants.revoke(work.db, grant.id, reason=f"{polled.noun} replayed", now=work.now):
        record(work, Event.CODE_REPLAYED, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)
    request.checks.refuse(
        f"{polled.kind.name} is used for the first time",
        section=polled.section,
        error=InvalidGrantError,
        description=polled.kind.refused,
        expected=f"{polled.noun} that was not used",
        got=f"a used {polled.noun}. All tokens issued for it are now revoked",
        fix=f"Use each {polled.noun} once. If the response was lost, start over. {polled.start_over}",
    )
