"""The device_code grant: a device polls for the user's answer and gets tokens once (RFC 8628 sections 3.4, 3.5)."""

from datetime import datetime, timedelta
from typing import Any, NoReturn

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.oauth.clients.metadata import DEVICE_CODE
from provider.oauth.clients.resources import narrow
from provider.oauth.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    ExpiredTokenError,
    InvalidGrantError,
    SlowDownError,
)
from provider.oauth.grants import store as device_codes
from provider.oauth.grants.presented import Kind, Presented, require_active, require_own
from provider.oauth.grants.request import TokenRequest
from provider.oauth.grants.store import DeviceCode
from provider.oauth.scopes import parse_scope
from provider.oauth.tokens.access_tokens import Authorization, token_response
from provider.oauth.tokens.store import grants
from provider.work import UnitOfWork

GRANT_TYPE = DEVICE_CODE
SLOWER = 5
"""Seconds added to the polling interval after a poll that came too early."""
LEEWAY = timedelta(seconds=1)
"""Tolerance for a poll that is early because the network was faster this time."""
REFUSED = "device_code is invalid, already used, or was issued to another client"
KIND = Kind("The device code", "RFC 8628 section 3.4", "device-code", REFUSED)


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response. Raises the errors of RFC 8628 section 3.5, or InvalidGrantError."""
    work, checks = request.work, request.checks
    code = device_codes.find(work.read, digest(request.required("device_code", KIND.section)))
    code = require_own(request, KIND, code)
    if code.spent_at is not None:
        _refuse_replay(request, code)
    checks.require(
        code.expires_at > work.now,
        "The device code has not expired",
        section="RFC 8628 section 3.5",
        error=ExpiredTokenError,
        description="device_code has expired. Request a new one",
        expected=f"used within {int(work.settings.device_code_lifetime.total_seconds())} seconds",
        got=f"expiry at {code.expires_at:%H:%M:%S} UTC",
        fix="Request a new device code, and show the user its new user code.",
    )
    if code.answered_at is None:
        _wait(request, code)
    grant_id = checks.found(
        code.grant_id,
        "The user allowed access",
        section="RFC 8628 section 3.5",
        error=AccessDeniedError,
        description="The user declined access",
        expected="access allowed",
        got="access declined",
        fix="Show the user that access was declined. If they want to try again, request a new device code.",
    )
    return _fetch(request, code, grant_id)


def _wait(request: TokenRequest, code: DeviceCode) -> NoReturn:
    """Raise the error for a device whose user has not answered yet.

    The polling interval holds for all nodes together, so it is stored in the row.
    """
    work, checks = request.work, request.checks
    slower = code.poll_interval + SLOWER
    in_time = device_codes.poll(work.db, code, next_poll_at=_after(work, code.poll_interval), now=work.now)
    if not in_time:
        device_codes.slow_down(work.db, code, poll_interval=slower, next_poll_at=_after(work, slower))
    checks.require(
        in_time,
        "The device waited for the polling interval",
        section="RFC 8628 section 3.5",
        error=SlowDownError,
        description=f"Polling too fast. Wait {slower} seconds before the next request",
        expected=f"{code.poll_interval} seconds between two requests",
        got="an earlier request",
        fix="Wait for the number of seconds in interval, and five more after each slow_down.",
    )
    checks.refuse(
        "The user has answered",
        section="RFC 8628 section 3.5",
        error=AuthorizationPendingError,
        description="The user has not answered yet. Try again after the interval",
        expected="an answer of the user",
        got="no answer yet",
        fix="Wait for the number of seconds in interval, and send the request again until the code expires.",
    )


def _after(work: UnitOfWork, interval: int) -> datetime:
    return work.now + timedelta(seconds=interval) - LEEWAY


def _fetch(request: TokenRequest, code: DeviceCode, grant_id: str) -> dict[str, Any]:
    work, checks, client = request.work, request.checks, request.client
    found = device_codes.find_allowed(work.read, grant_id)
    presented = require_active(request, KIND, None if found is None else Presented(code, *found))
    grant = presented.grant
    refresh_token, first = request.first_refresh_token(grant)
    scope = client.metadata.still_of(parse_scope(grant.scope))
    audience = narrow(work, checks, request.form.get("resource"), granted=grant.resources, scope=scope)
    authorization = Authorization(
        client=client,
        scope=scope,
        grant=grant,
        person=presented.person,
        audience=audience,
        confirmation=request.confirmation,
    )
    response = token_response(work, request.server, authorization, refresh_token=refresh_token)
    if not device_codes.redeem(work.autocommit, code.digest, refresh_token=first, now=work.now):
        _refuse_replay(request, code)
    return response


def _refuse_replay(request: TokenRequest, code: DeviceCode) -> NoReturn:
    """Revoke the tokens issued for the code, and raise InvalidGrantError.

    Two parties have the code, and one of them is not the device (as in RFC 9700 section 4.5).
    """
    work = request.work
    found = device_codes.find_allowed(work.read, str(code.grant_id))
    if found is not None and grants.revoke(work.db, found[0].id, reason="device code replayed", now=work.now):
        grant = found[0]
        record(work, Event.CODE_REPLAYED, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)
    request.checks.refuse(
        "The device code is used for the first time",
        section="RFC 8628 section 3.5",
        error=InvalidGrantError,
        description=REFUSED,
        expected="a device code that was not used",
        got="a used device code. All tokens issued for it are now revoked",
        fix="Use each device code once. If the response was lost, request a new device code.",
    )
