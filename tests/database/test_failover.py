"""The primary dies and a standby takes over: an outage until then, and everything works afterwards (F-1)."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from provider.database.engine import OUTAGES, Database, open_database
from tests.support.installation import settings_for
from tests.support.own_postgres import OwnServer
from tests.support.services import postgres_program
from tests.support.waiting import wait_until


class Standby:
    """A hot standby of a server, on a socket in a folder of its own."""

    def __init__(self, primary: OwnServer) -> None:
        self.folder: Path = primary.services.folder / "standby"
        self._who: dict[str, Any] = {
            "user": primary.owner.st_uid,
            "group": primary.owner.st_gid,
            "extra_groups": [],
            "cwd": primary.data,
        }
        self.folder.mkdir(mode=0o700)
        os.chown(self.folder, primary.owner.st_uid, primary.owner.st_gid)
        copy = [postgres_program("pg_basebackup"), "-h", str(primary.data), "-U", "signet", "-D", str(self.folder)]
        subprocess.run([*copy, "-R", "-c", "fast"], check=True, capture_output=True, **self._who)
        for lock in self.folder.glob(".s.PGSQL*"):
            lock.unlink()
        command = [argument.replace(str(primary.data), str(self.folder)) for argument in primary.command]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._who)

    def answers(self) -> bool:
        try:
            psycopg.connect(host=str(self.folder), user="signet", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def promote(self) -> None:
        with psycopg.connect(host=str(self.folder), user="signet", dbname="postgres", autocommit=True) as operator:
            operator.execute("SELECT pg_promote(false)")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def standby(own_server: OwnServer) -> Iterator[Standby]:
    standby = Standby(own_server)
    try:
        wait_until(standby.answers, of=standby.process)
        yield standby
    finally:
        standby.stop()


def _can_write(database: Database) -> bool:
    try:
        with database.connect() as connection:
            connection.execute(text("DELETE FROM refusals"))
    except OUTAGES:
        return False
    return True


def test_a_standby_takes_over(own_server: OwnServer, standby: Standby) -> None:
    """A standby that is still read-only is an outage (SQLSTATE 25006), and none once it was promoted."""
    both = f"{own_server.data},{standby.folder}"
    database = open_database(settings_for(f"postgresql+psycopg://signet@/postgres?host={both}", database_timeout=5))
    alone = open_database(settings_for(f"postgresql+psycopg://signet@/postgres?host={standby.folder}"))
    assert _can_write(database)
    assert not _can_write(alone)
    own_server.stop()
    assert not _can_write(database)
    assert not _can_write(database)
    with alone.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM refusals")) == 0
    standby.promote()
    wait_until(lambda: _can_write(database), of=standby.process)
    wait_until(lambda: _can_write(alone), of=standby.process)
    database.close()
    alone.close()
