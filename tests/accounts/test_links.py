"""One-time links: rows with a purpose, a status and an end, found by digest, claimed once and kept."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from provider.accounts.links import NewLink, find_link, issue_link
from provider.accounts.store import email_addresses, links
from provider.accounts.store.links import LinkStatus, Purpose, one_time_links
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases


def issue(work: Work, user_id: str, purpose: Purpose = Purpose.RESET) -> NewLink:
    with work() as w:
        address = email_addresses.find_of_user(w.read, user_id)
        assert address is not None
        return issue_link(w, purpose=purpose, address=address)


def statuses(work: Work) -> list[str]:
    with work() as w:
        return list(w.read.scalars(select(one_time_links.c.status).order_by(one_time_links.c.created_at)))


def test_a_link_is_claimed_once_and_kept(work: Work) -> None:
    """A-83. Replaces: secured tokens in a table."""
    with work() as w:
        user_id = make_user(w)
    made = issue(work, user_id)
    with work() as w:
        link = find_link(w, made.token, Purpose.RESET)
        assert link is not None
        assert (link.user_id, link.purpose, link.medium, link.status) == (user_id, "reset", "email", LinkStatus.ACTIVE)
        assert find_link(w, made.token, Purpose.VERIFY) is None
        assert made.token not in str(w.read.execute(select(one_time_links)).all())
        assert [links.spend(w.db, link.id, now=w.now) for _ in range(2)] == [True, False]
    with work() as w:
        claimed = find_link(w, made.token, Purpose.RESET)
    assert claimed is not None
    assert (claimed.status, claimed.claimed_at) == (LinkStatus.CLAIMED, w.now)


def test_a_newer_link_ends_the_one_before_of_its_purpose(work: Work, clock: Clock) -> None:
    with work() as w:
        user_id = make_user(w)
    for purpose in (Purpose.RESET, Purpose.VERIFY, Purpose.RESET):
        issue(work, user_id, purpose)
        clock.advance(seconds=1)
    assert statuses(work) == [LinkStatus.EXPIRED, LinkStatus.ACTIVE, LinkStatus.ACTIVE]


def test_the_end_is_checked_whenever_it_is_claimed(work: Work) -> None:
    """Replaces: secured tokens in a table."""
    with work() as w:
        user_id = make_user(w)
    made = issue(work, user_id)
    with work() as w:
        link = find_link(w, made.token, Purpose.RESET)
        assert link is not None
        assert not link.is_open(link.expires_at)
        assert not links.spend(w.db, link.id, now=link.expires_at)
        assert links.spend(w.db, link.id, now=link.expires_at - timedelta(seconds=1))


def test_links_go_with_their_person(work: Work) -> None:
    """The database sees to it, whoever deletes the row. Replaces: secured tokens in a table."""
    with work() as w:
        user_id = make_user(w)
    issue(work, user_id)
    with work() as w:
        w.db.exec_driver_sql("DELETE FROM users")
    assert statuses(work) == []
