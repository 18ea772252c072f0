"""Sign-in with a passkey inside a first-party app: the options for the device, and its answer.

The challenge is bound to the `auth_session`, and so to the client. The answer must come from an origin that an operator
registered for apps (`accounts.factors.passkey_origins`); without one, the app is sent to a browser.
"""

from provider.accounts.factors import passkeys
from provider.accounts.factors.passkey_origins import app_origins
from provider.accounts.factors.webauthn import CHALLENGE_LIFETIME, InvalidPasskey
from provider.crypto.digests import new_opaque
from provider.login.active import AddressUnconfirmed, Suspended
from provider.login.arrival import Arrival
from provider.login.passkey import sign_in_by_passkey
from provider.oauth.errors import AccessDeniedError, ChallengeError, InsufficientAuthorizationError, RedirectToWebError
from provider.oauth.grants.request import TokenRequest

SECTION = "First-Party Applications section 5.1"


def begin(request: TokenRequest, given: dict[str, str], *, purpose: str) -> ChallengeError:
    """Return the error that leads on: the options of WebAuthn with an `auth_session`, or `redirect_to_web`.

    `given` are the parameters of the authorization request, and `purpose` is that of the sealed `auth_session`.
    """
    work = request.work
    if not work.settings.has("passkeys") or not app_origins(work.settings):
        return RedirectToWebError("Sign in with a passkey in a browser. No app can use the passkeys of this server")
    bound_to = new_opaque()
    value = {
        "session": "",
        "client_id": request.client.client_id,
        "given": given,
        "key": request.confirmation,
        "passkey": bound_to,
    }
    sealed = work.vault.seal(value, purpose=purpose, now=work.now, lifetime=CHALLENGE_LIFETIME)
    return InsufficientAuthorizationError(
        "Send the answer of the device as credential",
        auth_session=sealed,
        expires_in=int(CHALLENGE_LIFETIME.total_seconds()),
        passkey=passkeys.sign_in_options(work, bound_to=bound_to),
    )


def finish(request: TokenRequest, bound_to: str) -> str:
    """Check the device's answer and return the new session's cookie value. Raises AccessDeniedError."""
    work = request.work
    answer = request.required("credential", SECTION)
    try:
        done = sign_in_by_passkey(
            work,
            Arrival(client_id=request.client.client_id),
            answer=answer,
            bound_to=bound_to,
            origins=app_origins(work.settings),
        )
    except (InvalidPasskey, Suspended) as refusal:
        raise AccessDeniedError(description=refusal.message) from None
    except AddressUnconfirmed as refusal:
        raise InsufficientAuthorizationError(refusal.message) from None
    return done.cookie
