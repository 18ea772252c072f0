"""kill -9 at random moments under load: what was acknowledged is there, what was used or revoked stays dead (F-9)."""

import shutil
from random import Random
from typing import TypeVar

import pytest

from benchmarks.kill_rounds import run
from benchmarks.ledger import (
    KINDS,
    Actor,
    Broken,
    Known,
    Redeemer,
    Refresher,
    Revocation,
    Revoker,
    acting,
    make_actors,
    verify_all,
)
from benchmarks.scratch import Scratch, scratch
from tests.support.effort import effort
from tests.support.waiting import wait_until

Kind = TypeVar("Kind", bound=Actor)

pytestmark = [pytest.mark.slow, pytest.mark.race, pytest.mark.load]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_acknowledged_is_lost_and_nothing_dead_is_revived(
    database: str, request: pytest.FixtureRequest
) -> None:
    """A-112, A-125; F-9, R-2. On PostgreSQL the database server is killed too."""
    if database == "postgresql":
        request.getfixturevalue("postgres_url")  # skips without PostgreSQL
    result = run(database, rounds=effort(3, 20), seed=3, each=1)
    assert result.problems == []
    assert result.checked > result.rounds * len(KINDS)
    assert len(result.killed) > 1
    assert result.acknowledged["refresh"] > 0


def test_the_ledgers_notice_a_database_that_was_set_back() -> None:
    """What the rounds look for is found when it is there: here an older copy of the database returns."""
    with scratch("sqlite", workers=1, settings={"SIGNET_BCRYPT_COST": "4", "SIGNET_REGISTRATION": "open"}) as there:
        there.start()
        actors = make_actors(there, Random(1), each=1)
        refresher, revoker = _find(actors, Refresher), _find(actors, Revoker)
        first = refresher.family.refresh_tokens[0]
        revocation = Revocation(revoker.tokens())
        _copy(there, "signet.db", "older.db")
        with acting(actors):
            wait_until(lambda: all(sum(actor.acknowledged.values()) > 3 for actor in actors))
        assert revoker.rp.revoke(revocation.tokens.refresh_token).status_code == 200
        revocation.known = Known.DONE
        verify_all(actors)
        assert [actor.problems for actor in actors] == [[]] * len(KINDS)
        revoker.is_revoked(revocation)
        _find(actors, Redeemer).act()
        _copy(there, "older.db", "signet.db")
        verify_all(actors)
        assert {type(actor) for actor in actors if actor.problems} == set(KINDS) - {Revoker}
        with pytest.raises(Broken, match="REVIVED"):
            revoker.is_revoked(revocation)
        with pytest.raises(Broken, match="REVIVED"):
            refresher.is_refused(first)


def _find(actors: list[Actor], kind: type[Kind]) -> Kind:
    return next(actor for actor in actors if isinstance(actor, kind))


def _copy(there: Scratch, source: str, target: str) -> None:
    """Copy one database over another while nothing has it open, and start the service again."""
    there.kill()
    there.installation.database.engine.dispose()
    for beside in ("-wal", "-shm"):
        if (there.folder / f"{source}{beside}").exists():
            shutil.copy(there.folder / f"{source}{beside}", there.folder / f"{target}{beside}")
        else:
            (there.folder / f"{target}{beside}").unlink(missing_ok=True)
    shutil.copy(there.folder / source, there.folder / target)
    there.start()
