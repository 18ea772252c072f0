"""A fresh access token of an upstream for a user: the stored one, or one that is refreshed first (RFC 6749 section 6).

Of all processes one refreshes at a time, because many upstreams replace the refresh token and revoke everything if an
old one comes again. The claim on a row is a short transaction, and so is storing the answer; in between no transaction
is open. A process that dies in between loses its claim after LEASE, and the next one sends the same refresh token.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from provider.accounts.store import linked_identities
from provider.accounts.store import upstream_tokens as store
from provider.accounts.store.upstream_tokens import UpstreamTokens
from provider.accounts.upstream_tokens import ending
from provider.accounts.upstream_tokens.fetching import FetchedToken, NotConnected, TokensUnavailable
from provider.accounts.upstream_tokens.sealing import TokenPair, seal, unseal
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.vault import VaultError
from provider.database.base import new_id
from provider.database.engine import OUTAGES
from provider.federation.client_requests import post_as_client
from provider.federation.issued_tokens import IssuedTokens, read_tokens
from provider.federation.issuers import is_issuer
from provider.federation.upstreams import Metadata, Upstream, Upstreams, UpstreamUnavailable
from provider.jose.json_objects import read_object
from provider.observability.logging import log
from provider.outbound.answers import OutboundFailed
from provider.runtime import greenlets
from provider.work import UnitOfWork, unit_of_work

AT_LEAST = timedelta(seconds=60)
"""How long a token that is returned is valid at least."""
LEASE = timedelta(seconds=20)
"""How long a refresh is claimed. A request to an upstream takes a few seconds at most."""
FAILURE_KEPT = timedelta(seconds=5)
"""How long an upstream that did not answer is not asked again for this identity."""
WAIT, PAUSE = 8.0, 0.1
"""How long a request waits for the refresh of another one, and how often it looks, in seconds."""
STORE_AGAIN = (0.2, 1.0, 2.0)
"""The pauses before an answer is stored again, in seconds. An answer that is lost could lose the grant."""
REJECTED = frozenset({"invalid_grant", "interaction_required", "bad_refresh_token"})
"""The errors that say that the refresh token is of no use any more: RFC 6749 section 5.2, Microsoft, GitHub."""
CONNECT = "The user must connect their account at the upstream again"
NEVER_CONNECTED = "The user has not connected an account at the upstream"


@dataclass(frozen=True)
class TokenFetching:
    """The answer to `accounts.upstream_tokens.fetching.Fetch`, with the upstreams of this process."""

    upstreams: Upstreams

    def __call__(self, work: UnitOfWork, key: str, /, *, user_id: str) -> FetchedToken:
        upstream = self.upstreams.get(key)
        if upstream is None or not upstream.settings.store_tokens:
            raise NotConnected("The upstream stores no tokens (store_tokens)")
        row = _find(work, upstream, user_id)
        if not _is_fresh(row, work.now):
            row = _refreshed(work, upstream, row)
        pair = _open(work, upstream, row)
        return FetchedToken(
            identity_id=row.identity_id,
            name=upstream.settings.name,
            access_token=pair.access_token,
            token_type=pair.token_type,
            scope=row.scope,
            expires_at=row.expires_at,
        )


@dataclass(frozen=True)
class _Claimed:
    """A refresh that this request has claimed."""

    work: UnitOfWork
    upstream: Upstream
    metadata: Metadata
    row: UpstreamTokens
    claim_id: str


def _find(work: UnitOfWork, upstream: Upstream, user_id: str) -> UpstreamTokens:
    """Return the tokens of the identity at this upstream that the user signed in with last. Raises NotConnected."""
    key, settings = upstream.settings.key, upstream.settings
    rows = [row for row in store.find_of_user(work.read, user_id) if row.upstream == key and row.is_usable]
    issuers = {one.id: one.issuer for one in linked_identities.find_of_user(work.read, user_id)} if rows else {}
    for row in rows:
        if is_issuer(settings, issuers.get(row.identity_id)):
            return row
    raise NotConnected(NEVER_CONNECTED)


def _is_fresh(row: UpstreamTokens, now: datetime) -> bool:
    return row.expires_at is None or row.expires_at - now >= AT_LEAST


def _refreshed(work: UnitOfWork, upstream: Upstream, row: UpstreamTokens) -> UpstreamTokens:
    """Return the row with a fresh access token, which this request or another one gets."""
    until, clock = time.monotonic() + WAIT, work.installation.clock
    while True:
        _ = work.outbound  # in a thread that may wait, and without a connection meanwhile
        try:
            metadata = upstream.metadata(work)
        except UpstreamUnavailable as unavailable:
            raise TokensUnavailable(unavailable.reason) from None
        now, claim_id = clock(), new_id()
        found = store.find(work.read, row.identity_id)
        if found is None or not found.is_usable:
            raise NotConnected(CONNECT)
        if _is_fresh(found, now):
            return found
        if found.failed_at is not None and timedelta(0) <= now - found.failed_at < FAILURE_KEPT:
            raise TokensUnavailable("it did not answer a moment ago")
        if found.claimed_until is None or found.claimed_until <= now:
            with work.aside() as db:
                is_ours = store.claim(db, found, claim_id, now=now, until=now + LEASE)
            if is_ours:
                return _refresh(_Claimed(work, upstream, metadata, found, claim_id))
        if time.monotonic() >= until:
            raise TokensUnavailable("another request is still waiting for its answer")
        _ = work.outbound
        greenlets.sleep(PAUSE)


def _refresh(claimed: _Claimed) -> UpstreamTokens:
    """Refresh the tokens that this request has claimed."""
    work, row = claimed.work, claimed.row
    pair = _open(work, claimed.upstream, row)
    issued = None if pair.refresh_token is None else _ask(claimed, pair.refresh_token)
    if issued is None:
        return _reject(claimed)
    renewed = replace(issued.pair, refresh_token=issued.pair.refresh_token or pair.refresh_token)
    kept = UpstreamTokens(
        identity_id=row.identity_id,
        upstream=row.upstream,
        sealed=seal(work.vault, row.identity_id, renewed),
        scope=issued.scope,
        expires_at=issued.expires_at,
        stored_at=work.now,
        generation=row.generation + 1,
    )
    _store(claimed, kept, renewed)
    return kept


def _ask(claimed: _Claimed, refresh_token: str) -> IssuedTokens | None:
    """Return the new tokens, or None if the upstream rejects the refresh token. Raises TokensUnavailable."""
    work, row, metadata = claimed.work, claimed.row, claimed.metadata
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    try:
        answer = post_as_client(work, claimed.upstream, metadata, metadata.token_endpoint, form)
        body = read_object(answer.body)
    except OutboundFailed as failed:
        raise _failed(claimed, failed.reason) from None
    except ValueError:
        raise _failed(claimed, "it answered with no JSON object") from None
    error = body.get("error")
    if isinstance(error, str):
        if error in REJECTED and answer.status < 500:
            log.info("upstream.refresh_rejected", upstream=row.upstream, error=error)
            return None
        raise _failed(claimed, f"it answered {error[:60]!r}")
    issued = read_tokens(body, asked=tuple(row.scope.split()), now=work.installation.clock())
    if answer.status != 200 or issued is None:
        raise _failed(claimed, f"it answered {answer.status}, and not as it should")
    return issued


def _failed(claimed: _Claimed, reason: str) -> TokensUnavailable:
    work, unavailable = claimed.work, claimed.upstream.unavailable(f"refresh: {reason}")
    with work.aside() as db:
        store.release(db, claimed.row.identity_id, claimed.claim_id, failed_at=work.installation.clock())
    return TokensUnavailable(unavailable.reason)


def _reject(claimed: _Claimed) -> UpstreamTokens:
    """Remove tokens that cannot be refreshed. Returns others that a sign-in stored in the meantime, or raises
    NotConnected.
    """
    work, identity_id = claimed.work, claimed.row.identity_id
    with unit_of_work(work.installation, work.origin) as own:
        user_id = linked_identities.find_user_id(own.db, identity_id)
        if store.remove_claimed(own.db, identity_id, claimed.claim_id):
            upstream = claimed.row.upstream
            record(own, Event.UPSTREAM_TOKENS_REMOVED, user_id=user_id, upstream=upstream, reason="rejected")
    found = store.find(work.read, identity_id)
    if found is not None and found.is_usable and _is_fresh(found, work.installation.clock()):
        return found
    raise NotConnected(CONNECT)


def _store(claimed: _Claimed, kept: UpstreamTokens, pair: TokenPair) -> None:
    """Store what a refresh brought, also if the database is unavailable for a moment.

    If the tokens ended in the meantime, the new ones are revoked. Raises NotConnected then.
    """
    work, is_over = claimed.work, False
    for pause in (*STORE_AGAIN, None):
        try:
            with unit_of_work(work.installation, work.origin) as own:
                if not store.complete(own.db, kept, claimed.claim_id):
                    found = store.find(own.db, kept.identity_id)
                    is_over = found is None or not found.is_usable
                    if is_over:
                        ending.revoke_pair(own, kept.upstream, pair)
            break
        except OUTAGES:
            if pause is None:
                raise
            greenlets.sleep(pause)
    if is_over:
        raise NotConnected(CONNECT)


def _open(work: UnitOfWork, upstream: Upstream, row: UpstreamTokens) -> TokenPair:
    """Return the tokens of a row. Raises TokensUnavailable if their key is not configured."""
    try:
        return unseal(work.vault, row)
    except VaultError as error:
        log.error("upstream.tokens_unreadable", upstream=upstream.settings.key, reason=str(error))
        raise TokensUnavailable("its tokens cannot be decrypted") from None
