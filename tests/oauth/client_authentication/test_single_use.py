"""A JWT that is accepted once is accepted by one of several requests at the same moment (RFC 7523 section 3)."""

import threading
from datetime import timedelta

import pytest

from provider.oauth.client_authentication.single_use import use_up
from provider.work import Installation, unit_of_work
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.both_databases


def test_of_many_requests_with_one_assertion_one_is_accepted(installation: Installation) -> None:
    """A-39, A-111."""
    count, found = 8, []
    line = threading.Barrier(count)

    def send() -> None:
        with unit_of_work(installation) as w:
            line.wait(PATIENCE)
            found.append(use_up(w, issuer="a", jti="1", expires_at=w.now + timedelta(minutes=1)))

    threads = [threading.Thread(target=send) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert sorted(found) == [*[False] * (count - 1), True]


def test_what_was_used_up_stays_so_if_the_request_fails(installation: Installation) -> None:
    """A-39: a request that crashes later does not give its assertion back."""
    with pytest.raises(ZeroDivisionError), unit_of_work(installation) as w:
        assert use_up(w, issuer="a", jti="1", expires_at=w.now + timedelta(minutes=1))
        _ = w.db
        raise ZeroDivisionError
    with unit_of_work(installation) as w:
        assert not use_up(w, issuer="a", jti="1", expires_at=w.now + timedelta(minutes=1))
        assert use_up(w, issuer="b", jti="1", expires_at=w.now + timedelta(minutes=1))


def test_a_value_can_be_used_again_once_its_jwt_has_expired(work: Work, clock: Clock) -> None:
    with work() as w:
        assert use_up(w, issuer="a", jti="1", expires_at=w.now + timedelta(minutes=1))
    clock.advance(minutes=1)
    with work() as w:
        assert use_up(w, issuer="a", jti="1", expires_at=w.now + timedelta(minutes=1))
    with work() as w:
        assert not use_up(w, issuer="a", jti="1", expires_at=w.now + timedelta(minutes=1))
