"""The conditional writes that decide between two requests with the same code: one of them gets it, whatever both read
before (RFC 6238 section 5.2).
"""

import pytest

from provider.accounts.factors.store import recovery_codes, totp
from provider.accounts.factors.store.totp import TotpCredential
from tests.support.factories import make_user
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases


def test_a_time_step_is_used_once_and_so_is_every_earlier_one(work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
        first, second = (TotpCredential(user_id, seed, w.now, last_step=10) for seed in ("sealed", "sealed too"))
        for app in (first, second):
            totp.add(w.db, app)
        for app in (first, second):
            spent = [totp.spend_step(w.db, app, step, now=w.now) for step in (11, 11, 10, 12)]
            assert spent == [True, False, False, True]


def test_a_recovery_code_is_used_once(work: Work) -> None:
    with work() as w:
        user_id, code = make_user(w), b"d" * 32
        recovery_codes.replace(w.db, user_id, [code], now=w.now)
        assert [recovery_codes.spend(w.db, user_id, code, now=w.now) for _ in range(2)] == [True, False]
