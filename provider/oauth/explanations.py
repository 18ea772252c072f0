"""Explanations of rejected requests: their checks, kept for some time under the id that the response showed."""

from datetime import datetime, timedelta

from authlib.oauth2 import OAuth2Error

from provider.database.engine import OUTAGES
from provider.oauth import store as refusals
from provider.oauth.checks import Check, Checks
from provider.oauth.store import RefusalRow
from provider.observability.logging import log
from provider.observability.metrics import REFUSALS
from provider.ratelimits import LIMITS, has_room, of_network
from provider.work import Installation, Origin, UnitOfWork, unit_of_work

LISTED_FOR = timedelta(days=7)
"""How long rejected requests are listed and counted. By its id, one is found for as long as the setting says."""


def explain(installation: Installation, origin: Origin, error: OAuth2Error) -> None:
    """Store why this request was rejected, if there is room and the database is available.

    A failure to store it never changes the response.
    """
    checks: Checks | None = getattr(error, "checks", None)
    if checks is None:
        return
    REFUSALS.count(checks.endpoint, error.error)
    log.info(
        "oauth.rejected",
        endpoint=checks.endpoint,
        client_id=checks.client_id,
        error=error.error,
        reason=error.description,
    )
    try:
        with unit_of_work(installation, origin) as work:
            if has_room(work, LIMITS.explanation, key=of_network(work, "explain")):
                refusals.add(work.db, _row(work, origin, checks, error))
    except OUTAGES:
        log.warning("explanation.not_saved", error_id=origin.request_id)


def _row(work: UnitOfWork, origin: Origin, checks: Checks, error: OAuth2Error) -> RefusalRow:
    return RefusalRow(
        error_id=origin.request_id,
        at=work.now,
        endpoint=checks.endpoint,
        client_id=_storable(checks.client_id, 128),
        network=origin.network,
        error=error.error,
        description=(error.description or "")[:400],
        checks=[_storable_check(check) for check in checks.done],
    )


def _storable_check(check: Check) -> dict[str, str | bool]:
    detail = check.detail
    texts = {
        "name": check.name,
        "section": detail["section"],
        "expected": detail["expected"],
        "got": check.got,
        "fix": detail["fix"],
    }
    return {**{name: _storable(text) or "" for name, text in texts.items()}, "passed": check.passed}


def _storable(text: str | None, most: int = 400) -> str | None:
    # PostgreSQL keeps no NUL and no lone surrogate, and these values are whatever somebody sent.
    return None if text is None else text.encode("utf-8", "replace").decode().replace("\x00", "?")[:most]


def find_latest(
    work: UnitOfWork, *, client_id: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[RefusalRow]:
    """Return the rejected requests of the last week, the latest first.

    `after` is `at` and the error id of the last one of the previous page.
    """
    since = work.now - LISTED_FOR
    return refusals.find_latest(work.read, since=since, client_id=client_id, after=after, limit=limit)


def count_rejected(work: UnitOfWork, client_id: str, *, most: int) -> int:
    """Return how many requests of the client were rejected in the last week, up to `most`."""
    return refusals.count(work.read, since=work.now - LISTED_FOR, client_id=client_id, most=most)


def find_explanation(work: UnitOfWork, error_id: str) -> RefusalRow | None:
    """Return the rejected request with this id, or None if there is none or it is kept no longer."""
    row, kept_for = refusals.find(work.read, error_id[:32]), work.settings.rejected_request_retention
    return row if row is not None and (not kept_for or row.at > work.now - kept_for) else None
