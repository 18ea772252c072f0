"""`signet migrate`, killed in the middle of a migration while another one waits: the other finishes."""

import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from provider.database.migrations import HEAD, current
from provider.resources import MIGRATIONS
from tests.support import forking
from tests.support.forking import Forked
from tests.support.installation import SECRET_KEY
from tests.support.server_process import environment
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.both_databases, pytest.mark.race, pytest.mark.slow]

LONG = '''
"""Something that takes long."""

import os
import time

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.create_table("long_one", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("users", sa.Column("nickname", sa.String(20)))
    open(os.environ["REACHED"], "w").close()
    while "STAY" in os.environ:
        time.sleep(0.1)
    op.execute("INSERT INTO long_one VALUES (1)")


def downgrade() -> None:
    pass
'''
RUN = """
import pathlib, sys
import provider.database.migrations
provider.database.migrations.MIGRATIONS = pathlib.Path(sys.argv.pop())
from provider.__main__ import main
main()
"""


def test_what_was_done_is_kept_what_was_not_is_undone_and_the_next_one_goes_on(
    empty_database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions/long.py").write_text(LONG.format(head=HEAD))
    settings = {"SIGNET_DATABASE_URL": empty_database_url, "SIGNET_SECRET_KEY": SECRET_KEY}

    def migrating(reached: Path, **more: str) -> Forked:
        environ = environment(settings) | {"REACHED": str(reached)} | more
        with reached.with_suffix(".said").open("wb") as said:
            return forking.start(["migrate", str(folder)], code=RUN, env=environ, stdout=said, stderr=said)

    first = migrating(tmp_path / "first", STAY="yes")
    wait_until(lambda: (tmp_path / "first").exists() or first.poll() is not None)
    assert first.poll() is None, (tmp_path / "first.said").read_text()
    second = migrating(tmp_path / "second")
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(2)
        assert not (tmp_path / "second").exists(), "two at once"
        engine = create_engine(empty_database_url)
        with engine.connect() as connection:
            assert current(connection) == HEAD  # every step before is done, whatever becomes of this one
            assert "long_one" not in inspect(connection).get_table_names()
        first.kill()
        status = second.wait(PATIENCE)
        said = (tmp_path / "second.said").read_text()
        assert status == 0, said
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
    assert "to 9999" in said
    with engine.connect() as connection:
        assert current(connection) == "9999"
        assert connection.scalar(text("SELECT count(*) FROM long_one")) == 1
        assert "nickname" in {column["name"] for column in inspect(connection).get_columns("users")}
    engine.dispose()
