"""signet doctor on PostgreSQL, SQLite and Redis: break them, and it is named."""

import sqlite3
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from sqlalchemy import make_url, text

from provider.doctor.examination import Case
from provider.doctor.stores import operation, redis_server, sqlite
from provider.doctor.stores.databases import DATABASES
from provider.doctor.stores.postgresql import Use, judge
from provider.doctor.stores.redis_server import REDIS_SERVER, examine_cluster
from provider.doctor.stores.redis_server import judge as judge_redis
from provider.doctor.stores.sqlite import file_system_of
from provider.doctor.transport import Unreachable
from tests.support.doctor import found_by
from tests.support.installation import Work
from tests.support.server_process import free_port
from tests.support.services import services

FIT: dict[str, Any] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "TimeZone": "Etc/UTC",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "max_connections": "100",
    "superuser_reserved_connections": "3",
    "server_version_num": "160004",
    "server_encoding": "UTF8",
    "autovacuum": "on",
    "track_counts": "on",
    "recovery": False,
    "connections": 20,
    "role_limit": -1,
    "database_limit": -1,
    "superuser": False,
    "age": 1000,
    "oldest": 0,
    "prepared": 0,
    "local": True,
    "encrypted": False,
    "slots": 0,
    "collation": True,
}
USE = Use(4, 16)


@pytest.mark.parametrize(
    ("fact", "value", "name", "severity"),
    [
        ("fsync", "off", "database.fsync-is-off", "problem"),
        ("full_page_writes", "off", "database.full-page-writes-is-off", "problem"),
        ("synchronous_commit", "off", "database.synchronous-commit-is-off", "problem"),
        ("TimeZone", "Europe/Zurich", "database.time-zone", "warning"),
        ("default_transaction_isolation", "serializable", "database.isolation", "warning"),
        ("default_transaction_read_only", "on", "database.read-only", "problem"),
        ("recovery", True, "database.read-only", "problem"),
        ("max_connections", "60", "database.too-few-connections", "problem"),
        ("connections", 90, "database.connections-are-nearly-used-up", "warning"),
        ("role_limit", 10, "database.role-connection-limit", "problem"),
        ("database_limit", 10, "database.role-connection-limit", "problem"),
        ("server_version_num", "120019", "database.old-version", "warning"),
        ("server_encoding", "LATIN1", "database.not-utf8", "problem"),
        ("collation", False, "database.collation-version", "problem"),
        ("autovacuum", "off", "database.autovacuum-is-off", "problem"),
        ("track_counts", "off", "database.autovacuum-is-off", "problem"),
        ("age", 1_500_000_000, "database.transaction-ids", "problem"),
        ("oldest", 3600, "database.long-transaction", "warning"),
        ("prepared", 1, "database.prepared-transaction", "warning"),
        ("superuser", True, "database.superuser", "warning"),
        ("local", False, "database.connection-is-not-encrypted", "warning"),
        ("slots", 1, "database.inactive-slot", "warning"),
    ],
)
def test_a_postgresql_that_is_set_up_badly_is_named(fact: str, value: Any, name: str, severity: str) -> None:
    found = {each.id: each.severity for each in judge({**FIT, fact: value}, USE) if each.severity != "ok"}
    assert found == {name: severity}


@pytest.mark.also_on_postgresql
@pytest.mark.only_on("postgresql")
def test_a_real_postgresql_is_read(case: Case) -> None:
    """The tests' own server trades durability for speed, and says so."""
    found = found_by(case, DATABASES)
    assert "database.fsync-is-off" in found
    assert not {"database.read-only", "database.not-utf8", "database.too-few-connections"} & set(found)
    url = f"postgresql://signet@127.0.0.1:{free_port()}/signet"
    away = case.settings.model_copy(update={"database_url": url})
    broken = replace(case, installation=replace(case.inside, settings=away))
    assert [each.severity for each in found_by(broken, DATABASES).values()] == ["unknown"]


@pytest.mark.also_on_postgresql
@pytest.mark.only_on("postgresql")
def test_how_a_real_postgresql_is_operated_is_read(case: Case, work: Work) -> None:
    """Each breakage at the real server: tables, indexes, rights and logins."""
    url = make_url(case.settings.database_url)
    weak = url.set(username="doctor_without_rights")
    with work() as w:
        for statement in (
            "ALTER TABLE consents SET (autovacuum_enabled = false)",
            "ALTER TABLE processes SET UNLOGGED",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_processes_seen_at'::regclass",
            "DROP ROLE IF EXISTS doctor_without_rights",
            "CREATE ROLE doctor_without_rights LOGIN",
            "ALTER TABLE processes ENABLE ROW LEVEL SECURITY",
        ):
            w.db.execute(text(statement))
    facts = operation.read_facts(weak.render_as_string(hide_password=False))
    assert facts["seen"] == facts["tables"]
    named = {each.id for each in operation.judge({**facts, "seconds": 0.5, "waits_for": "FIRST 1 (b)", "standbys": 0})}
    assert named >= {
        "database.table-is-not-vacuumed", "database.table-is-unlogged", "database.index-is-invalid",
        "database.rights-are-missing", "database.row-security", "database.is-far-away",
        "database.synchronous-standby-is-away",
    }  # fmt: skip
    for broken in (url.set(database="no_such_database"), url.set(username="no_such_role")):
        settings = case.settings.model_copy(update={"database_url": broken.render_as_string(hide_password=False)})
        rejected = replace(case, installation=replace(case.inside, settings=settings))
        assert [each.id for each in operation.examine(rejected)] == ["database.login-is-rejected"]


FIT_OPERATION: dict[str, Any] = {
    "seen": 90, "tables": 90, "without_rights": "", "row_security": "", "not_vacuumed": "", "unlogged": "",
    "invalid": "", "waits_for": "", "standbys": 0, "log_statement": "none", "log_duration": "-1", "seconds": 0.001,
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"seen": 0}, "database.tables-are-not-found"),
        ({"log_statement": "all"}, "database.logs-statements"),
        ({"log_duration": "0"}, "database.logs-statements"),
    ],
)
def test_a_postgresql_that_is_operated_badly_is_named(facts: dict[str, Any], name: str) -> None:
    assert list(operation.judge(FIT_OPERATION)) == []
    assert [each.id for each in operation.judge({**FIT_OPERATION, **facts})] == [name]


def test_a_replica_that_is_behind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lag = 5.0
    session = SimpleNamespace(execute=lambda _: SimpleNamespace(fetchone=lambda: (lag,)))
    monkeypatch.setattr(operation, "connect", lambda _: nullcontext(session))
    assert list(operation._replica("postgresql://replica")) == []
    lag = 600.0
    assert [each.id for each in operation._replica("postgresql://replica")] == ["database.replica-is-behind"]


def test_what_a_postgresql_says_when_it_rejects_a_connection_is_named() -> None:
    said = {
        "FATAL: sorry, too many clients already": "database.no-connection-is-left",
        "server does not support SSL, but SSL was required": "database.tls-fails",
        'FATAL: password authentication failed for user "signet"': "database.login-is-rejected",
        "Connection refused": None,
    }
    found = {text: operation.rejected(Unreachable("the database", text)) for text in said}
    assert {text: each and each.id for text, each in found.items()} == said


class TestSqlite:
    @pytest.fixture
    def path(self, database_url: str) -> Path:
        return Path(database_url.removeprefix("sqlite:///"))

    @pytest.fixture(autouse=True)
    def _on_a_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite, "file_system_of", lambda _: "ext4")

    def test_a_fit_database_has_no_finding(self, case: Case) -> None:
        assert found_by(case, DATABASES) == {}

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            ("nfs4", "database.on-a-network-disk"),
            ("cifs", "database.on-a-network-disk"),
            ("tmpfs", "database.on-a-volatile-disk"),
        ],
    )
    def test_a_disk_that_is_not_fit_is_named(
        self, case: Case, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
    ) -> None:
        monkeypatch.setattr(sqlite, "file_system_of", lambda _: kind)
        assert list(found_by(case, DATABASES)) == [name]

    def test_another_journal_mode_is_named(self, case: Case, path: Path) -> None:
        case.inside.database.disconnect()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        assert list(found_by(case, DATABASES)) == ["database.not-wal"]

    def test_a_damaged_file_is_named(self, case: Case, path: Path) -> None:
        case.inside.database.disconnect()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(path.read_bytes())
        content[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
        path.write_bytes(content)
        assert "database.is-damaged" in found_by(case, DATABASES)
        path.write_bytes(b"no database at all" * 1000)
        assert "database.is-damaged" in found_by(case, DATABASES)

    def test_a_file_that_cannot_be_written_is_named(
        self, case: Case, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.access", lambda *_: False)  # root may write to everything
        assert list(found_by(case, DATABASES)) == ["database.is-not-writable"]

    def test_a_large_log_is_named(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite, "LARGE_LOG", -1)
        assert list(found_by(case, DATABASES)) == ["database.log-is-large"]

    def test_a_file_that_is_not_there_gives_no_verdict(self, case: Case, path: Path) -> None:
        settings = case.settings.model_copy(update={"database_url": f"sqlite:///{path}-gone"})
        away = replace(case, installation=replace(case.inside, settings=settings))
        assert {each.id: each.severity for each in found_by(away, DATABASES).values()} == {
            "database.not-read": "unknown"
        }


def test_the_file_system_of_a_path_is_that_of_its_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\nhost:/x /srv/my\\040data nfs4 rw 0 0\ntmpfs /srv/my tmpfs rw 0 0\n")
    assert file_system_of(Path("/srv/my data/signet.db"), mounts) == "nfs4"
    assert file_system_of(Path("/srv/mydata/signet.db"), mounts) == "ext4"
    assert file_system_of(Path("/srv/x"), tmp_path / "none") == ""


FIT_REDIS: dict[str, Any] = {
    "redis_version": "7.0.15",
    "maxmemory": 64 << 20,
    "maxmemory_policy": "noeviction",
    "used_memory": 1 << 20,
    "role": "master",
    "maxclients": 10000,
    "connected_clients": 5,
    "save": "3600 1",
    "appendonly": "no",
}


@pytest.mark.parametrize(
    ("facts", "name", "severity"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "redis.evicts", "problem"),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": 0}, "redis.evicts", "warning"),
        ({"used_memory": 63 << 20}, "redis.memory-is-nearly-full", "problem"),
        ({"role": "slave", "master_host": "10.0.0.1"}, "redis.is-a-replica", "problem"),
        ({"rdb_last_bgsave_status": "err"}, "redis.cannot-save", "problem"),
        ({"aof_last_write_status": "err"}, "redis.cannot-save", "problem"),
        ({"save": ""}, "redis.is-not-persistent", "warning"),
        ({"redis_version": "5.0.14"}, "redis.old-version", "warning"),
        ({"connected_clients": 9900}, "redis.too-many-clients", "problem"),
    ],
)
def test_a_redis_that_is_set_up_badly_is_named(facts: dict[str, Any], name: str, severity: str) -> None:
    found = judge_redis({**FIT_REDIS, **facts}, "redis://:secret@redis.example:6379/0")
    assert {each.id: each.severity for each in found if each.severity != "ok"} == {name: severity}


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("redis://redis.example:6379/0", ["redis.no-password"]),
        ("redis://localhost:6379/0", []),
        ("unix:///run/redis.sock", []),
        ("rediss://user:secret@redis.example", []),
    ],
)
def test_a_redis_without_a_password_is_named(url: str, names: list[str]) -> None:
    assert [each.id for each in judge_redis(FIT_REDIS, url) if each.severity != "ok"] == names


class Cluster:
    """A cluster with two primaries and no replica, one of which evicts."""

    def cluster_info(self) -> dict[str, Any]:
        return {"cluster_state": "fail", "cluster_slots_pfail": "0", "cluster_slots_fail": "0"}

    def get_primaries(self) -> list[Any]:
        return [SimpleNamespace(host="10.0.0.1", port=6379), SimpleNamespace(host="10.0.0.2", port=6379)]

    def get_replicas(self) -> list[Any]:
        return []

    def info(self, target_nodes: Any) -> dict[str, Any]:
        return {**FIT_REDIS, "maxmemory_policy": "allkeys-lru"} if target_nodes.host == "10.0.0.2" else FIT_REDIS

    def config_get(self, *_: str, target_nodes: Any) -> dict[str, Any]:
        raise redis.ResponseError("unknown command")


def test_each_node_of_a_cluster_is_examined() -> None:
    found = {each.id: each.what for each in examine_cluster(Cluster(), "redis+cluster://:secret@10.0.0.1")}
    assert {"redis.cluster-is-down", "redis.cluster-without-replicas", "redis.evicts"} <= found.keys()
    assert found["redis.evicts"].startswith("10.0.0.2:6379: ")


class TestRealRedis:
    def test_logins_and_rights_are_named(self, case: Case) -> None:
        url = services.start_redis()
        with redis.Redis.from_url(url) as client:
            client.acl_setuser("doctor_weak", enabled=True, nopass=True, keys=["other:*"], commands=["+get"])
            client.acl_setuser("doctor_plain", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-@dangerous"])
        named = {}
        for user in ("doctor_weak:x", "no_such_user:x", "doctor_plain:x"):
            settings = case.settings.model_copy(update={"redis_url": url.replace("unix://", f"unix://{user}@")})
            changed = replace(case, installation=replace(case.inside, settings=settings))
            named[user.partition(":")[0]] = list(found_by(changed, REDIS_SERVER))
        assert named == {
            "doctor_weak": ["redis.rights-are-missing"],
            "no_such_user": ["redis.login-is-rejected"],
            "doctor_plain": [],
        }

    def test_a_real_redis_is_read(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = case.settings.model_copy(update={"redis_url": services.start_redis()})
        real = replace(case, installation=replace(case.inside, settings=settings))
        assert set(found_by(real, REDIS_SERVER)) <= {"redis.is-not-persistent"}
        monkeypatch.setattr(redis_server, "SLOW", -1.0)
        assert "redis.is-far-away" in found_by(real, REDIS_SERVER)

    def test_a_redis_that_is_away_is_unknown(self, case: Case) -> None:
        assert found_by(case, REDIS_SERVER) == {}
        settings = case.settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}"})
        away = replace(case, installation=replace(case.inside, settings=settings))
        assert {each.id: each.severity for each in found_by(away, REDIS_SERVER).values()} == {
            "redis.no-answer": "unknown"
        }
