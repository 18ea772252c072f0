"""Examinations of the installation itself: its settings, schema, processes, jobs and keys.

What `signet check` finds too is found by the same functions.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from provider import __version__
from provider.config.environment import SettingsError
from provider.config.production_checks import Finding as Checked
from provider.config.production_checks import find_problems
from provider.crypto.vault import VaultError
from provider.database import migrations
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, Kind, Severity, fine, problem, unknown, warning
from provider.doctor.metadata import KEYS
from provider.doctor.system_checks import LITTLE, TOO_LITTLE, find_system_problems
from provider.oauth.keys.key_pairs import row_of
from provider.oauth.tokens.server import open_server
from provider.operators.overview import health
from provider.work import unit_of_work

CANNOT_OPEN = problem(
    "installation.cannot-be-opened",
    why="A process with these settings does not start. The doctor examines the installation from outside only.",
    fix="Correct what is named, or give the doctor the environment of the service.",
    section="docs/operate/troubleshoot.md",
)
CHECKED = problem(
    "installation.check",
    why="`signet check --deploy` finds the same: it is unsafe in production, or keeps Signet from working.",
    fix="See the line of `signet check --deploy`.",
    section="docs/operate/troubleshoot.md",
)
NEARLY_FULL = warning(
    "installation.disk-is-nearly-full",
    why="Logs, uploads and temporary files of Signet and of the proxy need space. Without it, requests fail.",
    fix="Free up space, for example old logs and images, or enlarge the disk.",
    section="docs/operate/troubleshoot.md",
)
PENDING = problem(
    "installation.pending-migrations",
    why="Processes of this version do not start until the schema has been changed.",
    fix="Run `signet migrate`.",
    section="docs/operate/upgrade.md",
)
NEWER_SCHEMA = problem(
    "installation.newer-schema",
    why="The database was migrated by a newer version. This one does not know what has changed.",
    fix="Run the newer version everywhere, also where you run the doctor.",
    section="docs/operate/upgrade.md",
)
NO_WORKER = problem(
    "installation.no-worker",
    why="Emails, webhooks and logout notifications are not sent, keys are not rotated, and nothing is deleted.",
    fix="Start `signet worker`, and let the service manager restart it.",
    section="docs/operate/deploy.md",
)
NOTHING_RUNS = unknown(
    "installation.no-process-seen",
    why="Each process notes once a minute that it runs. Without one, the doctor cannot say whether a worker runs.",
    fix="Start `signet serve`, wait a minute, and run the doctor again.",
    section="docs/operate/deploy.md",
)
MIXED_VERSIONS = warning(
    "installation.mixed-versions",
    why="During an upgrade this is as it should be. After it, an old process was not restarted.",
    fix="Restart the processes of the older version.",
    section="docs/operate/upgrade.md",
)
STALE_KEYS = problem(
    "metadata.keys-are-not-those-of-the-database",
    why="Tokens are signed with keys that apps do not get, so they reject the tokens.",
    fix="Empty the cache of the proxy or CDN for this URL. Without one, the service uses another database than these "
    "settings.",
    section="docs/operate/scale.md",
)


def _open(case: Case) -> Iterator[Finding]:
    if case.inside_problem is not None:
        yield CANNOT_OPEN.found(f"{case.inside_problem[0].upper()}{case.inside_problem[1:].rstrip('.')}.")


def _settings(case: Case) -> Iterator[Finding]:
    found = [] if case.settings.loopback else find_problems(case.settings)
    yield from map(_as_finding, found)
    if not any(each.dangerous for each in found):
        yield fine("installation.settings", "No setting is dangerous.")


def _system(case: Case) -> Iterator[Finding]:
    found = list(find_system_problems(case.settings, deploy=False))
    yield from map(_as_finding, found)
    if not found:
        yield fine("installation.system", "Schema, keys, jobs, partitions and clients have no problems.")


def _as_finding(checked: Checked) -> Finding:
    """Return a problem that `signet check` knows as a finding, named for what it is about."""
    severity = Severity.PROBLEM if checked.dangerous else Severity.WARNING
    about = re.sub(r"[^a-z0-9]+", "-", checked.about.removeprefix("SIGNET_").split(" ")[0].lower()).strip("-")
    kind = Kind(f"{CHECKED.id}.{about}", severity, CHECKED.why, f"{checked.fix.rstrip('.')}.", CHECKED.section)
    return kind.found(f"{checked.about}: {checked.problem.rstrip('.')}.")


def _disk(_: Case) -> Iterator[Finding]:
    """Look at the disks of this machine. That of a SQLite database is looked at by `find_system_problems`."""
    seen = set()
    for place in (Path.cwd(), Path(tempfile.gettempdir())):
        usage = shutil.disk_usage(place)
        if (usage.total, usage.free) in seen:
            continue
        seen.add((usage.total, usage.free))
        said = f"{usage.free >> 20} MiB are free on the disk of {place}."
        if usage.free < LITTLE:
            yield NEARLY_FULL.found(said, severity=Severity.PROBLEM if usage.free < TOO_LITTLE else None)
        else:
            yield fine("installation.disk", said)


def _processes(case: Case) -> Iterator[Finding]:
    with unit_of_work(case.inside) as work:
        revision = migrations.current(work.read)
        if revision != migrations.HEAD:
            newer = revision is not None and revision > migrations.HEAD
            said = f"The database is at revision {revision or '(empty)'}, and this version needs {migrations.HEAD}."
            yield (NEWER_SCHEMA if newer else PENDING).found(said)
            return
        seen = health.look(work)
    if not seen.processes:
        yield NOTHING_RUNS.found("No process of Signet was seen in the last minutes.")
        return
    if not seen.has_worker:
        last = "never" if seen.worker_seen_at is None else f"last at {seen.worker_seen_at:%Y-%m-%d %H:%M} UTC"
        yield NO_WORKER.found(f"No process that delivers jobs runs. One was seen {last}.")
    if len({*seen.versions, __version__}) > 1:
        versions = ", ".join(seen.versions)
        yield MIXED_VERSIONS.found(f"Processes run version {versions}, and the doctor is version {__version__}.")
    hosts = len({process.host for process in seen.processes})
    yield fine("installation.processes", f"{len(seen.processes)} processes run on {hosts} machine(s).")


def _published_keys(case: Case) -> Iterator[Finding]:
    """Compare the keys that apps get with those of the database."""
    answer = case.ask("GET", KEYS)
    if answer.status != 200:
        return  # the examination of the keys says so
    server = open_server(case.inside)
    try:
        with unit_of_work(case.inside) as work:
            ring = server.keys.ring(work)
            ours = {key["kid"] for key in json.loads(ring.jwks)["keys"]}
            signing = {row_of(signer.kid) for signer in ring.signers.values()}
            # Each process may still publish a copy from before an upcoming key was added, which signs much later.
            since = work.now - timedelta(seconds=2 * work.settings.key_cache)
            new = {kid for kid, created_at in ring.watched if created_at >= since} - signing
    except (VaultError, SettingsError):
        return  # the examination of the system says that the secret key is another one
    try:
        published = {key.get("kid") for key in json.loads(answer.body)["keys"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    if missing := sorted(kid for kid in ours - published if row_of(kid) not in new):
        yield STALE_KEYS.found(f"{KEYS} lacks these keys of the database: {', '.join(missing)}.")
    else:
        yield fine("metadata.current-keys", "The keys of the database are published.")


INSIDE = (
    Examination("inside", Group.INSTALLATION, "Opens the installation with these settings.", _open),
    Examination(
        "settings", Group.INSTALLATION, "Reads the settings as `signet check` does.", _settings, Needs.INSTALLATION
    ),
    Examination(
        "system",
        Group.INSTALLATION,
        "Reads schema, keys, jobs, partitions and clients as `signet check` does.",
        _system,
        Needs.DATABASE,
        seconds=30.0,
    ),
    Examination("disk", Group.INSTALLATION, "Reads how much space is free on this machine.", _disk, Needs.INSTALLATION),
    Examination(
        "processes", Group.INSTALLATION, "Reads which processes run, and their versions.", _processes, Needs.DATABASE
    ),
    Examination(
        "published-keys",
        Group.METADATA,
        "Compares the published keys with those of the database.",
        _published_keys,
        Needs.DATABASE,
    ),
)
