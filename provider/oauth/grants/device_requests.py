"""Device requests (RFC 8628): the codes of a device without a browser, and the user's answer in a browser."""

import secrets
from dataclasses import dataclass

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_opaque
from provider.oauth.authorization_details.granting import still_allowed
from provider.oauth.authorization_details.parsing import Detail
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.clients import Client
from provider.oauth.grants import waiting_requests
from provider.oauth.grants.polling import INTERVAL
from provider.oauth.grants.store import device_codes
from provider.oauth.grants.store.device_codes import DeviceCode
from provider.oauth.grants.waiting_requests import WaitingRequest
from provider.oauth.scopes import format_scope, parse_scope
from provider.oauth.tokens.server import AuthorizationServer
from provider.sessions.store import Session
from provider.typed_codes import CodeFormat
from provider.work import UnitOfWork

VERIFICATION_PATH = "/device"
"""The path of the page where the user types the code (`verification_uri`, RFC 8628 section 3.2)."""
PURPOSE = "user-code"
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""The letters of user codes: no vowels, so no words, and nothing easily misread; 34 bits in eight letters
(RFC 8628 section 6.1).
"""
LENGTH = 8
USER_CODE = CodeFormat(
    alphabet=ALPHABET, length=LENGTH, misread={"1": "L", "i": "L", "2": "Z", "5": "S", "6": "G", "8": "B"}
)
"""How user codes are read: capitals, without separators (RFC 8628 section 6.1)."""


@dataclass(frozen=True)
class DeviceRequest(WaitingRequest):
    """A device request that waits for an answer."""

    user_code: str


def begin(
    work: UnitOfWork, client: Client, scope: tuple[str, ...], details: tuple[Detail, ...] = ()
) -> tuple[str, str]:
    """Store a new device request. Returns the device code and the user code."""
    device_code = new_opaque()
    while True:
        user_code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        code = DeviceCode(
            digest=digest(device_code),
            user_code=work.vault.keyed_digest(user_code, purpose=PURPOSE),
            client_id=client.client_id,
            scope=format_scope(scope),
            network=work.origin.network,
            created_at=work.now,
            expires_at=work.now + work.settings.device_code_lifetime,
            poll_interval=INTERVAL,
            next_poll_at=work.now,
            answered_at=None,
            grant_id=None,
            spent_at=None,
            authorization_details=list(details) or None,
        )
        if device_codes.CODES.add(work.db, code):
            return device_code, with_dash(user_code)


def with_dash(user_code: str) -> str:
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def find_waiting(work: UnitOfWork, server: AuthorizationServer, typed: str) -> DeviceRequest | None:
    """Return the device request for a typed code, or None.

    None means that it is unknown, answered or expired, that its client is disabled or no longer registered for devices,
    or that what it asks for in detail is no longer allowed.
    """
    user_code = USER_CODE.read(typed)
    if user_code is None:
        return None
    found = device_codes.find_waiting(work.read, work.vault.keyed_digests(user_code, purpose=PURPOSE), now=work.now)
    client = None if found is None else server.clients.find(work, found.client_id)
    if found is None or client is None or client.disabled or DEVICE_CODE not in client.metadata.grant_types:
        return None
    scope = client.metadata.still_of(parse_scope(found.scope))
    details = still_allowed(work, client, found.authorization_details or ())
    if details is None:
        return None
    asked = AuthorizationRequest(client=client, redirect_uri="", redirect_uri_given=False, scope=scope, details=details)
    return DeviceRequest(found.digest, asked, found.network, found.created_at, with_dash(user_code))


def allow(work: UnitOfWork, device: DeviceRequest, session: Session) -> bool:
    """Let the device act for the user of this session. Returns False if it was answered meanwhile."""
    grant = waiting_requests.allow(work, device_codes.CODES, device, session)
    if grant is None:
        return False
    record(work, Event.DEVICE_ALLOWED, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)
    return True


def deny(work: UnitOfWork, device: DeviceRequest, session: Session) -> bool:
    """Deny the device access. Returns False if it was answered meanwhile."""
    return waiting_requests.deny(work, device_codes.CODES, device, session)
