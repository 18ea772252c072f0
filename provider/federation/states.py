"""The `state` of a request to an upstream (RFC 6749 section 10.12): what we need again when the user comes back.

It is sealed, so it needs no row. It is valid for ten minutes, in the browser that was sent (OIDC Core section 15.5.2).
It is used once, by its digest. Later it still says where the user was going, so that they can start again from there.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from provider.crypto.digests import digest, new_opaque
from provider.federation.store import used_states
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import UnitOfWork

PURPOSE = "upstream-state"
LIFETIME = timedelta(minutes=10)
READABLE_FOR = timedelta(days=1)
"""How long the destination of an expired state can be read."""


class StateLost(Refusal):
    """A state that is not ours, has expired, or belongs to another browser or upstream."""

    code = "state-lost"
    title = Text("This sign-in has expired")
    message = Text("It timed out or was started in a different browser. Start again.")

    def __init__(self, destination: Mapping[str, str] | None = None, *, linking: bool = False) -> None:
        self.destination = destination or {}
        """Where the user was going, if this browser began the sign-in and it only took too long."""
        self.linking = linking
        """Whether the user was linking an identity to an account."""
        super().__init__()


class StateSpent(Refusal):
    """A response that was used before: back or reload in the browser, or a replay."""

    code = "state-spent"
    title = Text("This sign-in has expired")
    message = Text("This sign-in was already used. Start again.")


@dataclass(frozen=True, kw_only=True)
class UpstreamState:
    """The state of one request to one upstream."""

    upstream: str
    nonce: str
    """The nonce (OIDC Core section 3.1.2.1). It also makes the state unique."""
    verifier: str
    """The PKCE code verifier (RFC 7636). The seal hides it from the browser."""
    browser: str
    begun_at: int
    must_prove: bool
    """Whether the upstream was asked for a fresh sign-in."""
    link_to: str | None
    """The id of the signed-in user who asked to link an identity; None for a sign-in."""
    destination: Mapping[str, str]


def new_state(
    work: UnitOfWork,
    *,
    upstream: str,
    browser: str,
    destination: Mapping[str, str],
    must_prove: bool = False,
    link_to: str | None = None,
) -> UpstreamState:
    return UpstreamState(
        upstream=upstream,
        nonce=new_opaque(),
        verifier=new_opaque(),
        browser=digest(browser).hex(),
        begun_at=int(work.now.timestamp()),
        must_prove=must_prove,
        link_to=link_to,
        destination=dict(destination),
    )


def seal(work: UnitOfWork, state: UpstreamState) -> str:
    return work.vault.seal(asdict(state), purpose=PURPOSE, now=work.now, lifetime=READABLE_FOR)


def unseal(work: UnitOfWork, text: str | None, *, upstream: str, browser: str | None) -> UpstreamState:
    """Return the state. Raises StateLost."""
    value = None if not text or browser is None else work.vault.unseal(text, purpose=PURPOSE, now=work.now)
    state = None if value is None else UpstreamState(**value)
    if state is None or browser is None or state.upstream != upstream or state.browser != digest(browser).hex():
        raise StateLost
    if state.begun_at + LIFETIME.total_seconds() <= work.now.timestamp():
        raise StateLost(state.destination, linking=state.link_to is not None)
    return state


def spend(work: UnitOfWork, state: UpstreamState) -> None:
    """Mark the state as used, in a transaction of its own. Raises StateSpent.

    It stays used whatever the upstream answers next.
    """
    with work.aside() as db:
        fresh = used_states.spend(db, digest(state.nonce), expires_at=work.now + LIFETIME)
    if not fresh:
        raise StateSpent
