"""/device: a person types the code their device shows, reads who asks from where, and says yes or no (RFC 8628 section
3.3).

Whoever comes by `verification_uri_complete` reads and answers like everybody else: a link somebody sent must not be
enough (section 5.4).
"""

from starlette.responses import Response

from provider.accounts.store import email_addresses
from provider.destination import Destination
from provider.languages.text import Text
from provider.oauth.authorize.consent import permissions_in_words
from provider.oauth.grants import device_requests
from provider.oauth.grants.device_requests import VERIFICATION_PATH, DeviceRequest
from provider.oauth.http.server import server_of
from provider.ratelimits import LIMITS, count, require_room
from provider.refusals import TooManyRequests
from provider.sessions.guards import require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page

NOT_WAITING = Text("No device waits for this code. Check what your device shows: the code may be too old, or used.")
MISSING = Text("Enter the code.")


@endpoint
def device(call: Call) -> Response:
    """GET and POST /device?user_code=; without a code, the page to type it."""
    session = require_user(call)
    typed = call.query.text("user_code")
    if not typed:
        tried = b"user_code" in call.scope["query_string"]
        return _ask_for_code(call, errors={"user_code": MISSING} if tried else {}, status_code=400 if tried else 200)
    key = f"user-code:{call.origin.network}"
    try:
        require_room(call.work, LIMITS.user_code, key=key)
    except TooManyRequests as refusal:
        return _ask_for_code(call, typed=typed, **too_many(call, refusal))
    found = device_requests.find_waiting(call.work, server_of(call), typed)
    if found is None:
        count(call.work, LIMITS.user_code, key=key)
        return _ask_for_code(call, typed=typed, errors={"user_code": NOT_WAITING}, status_code=400)
    return _answer(call, found, session) if call.method == "POST" else _ask(call, found, session)


@endpoint
def answered(call: Call) -> Response:
    """GET /device/answered: back to the device."""
    return page(call, "oauth/device_answered.html", allowed=call.query.get("answer") == "allowed")


def _ask_for_code(call: Call, *, typed: str = "", errors: dict[str, str], status_code: int) -> Response:
    return page(call, "oauth/device_code.html", status_code=status_code, typed=typed[:20], errors=errors)


def _ask(call: Call, found: DeviceRequest, session: Session) -> Response:
    """The app, the rough place and the time; two devices at one connection have one address."""
    client = found.request.client
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    here = Destination(return_to=call.page_url)
    return page(
        call,
        "oauth/device.html",
        app={"name": client.name, "host": client.host, "is_vouched_for": client.is_vouched_for},
        user_code=found.user_code,
        network=found.network,
        same_network=found.network == call.origin.network,
        asked_at=found.asked_at,
        asks=permissions_in_words(found.request),
        offline=found.request.offline,
        account=address.address if address else session.user_id,
        somebody_else=here.through("/login", prompt="login"),
    )


def _answer(call: Call, found: DeviceRequest, session: Session) -> Response:
    decision = call.form.get("decision")
    if decision not in {"allow", "deny"}:
        return go(call.page_url)
    act = device_requests.allow if decision == "allow" else device_requests.deny
    if not act(call.work, found, session):
        return _ask_for_code(call, errors={"user_code": NOT_WAITING}, status_code=400)
    return go(f"{VERIFICATION_PATH}/answered?answer={'allowed' if decision == 'allow' else 'denied'}")
