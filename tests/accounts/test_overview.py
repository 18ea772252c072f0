"""Operators see accounts described in one way, at the cost of the same few queries for any number."""

import pytest
from sqlalchemy import event

from provider.accounts import overview
from provider.accounts.roles.roles import require_factor
from provider.accounts.store import email_addresses, passwords
from provider.accounts.users import NoSuchUser
from provider.database.base import new_id
from provider.work import Installation
from tests.support.factories import make_user
from tests.support.installation import Work


@pytest.mark.parametrize(("required_factor", "queries"), [("none", 5), ("two-factor", 6)])
def test_describing_thirty_users_takes_as_many_queries_as_three(
    work: Work, installation: Installation, required_factor: str, queries: int
) -> None:
    """Also with a role that requires a second factor: whoever has passkeys then uses one."""
    with work() as w:
        ids = [make_user(w, f"user{number}@example.test", roles=("staff",)) for number in range(30)]
        require_factor(w, name="staff", required_factor=required_factor)
    asked: list[str] = []
    event.listen(installation.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    counts = []
    for number in (3, 30):
        with work() as w:
            asked.clear()
            described = overview.describe(w, ids[:number])
            counts.append(len(asked))
        assert [one.user.id for one in described] == ids[:number]
    assert counts == [queries, queries]


def test_a_description_holds_the_verified_address_and_how_the_user_signs_in(work: Work) -> None:
    with work() as w:
        ada = make_user(w, "ada@example.test")
        grace = make_user(w, "grace@example.test")
        passwords.remove(w.db, grace)
        later = email_addresses.EmailAddress(new_id(), ada, "new@example.test", "new@example.test", w.now, None)
        email_addresses.add(w.db, later)
    with work() as w:
        found = overview.describe(w, [grace, new_id(), ada])
        assert [(one.email, one.is_confirmed, one.has_password, one.two_factor) for one in found] == [
            ("grace@example.test", True, False, False),
            ("ada@example.test", True, True, False),
        ]
        with pytest.raises(NoSuchUser):
            overview.describe_one(w, new_id())
