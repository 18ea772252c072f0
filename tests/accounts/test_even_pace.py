"""What must not show in the time of an answer does not (A-61, A-81, A-86)."""

import time

import pytest

from provider.accounts import timing as constant_time_response
from provider.work import UnitOfWork
from tests.support.installation import Work


def took(work: Work, act: float) -> float:
    began = time.monotonic()
    with work() as w, constant_time_response.constant_time_response(w):
        time.sleep(act)
    return time.monotonic() - began


def test_quick_and_slow_work_take_the_same(work: Work) -> None:
    assert took(work, 0) >= constant_time_response.PACE
    assert took(work, constant_time_response.PACE / 2) >= constant_time_response.PACE


def test_nobody_waits_behind_it(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction is over when the waiting begins."""
    writing: list[bool] = []
    with work() as w:
        _watch(w, writing, monkeypatch)
        with constant_time_response.constant_time_response(w):
            w.db.exec_driver_sql("SELECT 1")
            assert w.writing
    assert writing == [False]


def _watch(w: UnitOfWork, writing: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: writing.append(w.writing))
