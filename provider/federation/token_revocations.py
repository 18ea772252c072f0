"""Tokens that ended: revoking them at their upstream (RFC 7009), and finding those of upstreams that store none now.

`deliver` is the handler of the outbox's topic `upstream-token-revocation`.
"""

from datetime import datetime, timedelta
from typing import Any

from provider.accounts.store import upstream_tokens as store
from provider.accounts.upstream_tokens import ending
from provider.federation import managed
from provider.federation.client_requests import post_as_client
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Upstream, UpstreamUnavailable
from provider.outbound.answers import OutboundFailed
from provider.outbox.relay import PermanentFailure, RetryPolicy, TemporaryFailure
from provider.saved_settings import upstreams as saved_upstreams
from provider.work import Installation, UnitOfWork, unit_of_work

RETRIES = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))


def deliver(installation: Installation, _job_id: str, payload: dict[str, Any]) -> None:
    """Ask the upstream to revoke a token. An upstream without a revocation endpoint is not asked.

    Raises PermanentFailure, TemporaryFailure.
    """
    with unit_of_work(installation) as work:
        settings = find_settings(work, payload["upstream"])
        if settings is None:
            raise PermanentFailure("the upstream is gone")
        upstream = Upstream(settings)
        try:
            metadata = upstream.metadata(work)
            if metadata.revocation_endpoint is None:
                return
            form = {"token": payload["token"], "token_type_hint": payload["hint"]}
            answer = post_as_client(work, upstream, metadata, metadata.revocation_endpoint, form)
        except (UpstreamUnavailable, OutboundFailed) as failed:
            raise TemporaryFailure(failed.reason, until=failed.until) from None
    if 200 <= answer.status < 300:
        return
    if 400 <= answer.status < 500 and answer.status != 429:  # some answer so if the token is invalid by now
        raise PermanentFailure(f"it answered {answer.status}")
    raise TemporaryFailure(f"it answered {answer.status}")


def find_settings(work: UnitOfWork, key: str) -> UpstreamSettings | None:
    """Return the settings of an upstream, also of a disabled one. None if there is none."""
    of_file = next((one for one in managed.of_file(work) if one.key == key), None)
    row = saved_upstreams.find_by_key(work.read, key) if of_file is None else None
    return of_file if row is None else managed.read(work.vault, row)


def purge(work: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Remove tokens of upstreams that store none any more. Returns how many.

    An upstream that this process does not know keeps its tokens, unused: the file may be missing here only.
    """
    for key in store.find_upstreams(work.read):
        settings = find_settings(work, key)
        if settings is not None and not settings.store_tokens:
            store.end_of_upstream(work.db, key, now=before)
    return ending.purge(work, before=before, limit=limit)
