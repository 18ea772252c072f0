"""The commands `signet session`: manage the sessions of users."""

from typing import Annotated

import typer

from provider.cli.arguments import identifier
from provider.cli.installation import unit
from provider.cli.output import Json, counted, print_rows, say, warn_if_cut

app = typer.Typer(help="List and end user sessions.", no_args_is_help=True)


@app.command(name="list")
def list_sessions(
    who: Annotated[str | None, typer.Option("--user", help="Show only this user: an ID or email address.")] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of sessions to show.")] = 100,
    as_json: Json = False,
) -> None:
    """List active sessions, of all users or of one.

    Example: signet session list --user ada@example.com
    """
    from provider.accounts.users import get_user
    from provider.sessions import all_sessions, store
    from provider.sessions.assurance import acr_of
    from provider.sessions.idle import idle_since

    columns = ("id", "user_id", "auth_time", "last_seen", "acr", "network", "user_agent", "expires_at", "kept")
    with unit() as work:
        if who is None:
            found = all_sessions.find_active_page(
                work.read, now=work.now, idle_since=idle_since(work), after=None, limit=limit + 1
            )
            warn_if_cut(len(found) > limit, limit)
            found = found[:limit]
        else:
            found = store.find_live(work.read, get_user(work, who).id, now=work.now, idle_since=idle_since(work))
        rows = [{"acr": acr_of(session.amr), **vars(session)} for session in found]
    print_rows([{column: row[column] for column in columns} for row in rows], columns, as_json=as_json)


@app.command()
def end(
    session_id: Annotated[
        str | None, typer.Argument(metavar="[SESSION]", help="ID of the session, as `signet session list` shows it.")
    ] = None,
    *,
    who: Annotated[
        str | None,
        typer.Option(
            "--user", help="Sign this user out everywhere and revoke the access of all apps. An ID or email address."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign a user out of one session, or of all.

    With --user, all apps also lose access to the account, including offline access.

    Example: signet session end --user ada@example.com
    """
    from provider.accounts import devices
    from provider.accounts.users import get_user
    from provider.refusals import NotFound
    from provider.sessions import lifecycle

    if (session_id is None) == (who is None):
        raise typer.BadParameter("give the ID of a session, or a user with --user")
    with unit() as work:
        if who is not None:
            count = devices.sign_out_everywhere_by_operator(work, user_id=get_user(work, who).id)
        elif lifecycle.end_by_operator(work, session_id=identifier(str(session_id))):
            count = 1
        else:
            raise NotFound(f"No active session {session_id} was found. List sessions with: signet session list")
    say(f"Ended {counted(count, 'session')}.", {"ended": count}, as_json=as_json)
