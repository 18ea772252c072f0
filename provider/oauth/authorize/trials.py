"""Trial sign-ins: an operator signs in to an application from the console, which shows each step.

The response comes back to the console and not to the application. Only the console can make such a request: its `state`
is sealed, and names the client, the operator, their browser and the PKCE verifier. So the code can be redeemed only
here, by that operator, in that browser.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from provider.config.settings import Settings
from provider.crypto.digests import digest, new_opaque
from provider.oauth.response_types import CODE, ResponseMode
from provider.work import UnitOfWork

PATH = "/admin/clients/try"
LIFETIME = timedelta(minutes=10)
PURPOSE = "trial"


@dataclass(frozen=True)
class Trial:
    """A trial that was started and is not older than LIFETIME."""

    client_id: str
    user_id: str
    """The operator who started it, and the only user whose tokens it may show."""
    browser: str
    """The digest of the browser's cookie, in hexadecimal digits."""
    verifier: str
    nonce: str
    had_consent: bool
    """Whether the operator had given consent to the application before."""

    @property
    def challenge(self) -> str:
        return str(create_s256_code_challenge(self.verifier))


def redirect_uri_of(settings: Settings) -> str:
    """Return the redirect URI of every trial. No client can use it in a request of its own."""
    return settings.issuer + PATH


def new_trial(*, client_id: str, user_id: str, browser: str, had_consent: bool) -> Trial:
    return Trial(client_id, user_id, digest(browser).hex(), new_opaque(), new_opaque(), had_consent)


def request_of(work: UnitOfWork, trial: Trial, *, scope: str, prompt: str) -> dict[str, str]:
    """Return the parameters of the authorization request."""
    parameters = {
        "response_type": CODE,
        "client_id": trial.client_id,
        "redirect_uri": redirect_uri_of(work.settings),
        "scope": scope,
        "state": work.vault.seal(asdict(trial), purpose=PURPOSE, now=work.now, lifetime=LIFETIME),
        "nonce": trial.nonce,
        "code_challenge": trial.challenge,
        "code_challenge_method": "S256",
        "prompt": prompt,
    }
    return {name: value for name, value in parameters.items() if value}


def find_trial(work: UnitOfWork, state: str | None) -> Trial | None:
    """Return the trial that this `state` belongs to, or None if it was not started here or has expired."""
    sealed = None if state is None else work.vault.unseal(state, purpose=PURPOSE, now=work.now)
    return None if sealed is None else Trial(**sealed)


def is_trial(work: UnitOfWork, given: Mapping[str, str]) -> bool:
    """Return whether the console made this authorization request. One that asks for anything but a code which only the
    console can redeem is none. The code comes back in the query, whichever response modes the client has registered.
    """
    if given.get("redirect_uri") != redirect_uri_of(work.settings):
        return False
    trial = find_trial(work, given.get("state"))
    return (
        trial is not None
        and trial.client_id == given.get("client_id")
        and trial.challenge == given.get("code_challenge")
        and given.get("response_type") == CODE
        and given.get("response_mode", ResponseMode.QUERY) == ResponseMode.QUERY
    )


def belongs_to(trial: Trial, *, user_id: str, browser: str) -> bool:
    """Return whether this user started the trial in this browser."""
    return trial.user_id == user_id and trial.browser == digest(browser).hex()
