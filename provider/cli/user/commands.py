"""The commands `signet user`: manage accounts, by id or email address."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.arguments import line
from provider.cli.installation import unit
from provider.cli.output import Json, Yes, confirm, print_one, print_rows, say, warn_if_cut

if TYPE_CHECKING:
    from provider.accounts.overview import Overview

app = typer.Typer(help="Manage user accounts.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(metavar="USER", help="The user's ID or email address.")]


def as_printed(one: "Overview") -> dict[str, Any]:
    return {
        "id": one.user.id,
        "email": one.email,
        "email_verified": one.is_confirmed,
        "status": one.user.status,
        "status_reason": one.user.status_reason,
        "roles": one.user.roles,
        "groups": one.user.groups,
        "group_roles": one.user.roles_of_groups,
        "two_factor": one.two_factor,
        "created_at": one.user.created_at,
        "claims": one.user.claims,
    }


@app.command(name="list")
def list_users(
    *,
    search: Annotated[
        str | None,
        typer.Option(help="Show users whose email or name contains this, or @domain."),
    ] = None,
    after: Annotated[str | None, typer.Option(help="Continue after this ID, the last of the previous page.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of users to show.")] = 100,
    as_json: Json = False,
) -> None:
    """List user accounts. Results are in the order of their IDs.

    Example: signet user list --limit 1000 --json
    """
    from provider.accounts import overview
    from provider.accounts import search as rules
    from provider.accounts.store import users

    if search is not None and after is not None:
        raise typer.BadParameter("use --search or --after, not both")
    with unit() as work:
        if search is None:
            ids = [user.id for user in users.find_page(work.read, after=after, limit=limit)]
        else:
            ids, further = rules.find_page(work, search, after=None, limit=limit)
            warn_if_cut(further is not None, limit)
        rows = [as_printed(one) for one in overview.describe(work, ids)]
    columns = ("id", "email", "email_verified", "status", "roles", "two_factor", "created_at")
    print_rows(rows, columns, as_json=as_json)


@app.command()
def show(who: Who, *, as_json: Json = False) -> None:
    """Show an account. Its secrets are not shown.

    Example: signet user show ada@example.com
    """
    from provider.accounts import overview
    from provider.accounts.store import linked_identities
    from provider.accounts.users import get_user

    with unit() as work:
        user = get_user(work, who)
        linked = [
            {"issuer": one.issuer, "subject": one.subject, "email": one.email, "last_used_at": one.last_used_at}
            for one in linked_identities.find_of_user(work.read, user.id)
        ]
        print_one({**as_printed(overview.describe_one(work, user.id)), "linked_identities": linked}, as_json=as_json)


@app.command()
def suspend(
    who: Who,
    *,
    reason: Annotated[str | None, typer.Option(help="Reason, for operators only.")] = None,
    as_json: Json = False,
) -> None:
    """Suspend an account. Its sessions, tokens and links stop working immediately.

    Example: signet user suspend ada@example.com --reason 'a stolen laptop'
    """
    from provider.accounts import suspension
    from provider.accounts.store.users import Status
    from provider.accounts.users import get_user

    why = line(reason or "", most=suspension.LONGEST_REASON, option="--reason") or None
    with unit() as work:
        user = get_user(work, who)
        suspension.suspend(work, user_id=user.id, reason=why)
    say(
        f"Suspended {who} and revoked all access.",
        {"id": user.id, "status": Status.SUSPENDED},
        as_json=as_json,
    )


@app.command()
def restore(who: Who, *, as_json: Json = False) -> None:
    """Restore a suspended account. Revoked sessions, tokens and links stay revoked.

    Example: signet user restore ada@example.com
    """
    from provider.accounts import suspension
    from provider.accounts.users import get_user

    with unit() as work:
        suspension.restore(work, user_id=get_user(work, who).id)
        user = get_user(work, who)
    say(f"Restored {who}. Status: {user.status}.", {"id": user.id, "status": user.status}, as_json=as_json)


@app.command(name="verify-email")
def verify_email(who: Who, *, as_json: Json = False) -> None:
    """Mark the email address as verified. Use it if you know that the address belongs to the user.

    Example: signet user verify-email ada@example.com
    """
    from provider.accounts.email import email_addresses
    from provider.accounts.users import get_user

    with unit() as work:
        email_addresses.verify_by_operator(work, user_id=get_user(work, who).id)
        user = get_user(work, who)
    say(
        f"Verified {who}. Status: {user.status}.",
        {"id": user.id, "status": user.status},
        as_json=as_json,
    )


@app.command(name="change-email")
def change_email(
    who: Who,
    email: Annotated[str, typer.Argument(help="The new email address.")],
    *,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Wait until the user confirms the new address with an emailed link.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Change the email address of a user. Without --confirm, the new address is treated as verified.

    Example: signet user change-email ada@example.com ada@new.example.com
    """
    from provider.accounts import overview
    from provider.accounts.email import operator_changes
    from provider.accounts.users import get_user

    change = operator_changes.request_change if confirm else operator_changes.set_address
    with unit() as work:
        user = get_user(work, who)
        change(work, user_id=user.id, email=email)
        described = as_printed(overview.describe_one(work, user.id))
    said = f"Sent a confirmation link to {email}." if confirm else f"Changed the email address of {who} to {email}."
    say(said, described, as_json=as_json)


@app.command(name="reset-totp")
def reset_totp(who: Who, *, as_json: Json = False) -> None:
    """Turn off two-factor authentication for a user. Also ends their sessions and revokes the access of all apps.

    Example: signet user reset-totp ada@example.com
    """
    from provider.accounts.factors import removal
    from provider.accounts.users import get_user

    with unit() as work:
        user = get_user(work, who)
        removal.reset(work, user_id=user.id)
    say(f"Turned off two-factor authentication for {who}.", {"id": user.id, "two_factor": False}, as_json=as_json)


@app.command(name="set-role")
def set_role(
    who: Who,
    roles: Annotated[list[str] | None, typer.Argument(help="All roles of the user. None removes all.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Set the roles of a user. Roles that are not listed are removed.

    Example: signet user set-role ada@example.com admin staff
    """
    from provider.accounts.users import get_user, set_roles

    with unit() as work:
        user = get_user(work, who)
        set_roles(work, user_id=user.id, roles=tuple(roles or ()))
        now = get_user(work, user.id).roles
    say(f"Set the roles of {who}: {', '.join(now) or 'none'}.", {"id": user.id, "roles": now}, as_json=as_json)


@app.command()
def delete(who: Who, *, yes: Yes = False, as_json: Json = False) -> None:
    """Permanently delete an account and all its data.

    Example: signet user delete ada@example.com --yes
    """
    from provider.accounts.users import delete_user, get_user

    confirm(f"Permanently delete {who}?", yes=yes)
    with unit() as work:
        user = get_user(work, who)
        delete_user(work, user_id=user.id)
    say(f"Deleted {who}.", {"id": user.id, "deleted": True}, as_json=as_json)
