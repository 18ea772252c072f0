"""Moments are UTC on every database; identifiers sort by time; foreign keys are enforced."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from provider.audit.store import AuditEvent, append, find
from provider.database.base import new_id
from provider.sessions.store import sessions
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases


def event(at: datetime) -> AuditEvent:
    return AuditEvent(new_id(), at, "test", None, None, "", "", "", {"list": [1, "ü"]})


def test_a_moment_comes_back_in_utc_to_the_microsecond(work: Work) -> None:
    at = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    with work() as w:
        append(w.db, event(at))
    with work() as w:
        (found,) = find(w.read)
    assert found.at == at
    assert found.at.tzinfo is UTC
    assert found.details == {"list": [1, "ü"]}


def test_moments_of_all_zones_are_compared_as_moments(work: Work) -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    with work() as w:
        append(w.db, event(noon.astimezone(timezone(timedelta(hours=-8)))))
    with work() as w:
        assert len(find(w.read, since=noon)) == 1
        assert find(w.read, since=noon + timedelta(seconds=1)) == []


def test_a_moment_without_a_zone_is_a_bug(work: Work) -> None:
    with pytest.raises(ValueError, match="naive"), work() as w:
        append(w.db, event(datetime(2026, 11, 21)))  # noqa: DTZ001


def test_identifiers_are_uuids_of_version_7_in_order_of_time() -> None:
    """RFC 9562 sections 5.7 and 6.2: of one process also within a millisecond."""
    made = [uuid.UUID(new_id()) for _ in range(100)]
    assert {(each.version, each.variant) for each in made} == {(7, uuid.RFC_4122)}
    assert [each.int >> 64 for each in made] == sorted(each.int >> 64 for each in made)
    assert len(set(made)) == 100


def test_nothing_points_at_a_user_who_is_not_there(work: Work) -> None:
    values = dict.fromkeys(sessions.c.keys(), "") | {
        "id": new_id(),
        "user_id": new_id(),
        "digest": b"x" * 32,
        "pending_until": None,
        "ended_at": None,
        "security_stamp": None,
        "proven_earlier": False,
        "kept": False,
    }
    with pytest.raises(IntegrityError), work() as w:
        moments = dict.fromkeys(("created_at", "auth_time", "last_seen", "expires_at"), w.now)
        w.db.execute(insert(sessions), values | moments)
