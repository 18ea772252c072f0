"""The page /device: a user types the code that a device shows, reads which app asks and from where, and answers (RFC
8628 section 3.3).

A user who comes by `verification_uri_complete` reads and answers the same page: following a link must not be enough
(RFC 8628 section 5.4).
"""

from starlette.responses import Response

from provider.languages.text import Text
from provider.oauth.grants import device_requests
from provider.oauth.grants.device_requests import VERIFICATION_PATH, DeviceRequest
from provider.oauth.http.server import server_of
from provider.oauth.http.waiting_request_pages import describe_waiting, find_missing_step
from provider.ratelimits import LIMITS, count, of_network, prefix_of, require_room
from provider.refusals import TooManyRequests
from provider.sessions.guards import require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page

NOT_WAITING = Text("That code is wrong or has expired. Check the code on your device.")
MISSING = Text("Enter the code shown on your device.")


@endpoint(asks_again=True)
def device(call: Call) -> Response:
    """Show or submit the device page: GET and POST /device?user_code=. Without a code it asks for one."""
    session = require_user(call)
    typed = call.query.text("user_code")
    if not typed:
        tried = b"user_code" in call.scope["query_string"]
        return _ask_for_code(call, errors={"user_code": MISSING} if tried else {}, status_code=400 if tried else 200)
    key = of_network(call.work, "user-code")
    try:
        require_room(call.work, LIMITS.user_code, key=key)
    except TooManyRequests as refusal:
        return _ask_for_code(call, typed=typed, **too_many(call, refusal))
    found = device_requests.find_waiting(call.work, server_of(call), typed)
    if found is None:
        count(call.work, LIMITS.user_code, key=key)
        return _ask_for_code(call, typed=typed, errors={"user_code": NOT_WAITING}, status_code=400)
    step = find_missing_step(call, found.request, session)
    if step is not None:
        return step
    return _answer(call, found, session) if call.method == "POST" else _ask(call, found, session)


@endpoint
def answered(call: Call) -> Response:
    """Show the page that sends the user back to the device: GET /device/answered."""
    return page(call, "oauth/device_answered.html", allowed=call.query.get("answer") == "allowed")


def _ask_for_code(call: Call, *, typed: str = "", errors: dict[str, str], status_code: int) -> Response:
    return page(call, "oauth/device_code.html", status_code=status_code, typed=typed[:100], errors=errors)


def _ask(call: Call, found: DeviceRequest, session: Session) -> Response:
    """Show the question: the app, the rough place and the time.

    The time is shown too, because two devices on one connection have the same address.
    """
    return page(
        call,
        "oauth/device.html",
        user_code=found.user_code,
        same_network=_network_of(call, found.network) == _network_of(call, call.origin.network),
        **describe_waiting(call, found, session),
    )


def _answer(call: Call, found: DeviceRequest, session: Session) -> Response:
    decision = call.form.get("decision")
    if decision not in {"allow", "deny"}:
        return go(call.page_url)
    act = device_requests.allow if decision == "allow" else device_requests.deny
    if not act(call.work, found, session):
        return _ask_for_code(call, errors={"user_code": NOT_WAITING}, status_code=400)
    return go(f"{VERIFICATION_PATH}/answered?answer={'allowed' if decision == 'allow' else 'denied'}")


def _network_of(call: Call, address: str) -> str:
    # Two devices behind one IPv6 connection have different addresses.
    return prefix_of(address, call.settings.ipv6_prefix)
