"""The commands `signet issuer`: the servers whose tokens authenticate applications or stand for users."""

from typing import Annotated, Any

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, Yes, confirm, print_one, print_rows, say

app = typer.Typer(help="Manage trusted issuers of tokens.", no_args_is_help=True)
Which = Annotated[
    str, typer.Argument(metavar="ISSUER", help="URL of the issuer, exactly as its tokens have it in iss.")
]
JwksUri = Annotated[str | None, typer.Option(help="URL of the issuer's public keys. Default: found by discovery.")]
Jwks = Annotated[
    str | None, typer.Option(help="JSON file with the issuer's public keys (a JWK Set), if they can't be fetched.")
]
Algorithm = Annotated[
    list[str] | None,
    typer.Option(help="Algorithm that the issuer may sign with. Can be repeated. Default: every supported one."),
]
UserMapping = Annotated[
    str | None,
    typer.Option(
        help="How its subjects are users, for the JWT bearer grant. none: they are not. linked: users who linked the "
        "issuer. sub: the subject is the user ID. Default: none."
    ),
]


@app.command()
def create(
    issuer: Which,
    *,
    jwks_uri: JwksUri = None,
    jwks: Jwks = None,
    algorithm: Algorithm = None,
    user_mapping: UserMapping = None,
    as_json: Json = False,
) -> None:
    """Trust an issuer. Then name it in the applications that its tokens authenticate. Guide: docs/guides/workloads.md.

    Example: signet issuer create https://token.actions.githubusercontent.com
    """
    from provider.oauth.trusted_issuers import issuers

    given = _given(jwks_uri=jwks_uri, jwks=jwks, algorithm=algorithm, user_mapping=user_mapping)
    with unit() as work:
        row = issuers.create(work, issuer, issuers.parse_settings(given))
    say(f"Added the trusted issuer {issuer}.", _described(row), as_json=as_json)


@app.command(name="list")
def list_issuers(*, as_json: Json = False) -> None:
    """List trusted issuers.

    Example: signet issuer list
    """
    from provider.oauth.trusted_issuers import store

    with unit() as work:
        rows = [_described(row) for row in store.find_all(work.read)]
    print_rows(rows, ("issuer", "keys", "user_mapping", "disabled", "created_at"), as_json=as_json)


@app.command()
def show(issuer: Which, *, as_json: Json = False) -> None:
    """Show a trusted issuer.

    Example: signet issuer show https://token.actions.githubusercontent.com
    """
    from provider.oauth.trusted_issuers import issuers

    with unit() as work:
        described = _described(issuers.find_by_issuer(work, issuer))
    print_one(described, as_json=as_json)


@app.command()
def update(
    issuer: Which,
    *,
    jwks_uri: JwksUri = None,
    jwks: Jwks = None,
    discovery: Annotated[
        bool, typer.Option("--discovery", help="Find the keys by discovery again, instead of --jwks-uri or --jwks.")
    ] = False,
    algorithm: Algorithm = None,
    user_mapping: UserMapping = None,
    as_json: Json = False,
) -> None:
    """Change a trusted issuer. Options that you leave out stay as they are.

    Example: signet issuer update https://kubernetes.example.com --jwks keys.json
    """
    from provider.oauth.trusted_issuers import issuers

    given = _given(jwks_uri=jwks_uri, jwks=jwks, algorithm=algorithm, user_mapping=user_mapping)
    with unit() as work:
        row = issuers.find_by_issuer(work, issuer)
        before = {name: getattr(row, name) for name in issuers.MEMBERS}
        if discovery or jwks_uri or jwks:
            before |= {"jwks_uri": None, "jwks": None}
        row = issuers.update(work, row.id, issuers.parse_settings(before | given))
    say(f"Updated the trusted issuer {issuer}.", _described(row), as_json=as_json)


@app.command()
def disable(issuer: Which, *, as_json: Json = False) -> None:
    """Disable a trusted issuer, and end what was issued for its tokens.

    Example: signet issuer disable https://token.actions.githubusercontent.com
    """
    _do("disable", issuer, f"Disabled the trusted issuer {issuer}.", as_json=as_json)


@app.command()
def enable(issuer: Which, *, as_json: Json = False) -> None:
    """Accept tokens of a disabled issuer again. What ended when you disabled it stays ended.

    Example: signet issuer enable https://token.actions.githubusercontent.com
    """
    _do("enable", issuer, f"Enabled the trusted issuer {issuer}.", as_json=as_json)


@app.command()
def delete(issuer: Which, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a trusted issuer, and end what was issued for its tokens. Applications that it authenticates can no longer
    authenticate.

    Example: signet issuer delete https://token.actions.githubusercontent.com --yes
    """
    confirm(f"Permanently delete the trusted issuer {issuer}?", yes=yes)
    _do("delete", issuer, f"Deleted the trusted issuer {issuer}.", as_json=as_json)


def _do(what: str, issuer: str, said: str, *, as_json: bool) -> None:
    from provider.oauth.trusted_issuers import issuers

    with unit() as work:
        getattr(issuers, what)(work, issuers.find_by_issuer(work, issuer).id)
    say(said, {"issuer": issuer}, as_json=as_json)


def _given(
    *, jwks_uri: str | None, jwks: str | None, algorithm: list[str] | None, user_mapping: str | None
) -> dict[str, Any]:
    from provider.cli.client.options import read_json_file

    options = {
        "jwks_uri": jwks_uri,
        "jwks": None if jwks is None else read_json_file(jwks),
        "algorithms": algorithm,
        "user_mapping": user_mapping,
    }
    return {name: value for name, value in options.items() if value}


def _described(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "issuer": row.issuer,
        "keys": "registered" if row.jwks is not None else row.jwks_uri or "discovery",
        "jwks_uri": row.jwks_uri,
        "jwks": row.jwks,
        "algorithms": row.algorithms,
        "user_mapping": row.user_mapping,
        "disabled": row.disabled_at is not None,
        "created_at": row.created_at,
    }
