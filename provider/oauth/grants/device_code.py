"""The device_code grant: a device polls for the user's answer and gets tokens once (RFC 8628 sections 3.4, 3.5)."""

from typing import Any

from provider.crypto.digests import digest
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.grants.polling import Polled, redeem_polled
from provider.oauth.grants.presented import Kind
from provider.oauth.grants.request import TokenRequest
from provider.oauth.grants.store import device_codes

GRANT_TYPE = DEVICE_CODE
POLLED = Polled(
    kind=Kind(
        "The device code",
        "RFC 8628 section 3.4",
        "device-code",
        "device_code is invalid, already used, or was issued to another client",
    ),
    parameter="device_code",
    noun="device code",
    section="RFC 8628 section 3.5",
    start_over="Request a new device code, and show the user its new user code.",
)


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response. Raises the errors of RFC 8628 section 3.5, or InvalidGrantError."""
    device_code = request.required(POLLED.parameter, POLLED.kind.section)
    found = device_codes.find(request.work.read, digest(device_code))
    return redeem_polled(request, POLLED, device_codes.CODES, found)
