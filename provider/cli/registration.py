"""The command `signet client registration-token`: issue tokens with which applications register themselves."""

from typing import Annotated

import typer

from provider.cli.arguments import duration
from provider.cli.installation import unit
from provider.cli.output import Json, plain, say


def registration_token(
    *,
    uses: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many applications may register with it.")] = 1,
    expires: Annotated[str, typer.Option(help="How long it is good for, as in 10m, 24h, 7d.")] = "1h",
    as_json: Json = False,
) -> None:
    """Issue an initial access token, with which applications register themselves. Needed where SIGNET_REGISTRATION is
    `token`.

    Example: signet client registration-token --uses 3 --expires 24h
    """
    from provider.oauth.clients.registration import issue_initial_token

    with unit() as work:
        token, expires_at = issue_initial_token(work, uses=uses, lifetime=duration(expires))
    told = f"initial_access_token  {token}\nGood for {uses}, until {plain(expires_at)}. It is not shown again."
    value = {"initial_access_token": token, "uses": uses, "expires_at": expires_at}
    say(told, value, as_json=as_json)
