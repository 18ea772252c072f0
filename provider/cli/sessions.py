"""The commands `signet session`: manage the sessions of users."""

from typing import Annotated

import typer

from provider.cli.arguments import identifier
from provider.cli.installation import unit
from provider.cli.output import Json, print_rows, say

app = typer.Typer(help="Browser sessions.", no_args_is_help=True)


@app.command(name="list")
def list_sessions(
    who: Annotated[str | None, typer.Option("--user", help="Of this user alone: an id or an email address.")] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: Json = False,
) -> None:
    """List active sessions of all users, or of one user with --user.

    Example: signet session list --user ada@example.com
    """
    from provider.accounts.users import get_user
    from provider.sessions import store
    from provider.sessions.assurance import acr_of

    columns = ("id", "user_id", "auth_time", "last_seen", "acr", "network", "user_agent", "expires_at")
    with unit() as work:
        idle_since = work.now - work.settings.session_idle_lifetime
        if who is None:
            found = store.find_active_page(work.read, now=work.now, idle_since=idle_since, after=None, limit=limit)
        else:
            found = store.find_live(work.read, get_user(work, who).id, now=work.now, idle_since=idle_since)
        rows = [{"acr": acr_of(session.amr), **vars(session)} for session in found]
    print_rows([{column: row[column] for column in columns} for row in rows], columns, as_json=as_json)


@app.command()
def end(
    session_id: Annotated[str | None, typer.Argument(metavar="[SESSION]", help="A session's id.")] = None,
    *,
    who: Annotated[
        str | None, typer.Option("--user", help="Every session of this user, and all access of applications.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign a user out, of one browser or everywhere.

    With --user, the access of every application ends too, also with offline_access.

    Example: signet session end --user ada@example.com
    """
    from provider.accounts import devices
    from provider.accounts.users import get_user
    from provider.refusals import NotFound
    from provider.sessions import lifecycle

    if (session_id is None) == (who is None):
        raise typer.BadParameter("name a session, or a user with --user")
    with unit() as work:
        if who is not None:
            count = devices.sign_out_everywhere_by_operator(work, user_id=get_user(work, who).id)
        elif lifecycle.end_by_operator(work, session_id=identifier(str(session_id))):
            count = 1
        else:
            raise NotFound(f"There is no active session {session_id}.")
    say(f"Ended {count} session{'' if count == 1 else 's'}.", {"ended": count}, as_json=as_json)
