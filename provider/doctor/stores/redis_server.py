"""Examinations of Redis: whether it evicts, forgets, refuses writes, or is full."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from provider.config.redis_url import CLUSTER, split
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem, unknown, warning
from provider.redis_client import NAMESPACE, open_redis, require_redis
from provider.urls import is_loopback

TIMEOUT = 3.0
OLDEST = (6, 2)
FULL = 0.9
SLOW = 0.01
"""How long a command may take on the way, in seconds."""
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
NO_RIGHTS = problem(
    "redis.rights-are-missing",
    why="Limits are not counted, or jobs are not queued, because the user of Redis may not use a command or a key.",
    fix="Give the user of Signet all keys and commands: `ACL SETUSER name on ~* &* +@all -@dangerous +info`.",
    section=REDIS,
)
LOGIN_REJECTED = problem(
    "redis.login-is-rejected",
    why="Limits are counted by each node alone, and jobs wait for the timer.",
    fix="Correct user and password in SIGNET_REDIS_URL.",
    section=REDIS,
)
CLUSTER_DOWN = problem(
    "redis.cluster-is-down",
    why="A part of the keys cannot be used, so some limits are not counted.",
    fix="Start the nodes that are away, or run `redis-cli --cluster fix`.",
    section=REDIS,
)
NO_REPLICA = warning(
    "redis.cluster-without-replicas",
    why="When one node fails, the cluster stops until it is back.",
    fix="Add a replica for each primary with `redis-cli --cluster add-node --cluster-slave`.",
    section=REDIS,
)
FAR_AWAY = warning(
    "redis.is-far-away",
    why="Every sign-in and every token waits for it.",
    fix="Run Redis in the same network as Signet.",
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
        with open_redis(url, timeout=TIMEOUT) as client:
            if split(url).kind == CLUSTER:
                yield from examine_cluster(client, url)
                return
            facts, seconds = _facts(client), min(_seconds(client) for _ in range(5))
    except (redis.RedisError, OSError, ValueError) as error:
        yield _why(error)
        return
    yield from judge(facts, url)
    if seconds > SLOW:
        yield FAR_AWAY.found(f"A command takes {seconds * 1000:.0f} ms at least.")


def _facts(client: Any, **node: Any) -> dict[str, Any]:
    """Return what Redis says about itself. A managed Redis, or an ACL, may forbid to ask."""
    import redis  # noqa: PLC0415

    facts: dict[str, Any] = {}
    with suppress(redis.ResponseError):
        facts |= client.info(**node)
    with suppress(redis.ResponseError):
        facts |= client.config_get("save", "appendonly", **node)
    return facts


def _seconds(client: Any) -> float:
    began = time.monotonic()
    client.exists(NAMESPACE)
    return time.monotonic() - began


def _why(error: Exception) -> Finding:
    """Return what an error says about the cause."""
    import redis  # noqa: PLC0415

    said = " ".join(str(error).split())[:160]
    if isinstance(error, redis.ReadOnlyError):
        return READ_ONLY.found(f"Redis refuses writes: {said}.")
    if isinstance(error, redis.exceptions.NoPermissionError):
        return NO_RIGHTS.found(f"Redis forbids a command: {said}.")
    if isinstance(error, redis.AuthenticationError) or said.startswith(("WRONGPASS", "NOAUTH")):
        return LOGIN_REJECTED.found(f"Redis rejects the login: {said}.")
    if said.startswith(("CLUSTERDOWN", "MASTERDOWN")) or "slot" in said.lower():
        return CLUSTER_DOWN.found(f"The cluster cannot be used: {said}.")
    return NOT_ANSWERING.found(f"Redis does not answer ({type(error).__name__}).")


def examine_cluster(client: Any, url: str) -> Iterator[Finding]:
    """Examine a cluster: its state, and each of its primaries."""
    state = client.cluster_info()
    if str(state.get("cluster_state", "ok")) != "ok":
        yield CLUSTER_DOWN.found(f"cluster_state is {state['cluster_state']}.")
    lost = int(state.get("cluster_slots_pfail", 0)) + int(state.get("cluster_slots_fail", 0))
    if lost:
        yield CLUSTER_DOWN.found(f"The nodes of {lost} slots do not answer.")
    primaries, replicas = list(client.get_primaries()), list(client.get_replicas())
    if len(replicas) < len(primaries):
        yield NO_REPLICA.found(f"The cluster has {len(primaries)} primaries and {len(replicas)} replicas.")
    for node in primaries:
        facts = _facts(client, target_nodes=node)
        for finding in judge(facts, url):
            yield replace(finding, what=f"{node.host}:{node.port}: {finding.what}")


def judge(facts: Mapping[str, Any], url: str) -> Iterator[Finding]:
    """Yield what is wrong with the facts that Redis gives about itself (INFO)."""
    if not facts:
        yield fine("redis.answers", "Redis answers, and does not let the doctor ask for its settings.")
        return
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
