"""What the token endpoint asks for when a client fetches a token of an upstream: the question, and what can go wrong.

`federation` answers it, because it knows the upstreams (`federation.token_fetching`). The composition root passes its
answer to the authorization server.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from provider.accounts.store import upstream_tokens as store
from provider.audit.events import Event
from provider.audit.log import record
from provider.work import UnitOfWork

NOTED_EVERY = timedelta(hours=1)
"""How often the use by a client is stored and audited. What happens in between changes nothing."""


class NotConnected(Exception):
    """There are no tokens for the user. The text says why, for the app's developer."""


class TokensUnavailable(Exception):
    """The upstream did not answer, or another request is still waiting for its answer. Nothing was removed."""


@dataclass(frozen=True, kw_only=True)
class FetchedToken:
    """An access token of an upstream that is valid for a while."""

    identity_id: str
    name: str
    """The name of the upstream, as users know it."""
    access_token: str = field(repr=False)
    token_type: str
    scope: str
    expires_at: datetime | None


class Fetch(Protocol):
    """Returns an access token of the upstream with this key for a user. May use the network.

    Raises NotConnected or TokensUnavailable.
    """

    def __call__(self, work: UnitOfWork, key: str, /, *, user_id: str) -> FetchedToken: ...


def fetch_nothing(_work: UnitOfWork, _key: str, /, *, user_id: str) -> FetchedToken:  # noqa: ARG001  # as Fetch has it
    """Answer for an authorization server without upstreams."""
    raise NotConnected("There are no upstreams")


def note_use(work: UnitOfWork, token: FetchedToken, *, user_id: str, client_id: str, upstream: str) -> bool:
    """Store that a client uses the token, once per NOTED_EVERY. Returns False if the tokens ended in the meantime."""
    since = work.now - NOTED_EVERY
    known = store.find_use(work.read, token.identity_id, client_id)
    if known is not None and known.last_used_at >= since:
        return True
    if store.lock(work.db, token.identity_id) is None:
        return False
    if store.use(work.db, token.identity_id, client_id, now=work.now, unless_since=since):
        record(work, Event.UPSTREAM_TOKENS_FETCHED, user_id=user_id, client_id=client_id, upstream=upstream)
    return True
