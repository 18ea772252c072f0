"""Examinations of this machine: files with secrets, temporary files, memory; and of names that apps use."""

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from provider.config.environment import FROM_FILE
from provider.config.settings import PREFIX
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem, warning
from provider.doctor.resolver import NoSuchName
from provider.doctor.stores.sqlite import IN_MEMORY, file_system_of
from provider.oauth.clients.metadata import load_metadata
from provider.oauth.clients.store import clients
from provider.urls import is_loopback, is_web_url
from provider.work import unit_of_work

ENVIRONMENT_FILES = (".env", "signet.env", "/etc/signet.env", "/etc/signet/signet.env", "/etc/default/signet")
"""Where operators keep the settings."""
FEW_FILES = 0.02
"""The share of free inodes below which to report."""
MUCH_MEMORY = 0.9
CGROUP = Path("/sys/fs/cgroup")
MOST_CLIENTS, MOST_HOSTS = 200, 60
RESERVED = (".test", ".example", ".invalid", ".localhost", ".local", ".internal", ".onion")
"""Names that the public DNS does not have (RFC 2606, RFC 6762, RFC 7686)."""

READABLE = problem(
    "installation.secrets-are-readable",
    why="Every user and program of this machine can read the keys with which Signet encrypts and signs in to others.",
    fix="Run `chmod 600` for the file, and give it to the user that runs Signet.",
    section="docs/operate/security.md",
)
NO_TEMPORARY_FILES = problem(
    "installation.no-temporary-files",
    why="Uploads and exports fail, because no folder for temporary files can be written.",
    fix="Mount a writable folder at /tmp (in containers with a read-only root a tmpfs), or set TMPDIR.",
    section="docs/operate/deploy.md",
)
NO_INODES = problem(
    "installation.disk-has-no-inodes",
    why="No file can be created, although there is space: logs, uploads and databases fail.",
    fix="Delete folders with very many small files, such as old sessions, caches and mails of cron.",
    section="docs/operate/troubleshoot.md",
)
LITTLE_MEMORY = warning(
    "installation.memory-is-nearly-used-up",
    why="When the limit is reached, the system kills a process in the middle of its requests.",
    fix="Raise the limit of the container or service, or lower --workers.",
    section="docs/operate/scale.md",
)
DEAD_REDIRECT = problem(
    "installation.redirect-host-does-not-exist",
    why="Anyone who registers the name gets the codes of users that are sent there.",
    fix="Remove the redirect URI from the client with `signet client update`.",
    section="RFC 9700 section 4.1; docs/operate/security.md",
)


def _files(case: Case) -> Iterator[Finding]:
    readable = [path for path in _secret_files(case, os.environ) if _is_readable(path)]
    if readable:
        yield READABLE.found(f"Other users of this machine can read {', '.join(map(str, readable))}.")


def _secret_files(case: Case, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield files with secrets, as far as they are known here."""
    for name, value in environ.items():
        if name.startswith(PREFIX) and name.endswith(FROM_FILE) and value:
            yield Path(value)
    for setting in ("mtls_key",):
        if (path := getattr(case.settings, setting, None)) is not None:
            yield Path(path)
    for name in ENVIRONMENT_FILES:
        path = Path(name)
        try:
            if b"SIGNET_" in path.read_bytes()[: 1 << 16]:
                yield path
        except OSError:
            continue


def _is_readable(path: Path) -> bool:
    """Return whether others may read it. Secrets that containers mount are in memory, and no one else is there."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return bool(mode & stat.S_IROTH) and file_system_of(path) not in IN_MEMORY


def _machine(_: Case) -> Iterator[Finding]:
    try:
        folders = (Path.cwd(), Path(tempfile.gettempdir()))
    except OSError as error:
        yield NO_TEMPORARY_FILES.found(f"There is no folder for temporary files ({error.strerror or error}).")
        return
    for folder in folders:
        found = os.statvfs(folder)
        if found.f_files and found.f_favail < FEW_FILES * found.f_files:
            yield NO_INODES.found(f"{found.f_favail} of {found.f_files} inodes are free on the disk of {folder}.")
    used, most = (_number(CGROUP / name) for name in ("memory.current", "memory.max"))
    if used is not None and most is not None and used > MUCH_MEMORY * most:
        yield LITTLE_MEMORY.found(f"{used >> 20} of {most >> 20} MiB are used in this container or service.")


def _number(path: Path) -> int | None:
    try:
        text = path.read_text("ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _redirect_hosts(case: Case) -> Iterator[Finding]:
    with unit_of_work(case.inside) as work:
        rows = [row for row in clients.find_page(work.read, limit=MOST_CLIENTS) if row.disabled_at is None]
    users: dict[str, list[str]] = {}
    for row in rows:
        for uri in load_metadata(row.metadata).redirect_uris:
            host = urlsplit(uri).hostname or ""
            if is_web_url(uri) and "." in host and not is_loopback(host) and not host.endswith(RESERVED):
                users.setdefault(host, []).append(row.client_id)
    dead = False
    for host in list(users)[:MOST_HOSTS]:
        try:
            case.resolver.addresses(host)
        except NoSuchName:
            dead = True
            yield DEAD_REDIRECT.found(f"The host {host} of a redirect URI of {users[host][0]} does not resolve.")
    if users and not dead:
        yield fine("installation.redirect-hosts", f"{min(len(users), MOST_HOSTS)} hosts of redirect URIs resolve.")


MACHINE = (
    Examination(
        "secret-files", Group.INSTALLATION, "Reads who may read files with secrets.", _files, Needs.INSTALLATION
    ),
    Examination(
        "machine", Group.INSTALLATION, "Reads temporary folders, inodes and memory.", _machine, Needs.INSTALLATION
    ),
    Examination(
        "redirect-hosts",
        Group.INSTALLATION,
        f"Resolves the hosts of redirect URIs, {MOST_HOSTS} at most.",
        _redirect_hosts,
        Needs.DATABASE,
        seconds=60.0,
    ),
)
