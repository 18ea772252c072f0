"""The command `signet client registration-token`: issue tokens with which applications register themselves."""

from typing import Annotated

import typer

from provider.cli.arguments import duration
from provider.cli.installation import unit
from provider.cli.output import Json, counted, plain, say


def registration_token(
    *,
    uses: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many applications can register with the token.")
    ] = 1,
    expires: Annotated[str, typer.Option(help="How long the token is valid, for example 10m, 24h or 7d.")] = "1h",
    as_json: Json = False,
) -> None:
    """Create a token for dynamic client registration. Applications need it when SIGNET_REGISTRATION is `token`.

    Example: signet client registration-token --uses 3 --expires 24h
    """
    from provider.oauth.clients.registration import issue_initial_token

    with unit() as work:
        token, expires_at = issue_initial_token(work, uses=uses, lifetime=duration(expires))
    valid = f"Valid for {counted(uses, 'registration')}, until {plain(expires_at)}."
    value = {"initial_access_token": token, "uses": uses, "expires_at": expires_at}
    say(f"initial_access_token  {token}\n{valid} It is not shown again.", value, as_json=as_json)
