"""The command `signet import --from`: users, and clients, that move here from another system."""

import csv
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from provider.cli.installation import opened
from provider.cli.output import say, warn
from provider.cli.progress import progress
from provider.cli.user.imports import harmless
from provider.refusals import Refusal

if TYPE_CHECKING:
    from provider.accounts.importing.sources.draft import Context
    from provider.operators.imports.rows import Result
    from provider.work import Installation


class Source(StrEnum):
    """The systems that users can move from."""

    KEYCLOAK = "keycloak"
    AUTH0 = "auth0"
    FIREBASE = "firebase"
    COGNITO = "cognito"
    DJANGO = "django"
    AUTHENTIK = "authentik"
    CSV = "csv"


REPORTED = ("kind", "line", "source_id", "name", "outcome", "id", "reason", "notes")
"""The columns of the report."""


def move_in(
    file: Path,
    source: Source,
    *,
    options: Mapping[str, Any],
    dry_run: bool,
    update: bool,
    invite: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Import the users, and the clients of a Keycloak realm, that are in an export. Exits with an error if some failed.
    Raises Refusal.
    """
    from provider.accounts.importing.files import UnreadableFile
    from provider.accounts.importing.sources.formats import READERS
    from provider.accounts.roles.permissions import EVERYTHING
    from provider.operators.imports.rows import Options, import_rows

    if str(file) == "-":
        raise Refusal("--from reads the file twice, so it can't be stdin.")
    with ExitStack() as stack:
        installation = stack.enter_context(opened())
        content = stack.enter_context(file.open("rb"))
        seen = _Report(stack, report, "Checking" if dry_run else "Importing")
        try:
            context = _context(installation, source, options, stack)
            rows = READERS[source.value](content, context)
            wanted = Options(permissions=EVERYTHING, update=update, invite=invite, dry_run=dry_run)
            counts = import_rows(installation, rows, wanted, lambda result: seen.add("user", result))
            if source is Source.KEYCLOAK and not options["users_only"]:
                content.seek(0)
                _import_clients(installation, content, seen, dry_run=dry_run, options=options)
        except UnreadableFile as problem:
            raise Refusal(f"{problem}{'' if dry_run else ' What was imported before stays.'}") from None
    told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    clients = ", ".join(f"{number} {outcome}" for outcome, number in seen.clients.items())
    sentence = f"{'Dry run: ' if dry_run else ''}Users: {told}.{f' Clients: {clients}.' if clients else ''}"
    say(sentence, {"dry_run": dry_run, "users": counts, "clients": seen.clients, "noted": seen.noted}, as_json=as_json)
    if seen.noted and report is None:
        warn(f"Not all could be moved of {seen.noted} of them. --report FILE lists what is left out.")
    if seen.has_failures:
        raise typer.Exit(1)


class _Report:
    """The results so far: the failures on stderr, or everything in a file."""

    def __init__(self, stack: ExitStack, path: Path | None, doing: str) -> None:
        self.clients: dict[str, int] = {}
        self.noted = 0
        self.has_failures = False
        self._advance = stack.enter_context(progress(doing))
        self._rows = None
        if path is not None:
            self._rows = csv.writer(stack.enter_context(path.open("x", encoding="utf-8", newline="")))
            self._rows.writerow(REPORTED)

    def add(self, kind: str, result: "Result") -> None:
        self._advance(1)
        self.noted += bool(result.notes)
        if kind == "client":
            self.clients[result.outcome.value] = self.clients.get(result.outcome.value, 0) + 1
        self.has_failures = self.has_failures or bool(result.problem)
        if self._rows is not None:
            texts = (result.source_id, result.email, result.outcome.value, result.user_id, result.problem)
            notes = " ".join(result.notes)
            self._rows.writerow([kind, result.line, *map(harmless, (*texts, notes))])
        elif result.problem:
            sys.stderr.write(f"Line {result.line}: {result.email or 'no email'}: {result.problem}\n")


def _context(installation: "Installation", source: Source, options: Mapping[str, Any], stack: ExitStack) -> "Context":
    from provider.accounts.factors.webauthn import rp_id
    from provider.accounts.importing.sources.draft import Context
    from provider.accounts.importing.sources.firebase import read_parameters
    from provider.accounts.store import user_attributes
    from provider.work import unit_of_work

    with unit_of_work(installation) as work:
        declared = {one.name for one in user_attributes.find_all(work.read)}
    chosen = _attributes(declared, options["attribute"])
    parameters: Path | None = options["hash_parameters"]
    hashes: Path | None = options["password_hashes"]
    return Context(
        source=source.value,
        rp_id=rp_id(installation.settings),
        upstreams=_issuers(installation, options["upstream"]),
        attributes=chosen,
        declared=declared - set(chosen.values()),
        trust_emails=options["trust_emails"],
        operator_roles=options["operator_roles"],
        passkey_domain=options["passkey_domain"],
        hash_parameters={} if parameters is None else read_parameters(parameters.read_text("utf-8")),
        password_hashes=None if hashes is None else stack.enter_context(hashes.open("rb")),
    )


def _issuers(installation: "Installation", pairs: Iterable[str]) -> dict[str, str]:
    """Return the issuer of the configured upstream for each `SOURCE=KEY`. Raises Refusal."""
    from provider.federation.configuration import load_upstreams

    known = {one.key: one.issuer for one in load_upstreams(installation.settings.upstreams)}
    found = {}
    for pair in pairs:
        name, _, key = pair.rpartition("=")
        if not name or key not in known:
            listed = ", ".join(known) or "none"
            raise Refusal(f"--upstream {pair}: use SOURCE=KEY with a key of SIGNET_UPSTREAMS, which are: {listed}.")
        found[name] = known[key]
    return found


def _attributes(declared: Collection[str], pairs: Iterable[str]) -> dict[str, str]:
    """Return the declared attribute for each `SOURCE=NAME`. Raises Refusal."""
    found: dict[str, str] = {}
    for pair in pairs:
        source, _, name = pair.rpartition("=")
        if not source or name not in declared:
            listed = ", ".join(sorted(declared)) or "none"
            raise Refusal(f"--attribute {pair}: use SOURCE=NAME with a declared attribute, which are: {listed}.")
        if source in found or name in found.values():
            raise Refusal(f"--attribute {pair}: each attribute can be named once.")
        found[source] = name
    return found


def _import_clients(
    installation: "Installation", content: BinaryIO, seen: _Report, *, dry_run: bool, options: Mapping[str, Any]
) -> None:
    from provider.operators.imports import keycloak_clients
    from provider.operators.imports.clients import import_clients

    import_clients(
        installation,
        keycloak_clients.read(content),
        lambda result: seen.add("client", result),
        dry_run=dry_run,
        allow_short_secret=options["allow_short_secret"],
    )
