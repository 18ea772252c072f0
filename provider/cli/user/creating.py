"""The commands `signet user create` and `invite`: new accounts."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.arguments import line
from provider.cli.installation import unit
from provider.cli.output import Json, say
from provider.cli.user.attributes import texts_of
from provider.cli.user.commands import as_printed

if TYPE_CHECKING:
    from provider.work import UnitOfWork

Role = Annotated[list[str] | None, typer.Option(help="Role to give to the user. Can be repeated.")]
FullName = Annotated[str | None, typer.Option(help="Full name of the user.")]
Attributes = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="Declared attribute of the user, and its value. Can be repeated."),
]


def create(
    email: Annotated[str, typer.Option(help="Email address of the user.")],
    *,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    verified: Annotated[bool, typer.Option("--verified", help="Mark the email address as verified.")] = False,
    role: Role = None,
    name: FullName = None,
    user_id: Annotated[
        str | None,
        typer.Option("--id", metavar="UUID", help="Keep the ID (sub) that the user had elsewhere."),
    ] = None,
    hash_stdin: Annotated[bool, typer.Option("--password-hash-stdin", help="Read a password hash from stdin.")] = False,
    attribute: Attributes = None,
    as_json: Json = False,
) -> None:
    """Create an account. Prompts for the password, unless --password-stdin or --password-hash-stdin is given.

    Example: signet user create --email ada@example.com --password-stdin --verified --role admin < password.txt
    """
    from provider.accounts import overview
    from provider.accounts.attributes import values
    from provider.accounts.registration import create_user

    if password_stdin and hash_stdin:
        raise typer.BadParameter("use --password-stdin or --password-hash-stdin, not both")
    from_stdin = password_stdin or hash_stdin
    secret = sys.stdin.readline().rstrip("\r\n") if from_stdin else _ask_for_password()
    if not secret:
        raise typer.BadParameter("the password is empty. Enter one, or send it to stdin.")
    texts = texts_of(attribute or ())
    with unit() as work:
        attributes = _checked(work, texts)
        user_id = create_user(
            work,
            email=email,
            password=None if hash_stdin else secret,
            password_hash=secret if hash_stdin else None,
            verified=verified,
            roles=tuple(role or ()),
            claims=_claims(name),
            user_id=user_id,
        )
        values.add_values(work, user_id=user_id, values=attributes)
        described = as_printed(overview.describe_one(work, user_id))
    say(f"Created {email} with ID {user_id}. Status: {described['status']}.", described, as_json=as_json)


def invite(
    email: Annotated[str, typer.Argument(help="Email address of the user. It is treated as verified.")],
    *,
    role: Role = None,
    name: FullName = None,
    attribute: Attributes = None,
    as_json: Json = False,
) -> None:
    """Create an account and email an invitation. The user chooses a password with the link in the email.

    Example: signet user invite ada@example.com --name "Ada Lovelace" --role staff
    """
    from provider.accounts import invitation, overview
    from provider.accounts.attributes import values

    texts = texts_of(attribute or ())
    with unit() as work:
        attributes = _checked(work, texts)
        user_id = invitation.invite(work, email=email, roles=tuple(role or ()), claims=_claims(name))
        values.add_values(work, user_id=user_id, values=attributes)
        described = as_printed(overview.describe_one(work, user_id))
    say(f"Invited {email} with ID {user_id}.", described, as_json=as_json)


def _claims(name: str | None) -> dict[str, str]:
    from provider.accounts.registration import MAX_NAME

    cleaned = line(name or "", most=MAX_NAME, option="--name")
    return {"name": cleaned} if cleaned else {}


def _ask_for_password() -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter("no terminal to ask for the password. Send it to stdin with --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _checked(work: "UnitOfWork", texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of declared attributes for a new user. Raises InvalidAttributes, also if a required one is
    missing.
    """
    from provider.accounts.attributes import values
    from provider.accounts.attributes.declarations import Editor, Place

    given = values.from_texts(work, texts)
    return values.check_new(work, given, editor=Editor.OPERATOR, place=Place.ADMIN)
