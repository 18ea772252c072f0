"""Examinations of Redis: whether it evicts, forgets, refuses writes, or is full."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from provider.config.redis_url import CLUSTER, split
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem, unknown, warning
from provider.redis_client import open_redis, require_redis
from provider.urls import is_loopback

TIMEOUT = 3.0
OLDEST = (6, 2)
FULL = 0.9
REDIS = "docs/operate/redis.md"

NOT_ANSWERING = unknown(
    "redis.no-answer",
    why="Without Redis, limits are counted by each node, and jobs wait for the timer. There is no verdict.",
    fix="Check that it is running, and the URL in SIGNET_REDIS_URL.",
    section=REDIS,
)
EVICTS = problem(
    "redis.evicts",
    why="When its memory is full, Redis deletes limits and jobs. An attacker gets new attempts.",
    fix="Set `maxmemory-policy noeviction`, or give Signet a Redis of its own.",
    section=REDIS,
)
NEARLY_FULL = problem(
    "redis.memory-is-nearly-full",
    why="When its memory is full, Redis refuses to count limits and to queue jobs.",
    fix="Raise maxmemory, or find what fills it with `redis-cli --bigkeys`.",
    section=REDIS,
)
READ_ONLY = problem(
    "redis.is-a-replica",
    why="A replica refuses writes, so nothing is counted or queued.",
    fix="Point SIGNET_REDIS_URL at the primary, or use redis+sentinel://.",
    section=REDIS,
)
SAVE_FAILS = problem(
    "redis.cannot-save",
    why="Redis refuses all writes as long as it cannot save to its disk (stop-writes-on-bgsave-error).",
    fix="Free up space on its disk, and check the permissions of its folder and its log.",
    section=REDIS,
)
NOT_PERSISTENT = warning(
    "redis.is-not-persistent",
    why="After a restart of Redis all limits begin anew. No job is lost, because the database has them.",
    fix="Set `appendonly yes`.",
    section=REDIS,
)
OLD = warning(
    "redis.old-version",
    why="Versions before 6.2 get no more corrections for security.",
    fix="Upgrade Redis, or use Valkey.",
    section=REDIS,
)
OPEN = warning(
    "redis.no-password",
    why="Any machine that can reach it can delete limits and read the ids of jobs.",
    fix="Set a password or an ACL, and put it into SIGNET_REDIS_URL.",
    section=REDIS,
)
CLIENTS_FULL = problem(
    "redis.too-many-clients",
    why="When no connection is left, nothing is counted or queued.",
    fix="Raise maxclients, or find who holds the connections with `redis-cli client list`.",
    section=REDIS,
)


def _redis(case: Case) -> Iterator[Finding]:
    import redis  # noqa: PLC0415  # most installations have none

    url = case.settings.redis_url
    if url is None:
        return
    try:
        require_redis(url, timeout=TIMEOUT)
        if split(url).kind == CLUSTER:
            yield fine("redis.cluster", "The cluster answers. Examine its nodes one by one with redis-cli.")
            return
        with open_redis(url, timeout=TIMEOUT) as client:
            facts = dict(client.info())
            with suppress(redis.ResponseError):  # a managed Redis forbids it
                facts |= client.config_get("save", "appendonly")
    except redis.ReadOnlyError as error:
        yield READ_ONLY.found(f"Redis refuses writes: {error}.")
        return
    except (redis.RedisError, OSError, ValueError) as error:
        yield NOT_ANSWERING.found(f"Redis does not answer ({type(error).__name__}).")
        return
    yield from judge(facts, url)


def judge(facts: Mapping[str, Any], url: str) -> Iterator[Finding]:
    """Yield what is wrong with the facts that Redis gives about itself (INFO)."""
    version = str(facts.get("redis_version", "0"))
    yield fine("redis.answers", f"Redis {version} answers.")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if "valkey_version" not in facts and numbers < OLDEST:
        yield OLD.found(f"Redis is version {version}.")
    policy, most = str(facts.get("maxmemory_policy", "noeviction")), int(facts.get("maxmemory", 0))
    if policy != "noeviction":
        limit = f"with {most >> 20} MiB" if most else "once it has a limit of memory"
        severity = None if most else NOT_PERSISTENT.severity
        yield EVICTS.found(f"maxmemory-policy is {policy}, so Redis deletes keys {limit}.", severity=severity)
    if most and int(facts.get("used_memory", 0)) > FULL * most:
        yield NEARLY_FULL.found(f"Redis uses {int(facts['used_memory']) >> 20} of {most >> 20} MiB.")
    if facts.get("role") == "slave":
        yield READ_ONLY.found(f"{_name(url)} is a replica of {facts.get('master_host', 'another server')}.")
    saved = facts.get("rdb_last_bgsave_status", "ok"), facts.get("aof_last_write_status", "ok")
    if "err" in saved:
        yield SAVE_FAILS.found("The last attempt of Redis to save to its disk failed.")
    if facts.get("save") == "" and facts.get("appendonly") == "no":
        yield NOT_PERSISTENT.found("Redis does not save its data (appendonly is no, and save is empty).")
    clients = int(facts.get("maxclients", 0))
    if clients and int(facts.get("connected_clients", 0)) > FULL * clients:
        yield CLIENTS_FULL.found(f"{facts['connected_clients']} of {clients} connections of Redis are in use.")
    host = urlsplit(url).hostname
    if host is not None and "@" not in url and not is_loopback(host):
        yield OPEN.found(f"{_name(url)} is used without a password.")


def _name(url: str) -> str:
    return urlsplit(url).hostname or "Redis"


REDIS_SERVER = (
    Examination(
        "redis", Group.REDIS, "Asks Redis for a key and for the facts about itself (INFO).", _redis, Needs.INSTALLATION
    ),
)
