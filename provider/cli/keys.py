"""The commands `signet key`: manage the token signing keys."""

from typing import Annotated

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, print_rows, say

app = typer.Typer(help="Manage signing keys.", no_args_is_help=True)


@app.command(name="list")
def list_keys(*, as_json: Json = False) -> None:
    """List the signing keys: upcoming, current, retired and revoked.

    Example: signet key list
    """
    from provider.oauth.keys import rotation

    columns = ("kid", "alg", "state", "created_at", "expires_at")
    with unit() as work:
        rows = [{column: getattr(key, column) for column in columns} for key in rotation.list_keys(work)]
    print_rows(rows, columns, as_json=as_json)


@app.command()
def rotate(
    *,
    alg: Annotated[
        str, typer.Option(help="Algorithm of the keys: RS256 (also signs PS256), ES256 or EdDSA.")
    ] = "RS256",
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Rotate now, even if some apps have not loaded the upcoming key yet.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Rotate a signing key. The upcoming key becomes the current one, and a new upcoming key is published.

    Example: signet key rotate --alg ES256
    """
    from provider.oauth.keys import rotation

    with unit() as work:
        current, upcoming = rotation.rotate(work, alg=alg, at_once=at_once)
    told = {"alg": alg, "current": current, "upcoming": upcoming}
    say(f"Rotated {alg}. Current key: {current}. Upcoming key: {upcoming}.", told, as_json=as_json)


@app.command(context_settings={"ignore_unknown_options": True})  # a kid may begin with a hyphen
def revoke(
    kid: Annotated[str, typer.Argument(metavar="KID", help="The key ID, as `signet key list` shows it.")],
    *,
    as_json: Json = False,
) -> None:
    """Revoke a signing key, for example after a leak. All tokens that it signed become invalid.

    Example: signet key revoke KID
    """
    from provider.oauth.keys import rotation

    with unit() as work:
        rotation.revoke(work, kid=kid)
    say(
        f"Revoked key {kid}. Tokens that it signed are no longer valid.",
        {"kid": kid, "state": "revoked"},
        as_json=as_json,
    )
