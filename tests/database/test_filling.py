"""Migrations that fill a new column from what is there."""

import importlib.util

import pytest
from sqlalchemy import select

from provider.accounts.store.users import NEVER, users
from provider.audit.events import Event
from provider.audit.log import record
from provider.resources import MIGRATIONS
from provider.work import Installation
from tests.support.factories import make_user
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases


def test_the_last_sign_in_is_taken_from_the_audit_log_step_by_step(
    work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("last_sign_in", MIGRATIONS / "versions/20261130_last_sign_in.py")
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    with work() as w:
        ids = [make_user(w, f"person{number}@example.test") for number in range(5)]
        for user_id in ids[1:4]:
            record(w, Event.SIGNED_IN, user_id=user_id)
        now = w.now
    with installation.database.engine.begin() as db:
        migration.fill(db)
        found = {row.id: row.last_sign_in_at for row in db.execute(select(users.c.id, users.c.last_sign_in_at))}
    assert found == {user_id: now if user_id in ids[1:4] else NEVER for user_id in ids}
