"""The schema moves up and down, on both databases, and says where it stands."""

from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert, inspect, select

from provider.config.environment import SettingsError
from provider.database.engine import Database, open_database
from provider.database.migrations import BASE, HEAD, current, migrate, require_current
from provider.database.partitions import is_partition
from provider.oauth.clients.store.client_origins import client_origins
from provider.oauth.clients.store.clients import clients
from provider.resources import MIGRATIONS
from provider.tables import metadata
from tests.support.installation import settings_for

pytestmark = pytest.mark.both_databases


def tables(connection: Connection) -> set[str]:
    return {name for name in inspect(connection).get_table_names() if is_ours(name)} - {"alembic_version"}


def is_ours(name: str | None, kind: str = "table", _parents: object = None) -> bool:
    """The indexes of SQLite's full-text search are tables too, and so are partitions."""
    return kind != "table" or name is None or not ("_fts" in name or is_partition(name))


def opened(url: str) -> Database:
    return open_database(settings_for(url))


def test_head_is_the_newest_of_the_migrations_which_do_not_fork() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_from_empty_to_head_equals_the_tables_of_the_code(empty_database_url: str) -> None:
    migrate(settings_for(empty_database_url))
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"include_name": is_ours}), metadata)
        assert tables(connection) == set(metadata.tables)
        assert current(connection) == HEAD
    engine.dispose()
    assert differences == []


@pytest.mark.also_on_postgresql
def test_down_to_nothing_and_up_again(empty_database_url: str) -> None:
    """Replaces: migrations both ways."""
    settings = settings_for(empty_database_url)
    engine = create_engine(empty_database_url)
    migrate(settings)
    migrate(settings, BASE, at=HEAD)
    with engine.connect() as connection:
        assert tables(connection) == set()
    migrate(settings)
    with engine.connect() as connection:
        assert tables(connection) == set(metadata.tables)
    engine.dispose()


def test_the_origins_of_clients_registered_before_are_filled_in(empty_database_url: str) -> None:
    settings = settings_for(empty_database_url)
    migrate(settings, "0006")
    engine = create_engine(empty_database_url)
    uris = ["https://APP.test:443/a", "https://app.test/b", "http://localhost:3000/", "http://[::1]/", "com.example:/"]
    with engine.begin() as connection:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        rows = [("web", {"redirect_uris": uris}), ("service", {}), ("old", {"redirect_uris": []})]
        connection.execute(
            insert(clients),
            [
                {"client_id": client_id, "metadata": given, "created_at": now, "updated_at": now}
                for client_id, given in rows
            ],
        )
    migrate(settings)
    with engine.connect() as connection:
        found = connection.execute(select(client_origins).order_by(client_origins.c.origin)).all()
    engine.dispose()
    assert found == [(origin, "web") for origin in ("http://[::1]", "http://localhost:3000", "https://app.test")]


def test_a_database_behind_the_code_is_told_from_one_at_head(empty_database_url: str) -> None:
    database = opened(empty_database_url)
    with pytest.raises(SettingsError, match="signet migrate"):
        require_current(database)
    migrate(settings_for(empty_database_url))
    require_current(database)
    database.close()


def test_moving_to_where_it_stands_changes_nothing(empty_database_url: str) -> None:
    settings = settings_for(empty_database_url)
    migrate(settings)
    migrate(settings, HEAD, at=HEAD)
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        assert tables(connection) == set(metadata.tables)
    engine.dispose()


def test_an_unknown_revision_is_one_line(empty_database_url: str) -> None:
    with pytest.raises(SettingsError, match="nonsense"):
        migrate(settings_for(empty_database_url), "nonsense")


def test_the_statements_can_be_printed(empty_database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(settings_for(empty_database_url), sql=True)
    printed = capsys.readouterr().out
    assert all(f"CREATE TABLE {name}" in printed for name in metadata.tables)
