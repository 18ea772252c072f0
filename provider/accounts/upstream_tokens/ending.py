"""What ends stored tokens: the row goes in the transaction of the cause, and the upstream hears of it afterwards.

The outbox carries the tokens, encrypted, to the upstream's revocation endpoint (RFC 7009).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from provider.accounts.store import linked_identities
from provider.accounts.store import upstream_tokens as store
from provider.accounts.store.upstream_tokens import UpstreamTokens
from provider.accounts.upstream_tokens.sealing import TokenPair, unseal
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.vault import VaultError
from provider.outbox import messages
from provider.outbox.topics import Topic
from provider.work import UnitOfWork

TRIED_FOR = timedelta(days=1)
"""How long an upstream is asked to revoke tokens. Then they end by themselves."""


def end_of_identities(work: UnitOfWork, *, user_id: str, identity_ids: Iterable[str], reason: str) -> int:
    """Remove the tokens of some of a user's identities, and have them revoked. Returns how many had some."""
    rows = [row for one in sorted(identity_ids) if (row := store.lock(work.db, one)) is not None]
    live = [row for row in rows if row.sealed is not None]
    for row in live:
        revoke(work, row)
    store.remove(work.db, [row.identity_id for row in rows])
    if live:
        upstreams = " ".join(sorted({row.upstream for row in live}))
        record(work, Event.UPSTREAM_TOKENS_REMOVED, user_id=user_id, upstream=upstreams, reason=reason)
    return len(live)


def end_of_user(work: UnitOfWork, *, user_id: str, reason: str) -> int:
    """Remove the tokens of all of a user's identities, and have them revoked. Returns how many identities had some."""
    held = [one.identity_id for one in store.find_of_user(work.db, user_id)]
    return end_of_identities(work, user_id=user_id, identity_ids=held, reason=reason) if held else 0


def stop(work: UnitOfWork, *, user_id: str, identity_id: str) -> None:
    """Remove the tokens of an identity because its user does not want them used. A sign-in stores no others until the
    user connects the identity again. Does nothing if there are none.
    """
    if identity_id not in {one.id for one in linked_identities.find_of_user(work.db, user_id)}:
        return
    row = store.lock(work.db, identity_id)
    if row is None or row.sealed is None:
        return
    revoke(work, row)
    stopped = replace(row, sealed=None, scope="", expires_at=None, stored_at=work.now)
    store.replace(work.db, replace(stopped, claim=None, claimed_until=None, failed_at=None, ended_at=None))
    store.forget_uses(work.db, identity_id)
    record(work, Event.UPSTREAM_TOKENS_REMOVED, user_id=user_id, upstream=row.upstream, reason="stopped")


def purge(work: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Remove tokens of upstreams that were disabled, and have them revoked. Returns how many."""
    rows = store.find_ended(work.db, before=before, limit=limit)
    for row in rows:
        if row.sealed is not None:
            revoke(work, row)
    store.remove(work.db, [row.identity_id for row in rows])
    return len(rows)


def revoke(work: UnitOfWork, row: UpstreamTokens) -> None:
    """Have the tokens of a row revoked. Tokens that cannot be decrypted any more are only removed."""
    try:
        pair = unseal(work.vault, row)
    except VaultError:
        return
    revoke_pair(work, row.upstream, pair)


def revoke_pair(work: UnitOfWork, upstream: str, pair: TokenPair) -> None:
    """Have these tokens revoked: the refresh token with all that came of it, or else the access token (RFC 7009
    section 2.1).
    """
    hint = "access_token" if pair.refresh_token is None else "refresh_token"
    payload = {"upstream": upstream, "token": pair.refresh_token or pair.access_token, "hint": hint}
    messages.enqueue(
        work,
        Topic.UPSTREAM_TOKEN_REVOCATION,
        payload,
        about=f"revocation at {upstream}",
        expires_at=work.now + TRIED_FOR,
    )
