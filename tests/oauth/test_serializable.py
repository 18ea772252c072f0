"""PostgreSQL with `default_transaction_isolation = serializable`: transactions that conflict fail with SQLSTATE 40001.

A request that lost is repeated, or answered with 503. It is never a 500, and never lets a used code or token through.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from structlog.testing import capture_logs

from provider.config.settings import Settings
from provider.work import Installation
from tests.oauth.conftest import Person, Register
from tests.support.installation import settings_for
from tests.support.relying_party import Tokens

pytestmark = pytest.mark.only_on("postgresql")

OFFLINE = "openid offline_access"
ROUNDS = 8


@pytest.fixture
def settings(database_url: str) -> Settings:
    isolation = "options=-c%20default_transaction_isolation%3Dserializable"
    return settings_for(f"{database_url}&{isolation}", refresh_grace=0, database_timeout=20)


def together(send: Callable[[], Tokens]) -> list[Tokens]:
    """The answers to two of these requests, sent at the same moment."""
    start = Barrier(2)

    def run(_number: int) -> Tokens:
        start.wait(60)
        return send()

    with ThreadPoolExecutor(2) as senders:
        return list(senders.map(run, range(2)))


def test_the_transactions_are_serializable(installation: Installation) -> None:
    with installation.database.connect() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "serializable"


def test_of_two_racing_refreshes_one_is_answered_and_the_other_counts_as_reuse(
    register: Register, ada: str, person: Person
) -> None:
    """RFC 9700 section 4.14.2."""
    rp = register()
    rp.http.outage = True  # type: ignore[attr-defined]  # for a request that lost each time it was repeated
    for _ in range(ROUNDS):
        tokens = rp.sign_in(person(ada), scope=OFFLINE)
        answers = together(partial(rp.refresh, tokens))
        assert {answer.status for answer in answers} <= {200, 400, 503}, answers
        won = [answer for answer in answers if answer.status == 200]
        lost = [answer for answer in answers if answer.status == 400]
        assert len(won) <= 1
        assert {answer.error for answer in lost} <= {"invalid_grant"}
        if won and lost:  # the family is revoked, and with it what the winner got
            assert rp.refresh(won[0]).error == "invalid_grant"


def test_a_code_that_two_requests_redeem_at_once_is_redeemed_once(register: Register, ada: str, person: Person) -> None:
    """RFC 6749 section 4.1.2."""
    rp = register()
    rp.http.outage = True  # type: ignore[attr-defined]  # as above
    for _ in range(ROUNDS):
        asked = rp.ask(person(ada), scope=OFFLINE)
        answers = together(partial(rp.redeem, asked))
        assert {answer.status for answer in answers} <= {200, 400, 503}, answers
        assert sum(answer.status == 200 for answer in answers) <= 1


def test_requests_of_others_at_the_same_moment_fail_with_no_error(register: Register, ada: str, person: Person) -> None:
    """Sign-ins, refreshes and revocations of one person and one app, which write to neighbouring rows."""
    rp = register()

    def act(_number: int) -> None:
        tokens = rp.sign_in(person(ada), scope=OFFLINE)
        for _ in range(3):
            tokens = rp.refresh(tokens)
        rp.revoke(tokens.refresh_token)

    with capture_logs() as logs, ThreadPoolExecutor(4) as people:
        list(people.map(act, range(8)))
    assert [log for log in logs if log["event"] in {"crash", "database.unavailable"}] == []
