"""A sign-in with an upstream while another transaction ends what it relies on (decision 114)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from provider.accounts import compromise_report
from provider.accounts.access import Cause, end_access
from provider.accounts.store import linked_identities
from provider.work import Installation, UnitOfWork
from tests.federation.conftest import identities_of
from tests.federation.fake_provider import Traveller
from tests.support.browser import Page
from tests.support.installation import Work
from tests.support.people import is_signed_in

pytestmark = pytest.mark.only_on("postgresql")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

Meanwhile = Callable[[Callable[[UnitOfWork], object]], Page]


@pytest.fixture
def meanwhile(traveller: Traveller, linked: str, work: Work, installation: Installation) -> Meanwhile:
    """Let a linked user come back from the upstream while something has been done and is not yet committed."""

    def act(do: Callable[[UnitOfWork], object]) -> Page:
        url = traveller.provider.authorize(traveller.leave())
        with ThreadPoolExecutor(1) as other:
            with work() as w:
                do(w)
                coming = other.submit(traveller.browser.open, url)
                with installation.database.engine.connect() as db:
                    while not db.scalar(text(WAITING)):
                        assert not coming.done(), coming.result()
            return coming.result()

    return act


def test_a_sign_in_does_not_outlive_a_report_that_unlinks(
    meanwhile: Meanwhile, traveller: Traveller, linked: str, work: Work
) -> None:
    """N-601."""
    page = meanwhile(lambda w: compromise_report.report(w, user_id=linked))
    assert page.status == 403
    assert not is_signed_in(traveller.browser)
    assert identities_of(work, linked) == []


def test_a_sign_in_does_not_outlive_a_danger_that_the_upstream_reports(
    meanwhile: Meanwhile, traveller: Traveller, linked: str, work: Work
) -> None:
    """N-602: the upstream has to ask its user again."""

    def report(w: UnitOfWork) -> None:
        [identity] = linked_identities.find_of_user(w.db, linked)
        end_access(w, user_id=linked, cause=Cause.UPSTREAM_SIGNAL)
        linked_identities.require_proof(w.db, identity.id, after=w.now)

    page = meanwhile(report)
    assert "Continue to Example" in page.links
    assert not is_signed_in(traveller.browser)
