"""Published key sets: kept for a while, asked for again with care. Over HTTP: `oauth/clients/test_client_keys.py`."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from provider.jose.remote_key_sets import ASKED_AGAIN_AFTER, FRESH_FOR, KEPT_FOR, KeySetUnavailable, RemoteKeySets
from provider.outbound.answers import Answer, OutboundFailed
from provider.outbound.client import Outbound
from tests.support.client_keys import public, usual_key

URL = "https://client.example.test/jwks.json"
EC: dict[str, Any] = public(usual_key("ES256"))


@dataclass
class Work:
    """A moment, and a server that publishes the key with this kid; `problem` is why it does not answer."""

    now: datetime = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    kid: str = "first"
    problem: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def outbound(self) -> Outbound:
        return cast("Outbound", self)

    def fetch(self, url: str, *, accept: Collection[str]) -> Answer:
        self.asked.append(url)
        if self.problem:
            raise OutboundFailed(self.problem)
        return Answer(200, "application/json", json.dumps({"keys": [{**EC, "kid": self.kid}]}).encode())

    def pass_by(self, span: timedelta) -> None:
        self.now += span


@pytest.fixture
def work() -> Work:
    return Work()


def kids(work: Work, sets: RemoteKeySets, *, newer: bool = False) -> list[str | None]:
    return [key.kid for key in sets.find(work, URL, newer=newer)]


def test_a_set_is_fetched_again_when_it_is_no_longer_fresh(work: Work) -> None:
    sets = RemoteKeySets()
    assert kids(work, sets) == ["first"]
    work.kid = "second"
    work.pass_by(FRESH_FOR - timedelta(seconds=1))
    assert kids(work, sets) == ["first"]
    work.pass_by(timedelta(seconds=1))
    assert kids(work, sets) == ["second"]
    assert len(work.asked) == 2


def test_how_long_a_set_is_fresh_can_be_chosen(work: Work) -> None:
    sets = RemoteKeySets(fresh_for=timedelta(hours=1))
    kids(work, sets)
    work.kid = "second"
    work.pass_by(timedelta(minutes=59))
    assert kids(work, sets) == ["first"]
    work.pass_by(timedelta(minutes=1))
    assert kids(work, sets) == ["second"]


def test_a_missing_key_is_asked_for_once_a_minute(work: Work) -> None:
    sets = RemoteKeySets()
    kids(work, sets)
    work.kid = "second"
    assert kids(work, sets, newer=True) == ["first"]
    work.pass_by(ASKED_AGAIN_AFTER)
    assert kids(work, sets, newer=True) == ["second"]
    work.kid = "third"
    assert kids(work, sets, newer=True) == ["second"]
    assert len(work.asked) == 2


def test_while_the_set_is_unavailable_known_keys_count_and_missing_ones_are_not_called_unknown(work: Work) -> None:
    sets = RemoteKeySets()
    kids(work, sets)
    work.problem = "it answered 500"
    work.pass_by(FRESH_FOR)
    assert kids(work, sets) == ["first"]
    for _ in range(2):
        with pytest.raises(KeySetUnavailable, match="it answered 500"):
            kids(work, sets, newer=True)
    assert len(work.asked) == 2
    work.pass_by(ASKED_AGAIN_AFTER)
    with pytest.raises(KeySetUnavailable):
        kids(work, sets, newer=True)
    assert len(work.asked) == 3
    work.pass_by(KEPT_FOR)
    with pytest.raises(KeySetUnavailable):
        sets.find(work, URL)
    work.problem = ""
    assert kids(work, sets) == ["first"]
    work.pass_by(ASKED_AGAIN_AFTER)
    assert kids(work, sets, newer=True) == ["first"]


def test_known_keys_count_no_longer_than_an_hour_even_right_after_a_failed_try(work: Work) -> None:
    sets = RemoteKeySets()
    kids(work, sets)
    work.problem = "it answered 500"
    work.pass_by(KEPT_FOR - timedelta(seconds=1))
    assert kids(work, sets) == ["first"]
    work.pass_by(timedelta(seconds=1))
    with pytest.raises(KeySetUnavailable):
        kids(work, sets)


def test_a_set_that_was_never_there_is_unavailable(work: Work) -> None:
    work.problem = "it answered 404"
    with pytest.raises(KeySetUnavailable, match="it answered 404"):
        RemoteKeySets().find(work, URL)
