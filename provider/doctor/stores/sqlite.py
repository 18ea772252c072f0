"""Examinations of a SQLite database: its file, the file system it is on, and whether it is whole."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from provider.doctor.examination import Case
from provider.doctor.findings import Finding, fine, problem, unknown, warning

REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.s3fs", "ceph", "glusterfs", "afs")
"""File systems of other machines, whose locks and shared memory SQLite cannot rely on."""
IN_MEMORY = ("tmpfs", "ramfs")
LARGEST_CHECKED = 256 << 20
"""The size of a database up to which it is read whole, in bytes."""
LARGE_LOG = 1 << 30
MANUAL = "https://www.sqlite.org/"

NOT_WAL = problem(
    "database.not-wal",
    why="Readers and writers wait for each other, so requests time out under load.",
    fix="Check that the folder can be written and that no other program changes the mode, and restart Signet.",
    section=f"{MANUAL}wal.html",
)
REMOTE_DISK = problem(
    "database.on-a-network-disk",
    why="Locks of such file systems are not reliable, and the database can be damaged.",
    fix="Move the database to a local disk, or use PostgreSQL.",
    section=f"{MANUAL}faq.html#q5",
)
VOLATILE_DISK = problem(
    "database.on-a-volatile-disk",
    why="All accounts and keys are gone after a restart of the machine.",
    fix="Move the database to a disk, for example a volume of the container.",
    section="docs/operate/deploy.md",
)
DAMAGED = problem(
    "database.is-damaged",
    why="Requests that need the damaged part fail, and more may get lost.",
    fix="Stop Signet, keep a copy of the file, and restore the last backup.",
    section="docs/operate/backup.md",
)
NOT_WRITABLE = problem(
    "database.is-not-writable",
    why="Signet cannot record sign-ins, tokens or codes. All of them fail with 503.",
    fix="Give the user that runs Signet the right to write to the file and to its folder.",
    section="docs/operate/troubleshoot.md",
)
LONG_LOG = warning(
    "database.log-is-large",
    why="A reader that never ends keeps the log of changes from being merged. It slows reads down and fills the disk.",
    fix="Restart Signet, and end other programs that have the database open.",
    section=f"{MANUAL}wal.html",
)
NOT_READ = unknown(
    "database.not-read",
    why="Without reading the file there is no verdict.",
    fix="Run the doctor as the user that runs Signet.",
    section="docs/operate/troubleshoot.md",
)


def examine(case: Case) -> Iterator[Finding]:
    """Examine the file of SQLite. Does not write to it."""
    path = Path(case.settings.database_url.removeprefix("sqlite:///"))
    if not path.exists():
        yield NOT_READ.found(f"There is no file {path}.")
        return
    found = [*_place(path), *_content(path)]
    if not found:
        yield fine("database.sqlite", f"SQLite {sqlite3.sqlite_version} uses {path}, {path.stat().st_size >> 10} KiB.")
    yield from found


def _place(path: Path) -> Iterator[Finding]:
    import os  # noqa: PLC0415

    kind = file_system_of(path)
    if kind in REMOTE:
        yield REMOTE_DISK.found(f"{path} is on {kind}, a disk of another machine.")
    if kind in IN_MEMORY:
        yield VOLATILE_DISK.found(f"{path} is on {kind}, which is kept in memory only.")
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        yield NOT_WRITABLE.found(f"{path} or its folder cannot be written by the user who runs the doctor.")
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > LARGE_LOG:
        yield LONG_LOG.found(f"{log} has {log.stat().st_size >> 20} MiB.")


def _content(path: Path) -> Iterator[Finding]:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode != "wal":
                yield NOT_WAL.found(f"The journal mode is {mode}.")
            if path.stat().st_size <= LARGEST_CHECKED:
                said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if said != "ok":
                    yield DAMAGED.found(f"SQLite finds {path} damaged: {str(said)[:200]}.")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}:
            yield DAMAGED.found(f"SQLite cannot read {path}: {error}.")
        else:
            yield NOT_READ.found(f"{path} cannot be read: {error}.")


def file_system_of(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the kind of file system that a path is on, or an empty string if this system does not say."""
    try:
        lines = mounts.read_text("utf-8").splitlines()
    except OSError:
        return ""
    found, kind = "", ""
    target = str(path.resolve())
    for line in lines:
        _, place, name, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        if (target == place or target.startswith(place.rstrip("/") + "/")) and len(place) >= len(found):
            found, kind = place, name
    return kind
