"""The rows of signing keys, and what becomes of those an earlier version made."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, select, text

from provider.database.migrations import HEAD, migrate
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.store import SigningKeyRow, State
from tests.support.installation import Work, settings_for

pytestmark = pytest.mark.both_databases

MADE = datetime(2026, 11, 21, 6, tzinfo=UTC)


def test_rows_of_the_version_before_go_on(empty_database_url: str) -> None:
    """A current key signs since it was made; of two that were published at one moment one stays."""
    settings = settings_for(empty_database_url)
    migrate(settings, "0006")
    engine = create_engine(empty_database_url)
    old = text(
        "INSERT INTO signing_keys (kid, alg, public, private, state, created_at) "
        "VALUES (:kid, :alg, '{}', 'sealed', :state, :created_at)"
    )
    with engine.begin() as db:
        for kid, alg, state in (
            ("a", "RS256", "current"),
            ("b", "RS256", "upcoming"),
            ("c", "RS256", "upcoming"),
            ("d", "ES256", "upcoming"),
            ("e", "RS256", "retired"),
        ):
            db.execute(old, {"kid": kid, "alg": alg, "state": state, "created_at": MADE.replace(tzinfo=None)})
    migrate(settings, at="0006")
    with engine.connect() as db:
        rows = {row.kid: row for row in db.execute(select(signing_keys.signing_keys))}
    assert set(rows) == {"a", "b", "d", "e"}
    assert {kid for kid, row in rows.items() if row.signs_from == row.created_at} == {"a"}
    migrate(settings, "0006", at=HEAD)
    with engine.connect() as db:
        assert set(db.scalars(text("SELECT kid FROM signing_keys"))) == {"a", "b", "d", "e"}
    engine.dispose()


def upcoming(kid: str, alg: str = "ES256") -> SigningKeyRow:
    return SigningKeyRow(kid, alg, {}, "sealed", State.UPCOMING, MADE, None, None)


def test_one_upcoming_key_of_a_pair_is_published(work: Work) -> None:
    with work() as w:
        assert signing_keys.publish(w.db, upcoming("first"))
        assert not signing_keys.publish(w.db, upcoming("second"))
        assert signing_keys.publish(w.db, upcoming("third", "EdDSA"))


def test_an_upcoming_key_is_promoted_once(work: Work) -> None:
    with work() as w:
        signing_keys.publish(w.db, upcoming("next"))
        assert signing_keys.promote(w.db, "next", now=MADE)
        assert not signing_keys.promote(w.db, "next", now=MADE)
        assert not signing_keys.promote(w.db, "unknown", now=MADE)


def test_every_other_current_key_retires(work: Work) -> None:
    """Two were current for a moment: whoever rotates next tidies up."""
    with work() as w:
        for kid in ("next", "late"):
            signing_keys.publish(w.db, upcoming(kid))
            signing_keys.promote(w.db, kid, now=MADE)
        signing_keys.retire(w.db, "ES256", but="late", expires_at=MADE + timedelta(hours=1))
        current = [row.kid for row in signing_keys.find_all(w.db) if (row.alg, row.state) == ("ES256", State.CURRENT)]
    assert current == ["late"]


@pytest.mark.parametrize("state", [State.UPCOMING, State.CURRENT])
def test_a_key_that_signs_or_will_keeps_its_private_part(work: Work, state: State) -> None:
    with work() as w:
        signing_keys.publish(w.db, upcoming("next"))
        if state == State.CURRENT:
            signing_keys.promote(w.db, "next", now=MADE)
        assert not signing_keys.erase_private(w.db, "next")
