"""The commands `signet key`: manage the token signing keys."""

from typing import Annotated, Any

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, print_rows, say

app = typer.Typer(help="Manage signing keys.", no_args_is_help=True)


@app.command(name="list")
def list_keys(*, as_json: Json = False) -> None:
    """List the signing keys, and who used them in the last day.

    used_by has the clients that sent tokens of a retired key, and the networks with copies of the key set that lack an
    upcoming or current key. is_delayed says that a key is due to be removed, and waits for those who use it.

    Example: signet key list
    """
    from provider.oauth.keys import waiting

    columns = ("kid", "alg", "state", "created_at", "expires_at", "is_delayed", "used_by")
    with unit() as work:
        keys = waiting.find_statuses(work)
    rows: list[dict[str, Any]] = []
    for key in keys:
        row = {column: getattr(key.row, column) for column in columns[:5]}
        if as_json:
            row["tokens_expire_at"] = key.row.tokens_expire_at
            row["removed_at_the_latest"] = None if key.removal is None else key.removal.limit
            used = [{name: value for name, value in vars(use).items() if name != "kid"} for use in key.uses]
            rows.append({**row, "is_delayed": key.is_delayed, "uses": used})
        else:
            rows.append({**row, "is_delayed": key.is_delayed, "used_by": waiting.describe(key.uses)})
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
def remove(
    kid: Annotated[str, typer.Argument(metavar="KID", help="The key ID, as `signet key list` shows it.")],
    *,
    even_if_used: Annotated[
        bool, typer.Option("--even-if-used", help="Remove it even if apps still send valid tokens of the key.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove a retired key from the key set now. Its last token must have expired.

    Without this command, the rotation waits until the key is not used any more. See SIGNET_KEY_IDLE.

    Example: signet key remove KID --even-if-used
    """
    from provider.oauth.keys import retirement

    with unit() as work:
        retirement.remove(work, kid=kid, even_if_used=even_if_used)
    say(f"Removed key {kid} from the key set.", {"kid": kid, "state": "retired"}, as_json=as_json)


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
