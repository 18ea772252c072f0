"""Signing in with a passkey: the options for the browser, and its answer."""

from starlette.responses import JSONResponse, Response

from provider.accounts.factors import passkey_signals, passkeys
from provider.accounts.factors.webauthn import InvalidPasskey
from provider.destination import Destination
from provider.login.active import AddressUnconfirmed, Suspended
from provider.login.pages.arrival import arrival_of
from provider.login.pages.login import login_page
from provider.login.pages.outcome import not_now, signed_in
from provider.login.passkey import sign_in_by_passkey
from provider.refusals import TooManyRequests
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import as_json, too_many


@endpoint(before_sign_in=True, render=as_json)
def passkey_options(call: Call) -> Response:
    """Answer with PublicKeyCredentialRequestOptionsJSON: GET /login/passkey. It is the same whoever asks."""
    options = passkeys.sign_in_options(call.work, bound_to=_bound_to(call, destination(call)))
    return JSONResponse(options, headers={"cache-control": "no-store"})


@endpoint(before_sign_in=True)
def login_with_passkey(call: Call) -> Response:
    where, answer = destination(call), call.form.get("credential", "")
    try:
        arrival = arrival_of(call, where)
        done = sign_in_by_passkey(call.work, arrival, answer=answer, bound_to=_bound_to(call, where))
    except InvalidPasskey as refusal:
        signals = passkey_signals.unknown(call.work, answer)
        errors: dict[str, str] = {"passkey": refusal.message}
        return login_page(call, where, username="", errors=errors, status_code=400, signals=signals)
    except TooManyRequests as refusal:
        return login_page(call, where, username="", **too_many(call, refusal))
    except (Suspended, AddressUnconfirmed) as refusal:
        return not_now(call, where, refusal)
    return signed_in(call, where, done)


def _bound_to(call: Call, where: Destination) -> str:
    """Return what a challenge is made for: this browser, on the way to this application's request."""
    return f"{call.browser} {where.request_uri or ''}"
