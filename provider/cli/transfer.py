"""The commands `signet export` and `signet import`: move an installation."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from provider.cli.installation import opened
from provider.cli.moving_in import Source, move_in
from provider.cli.output import Json, say
from provider.cli.progress import progress
from provider.refusals import Refusal


def export(
    file: Annotated[Path, typer.Argument(help="File to create, readable only by you, or - for stdout.")],
    *,
    as_json: Json = False,
) -> None:
    """Export all data to a file. The file has JSON lines: users, applications, keys, consents, sessions and the audit
    log.

    Secrets stay hashed, or encrypted with SIGNET_SECRET_KEY.

    Example: signet export signet.jsonl
    """
    from provider import transfer

    with opened() as installation:
        if str(file) == "-":
            transfer.export_to(installation, sys.stdout)
            return
        with (
            os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out,
            progress("Exporting", transfer.count_rows(installation)) as advance,
        ):
            counts = transfer.export_to(installation, out, advance)
    say(f"Exported {sum(counts.values())} rows to {file}.", {"file": str(file), "rows": counts}, as_json=as_json)


def import_(
    file: Annotated[Path, typer.Argument(help="File from `signet export`, or - for stdin. With --from, an export.")],
    *,
    source: Annotated[
        Source | None, typer.Option("--from", help="The system that users move from. csv is for any other.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the export and change nothing.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="CSV file to create with the outcome for each user and client.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Update the profile and roles of existing users. Without it, skip them.")
    ] = False,
    invite: Annotated[
        bool, typer.Option("--invite", help="Email an invitation to new users without a password hash.")
    ] = False,
    upstream: Annotated[
        list[str] | None,
        typer.Option(help="SOURCE=KEY: the key in SIGNET_UPSTREAMS of a provider at the source. Can be repeated."),
    ] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option(
            help="SOURCE=NAME: the declared attribute for one with another name at the source. Can be repeated."
        ),
    ] = None,
    trust_emails: Annotated[
        bool, typer.Option("--trust-emails", help="Treat every email address as verified.")
    ] = False,
    operator_roles: Annotated[
        bool, typer.Option("--operator-roles", help="Also give roles with permissions in Signet, such as admin.")
    ] = False,
    passkey_domain: Annotated[
        str | None, typer.Option(help="Domain at which passkeys were created, if the export does not say.")
    ] = None,
    password_hashes: Annotated[
        Path | None, typer.Option(help="Auth0's export of password hashes.", exists=True, dir_okay=False)
    ] = None,
    hash_parameters: Annotated[
        Path | None,
        typer.Option(help="File with the password hash parameters of Firebase.", exists=True, dir_okay=False),
    ] = None,
    users_only: Annotated[
        bool, typer.Option("--users-only", help="Leave out the clients of a Keycloak realm.")
    ] = False,
    allow_short_secret: Annotated[
        bool, typer.Option("--allow-short-secret", help="Accept client secrets of fewer than 32 characters.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import an installation, or users of another system.

    Without --from, the file is one of `signet export`. The installation must be new, with the same version and
    SIGNET_SECRET_KEY. If anything is wrong with the file, nothing is imported.

    With --from, users and their passwords, authenticator apps, passkeys, linked identities and roles move here, and
    from Keycloak also clients. Existing users and clients are skipped, so an import that was stopped can be run again.

    Example: signet import --from keycloak realm.json --dry-run --report report.csv
    """
    options = {
        "upstream": upstream or [],
        "attribute": attribute or [],
        "trust_emails": trust_emails,
        "operator_roles": operator_roles,
        "passkey_domain": passkey_domain,
        "password_hashes": password_hashes,
        "hash_parameters": hash_parameters,
        "users_only": users_only,
        "allow_short_secret": allow_short_secret,
    }
    if source is not None:
        move_in(
            file,
            source,
            options=options,
            dry_run=dry_run,
            update=update,
            invite=invite,
            report=report,
            as_json=as_json,
        )
        return
    if dry_run or update or invite or report is not None or any(options.values()):
        raise typer.BadParameter("These options need --from, with the system that users move from.")
    _import_installation(file, as_json=as_json)


def _import_installation(file: Path, *, as_json: bool) -> None:
    from provider import transfer

    with opened() as installation:
        try:
            if str(file) == "-":
                counts = transfer.import_from(installation, sys.stdin)
            else:
                with file.open(encoding="utf-8") as lines, progress("Importing", _count_lines(file)) as advance:
                    counts = transfer.import_from(installation, lines, advance)
        except transfer.NotImported as refused:
            raise Refusal(f"{refused} Nothing was imported.") from None
        except UnicodeDecodeError:
            raise Refusal("The file is not UTF-8. Nothing was imported.") from None
    say(f"Imported {sum(counts.values())} rows.", {"rows": counts}, as_json=as_json)


def _count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
