"""The description of a client on the command line: the options of `signet client create` and `update`, and a file of
RFC 7591 metadata.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.output import warn
from provider.jose.json_objects import read_json

if TYPE_CHECKING:
    from provider.oauth.clients.metadata import ClientMetadata
    from provider.work import UnitOfWork

Name = Annotated[str | None, typer.Option(help="Name of the app, as users see it.")]
RedirectUri = Annotated[
    list[str] | None,
    typer.Option(
        help="URL where users return after signing in. Must match exactly, except the port of a loopback "
        "URI. Can be repeated."
    ),
]
PostLogoutRedirectUri = Annotated[
    list[str] | None,
    typer.Option(help="URL where users return after signing out. Must match exactly. Can be repeated."),
]
BackchannelLogoutUri = Annotated[
    str | None, typer.Option(help="HTTPS URL that Signet calls when a user of the app signs out elsewhere.")
]
AllowedOrigin = Annotated[
    list[str] | None,
    typer.Option(help="Additional origin of the app's pages, for example capacitor://localhost. Can be repeated."),
]
Public = Annotated[
    bool, typer.Option("--public", help="Register an app that cannot keep a secret, on a device or in a browser.")
]
Grant = Annotated[
    list[str] | None,
    typer.Option(help="Grant type that the app may use, for example client_credentials. Can be repeated."),
]
Scope = Annotated[str | None, typer.Option(help='Scopes that the app may request, for example "openid email".')]
ScopeDescription = Annotated[
    list[str] | None,
    typer.Option(
        help="What users read about a scope of an API, for example 'orders:read View your orders'. For other "
        "languages than English: 'orders:read#de Ihre Bestellungen ansehen'. Can be repeated."
    ),
]
DetailsTypes = Annotated[
    list[str] | None,
    typer.Option("--details-type", help="Type of authorization details that the app may ask for. Can be repeated."),
]
AuthMethod = Annotated[
    str | None,
    typer.Option(
        help="How the app authenticates at the token endpoint. Default: client_secret_basic and client_secret_post."
    ),
]
Pkce = Annotated[
    bool | None,
    typer.Option("--pkce/--no-pkce", help="Require PKCE. Default: yes. Public clients must always use it."),
]
Jwks = Annotated[
    str | None,
    typer.Option(
        help="JSON file with the app's public keys (a JWK Set), for private_key_jwt or a self-signed certificate (x5c)."
    ),
]
JwksUri = Annotated[str | None, typer.Option(help="URL where the app publishes its public keys, instead of --jwks.")]
AssertionIssuer = Annotated[
    str | None,
    typer.Option(help="Trusted issuer whose tokens authenticate the app instead of a secret. See signet issuer."),
]
AssertionSubject = Annotated[
    list[str] | None,
    typer.Option(
        help="Subject (sub) of tokens of the trusted issuer, for example repo:octo-org/*:environment:production. Can "
        "be repeated."
    ),
]
AllowScheme = Annotated[
    list[str] | None,
    typer.Option(
        help="Private-use URI scheme without a dot to allow in redirect URIs, for example cursor. Can be repeated."
    ),
]
FirstParty = Annotated[
    bool | None,
    typer.Option("--first-party/--no-first-party", help="Skip the consent page, for an app of your own. Default: no."),
]
VerifyUri = Annotated[
    str | None,
    typer.Option(help="HTTPS page of a first-party app that confirms email addresses. Links in emails lead there."),
]
ResetUri = Annotated[
    str | None, typer.Option(help="HTTPS page of a first-party app that resets passwords. Links in emails lead there.")
]
BESIDE = {"client_id": "--client-id", "client_secret": "--client-secret-stdin"}
"""Members of a registration response that `signet client create` takes as options."""
Metadata = Annotated[str | None, typer.Option(help="JSON file with client metadata (RFC 7591), or - for stdin.")]


MEMBERS: Mapping[str, str] = {
    "client_name": "name",
    "redirect_uris": "redirect_uri",
    "post_logout_redirect_uris": "post_logout_redirect_uri",
    "backchannel_logout_uri": "backchannel_logout_uri",
    "allowed_origins": "allowed_origin",
    "grant_types": "grant",
    "scope": "scope",
    "authorization_details_types": "details_type",
    "jwks_uri": "jwks_uri",
    "assertion_issuer": "assertion_issuer",
    "assertion_subjects": "assertion_subject",
    "first_party": "first_party",
    "verify_uri": "verify_uri",
    "reset_uri": "reset_uri",
    "require_pkce": "pkce",
    "private_use_schemes": "allow_scheme",
}
"""The parameter of a command for each member of the metadata that is taken as it is given."""


def metadata_given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the RFC 7591 metadata that the parameters of a command (its `locals()`) give: that of the file, overridden
    by the options. Warns of members that have no meaning here.
    """
    from provider.oauth.clients.metadata_values import is_nothing

    file, jwks = parameters["metadata"], parameters["jwks"]
    from_file: dict[str, Any] = {} if file is None else read_json_file(file)
    _warn_of_unknown(from_file)
    options = {member: parameters[parameter] for member, parameter in MEMBERS.items()}
    options["scope_descriptions"] = _described(parameters["scope_description"])
    options["jwks"] = None if jwks is None else read_json_file(jwks)
    implied = "none" if parameters["public"] else "federated_jwt" if parameters["assertion_issuer"] else None
    options["token_endpoint_auth_method"] = parameters["auth_method"] or implied
    return from_file | {option: value for option, value in options.items() if not is_nothing(value)}


def _described(lines: list[str] | None) -> dict[str, Any] | None:
    from provider.languages.own_text import InvalidOwnText, parse_lines

    if lines is None:
        return None
    try:
        return parse_lines("\n".join(" ".join(line.split()) or "-" for line in lines))
    except InvalidOwnText as invalid:
        raise typer.BadParameter(str(invalid), param_hint="--scope-description") from None


def _warn_of_unknown(given: dict[str, Any]) -> None:
    """Warn of members that are ignored, as RFC 7591 section 2 asks: one may be misspelt."""
    from difflib import get_close_matches

    from provider.oauth.clients.metadata import FIELDS

    for name in given.keys() - FIELDS.keys():
        option = BESIDE.get(name)
        close = [f"Did you mean {match}?" for match in get_close_matches(name, FIELDS, n=1)]
        hint = f"Use {option} instead." if option else "".join(close)
        warn(f"Unknown metadata {name} was ignored. {hint}")


def require_vouched_for(work: "UnitOfWork", metadata: "ClientMetadata") -> None:
    """Check the sector identifier document, as when a client registers itself. An operator also sees what went wrong at
    the other server.
    """
    from provider.oauth.clients.sector_documents import DocumentUnavailable, require_vouched_for

    try:
        require_vouched_for(work, metadata)
    except DocumentUnavailable as refused:
        raise typer.BadParameter(f"{refused} Reason: {refused.reason}.") from None


def usual(given: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults for a client described by options. They are not applied to a metadata file, which is taken
    literally.
    """
    from provider.operators.presets import SIGNS_IN

    uris: list[str] = given.get("redirect_uris", [])
    signs_in = dict(SIGNS_IN)
    # A public app that only comes back to the device it runs on is a native one (RFC 8252 section 7).
    on_device = all(uri.startswith(("http://127.0.0.1", "http://[::1]")) or not uri.startswith("http") for uri in uris)
    if uris and on_device and given.get("token_endpoint_auth_method") == "none":
        return signs_in | {"application_type": "native"}
    return signs_in if uris else {"grant_types": ["client_credentials"]}


def read_json_file(source: str) -> dict[str, Any]:
    text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8-sig")
    name = "stdin" if source == "-" else source
    try:
        given = read_json(text)
    except ValueError as error:
        raise typer.BadParameter(f"{name} is not valid JSON: {error}") from None
    if not isinstance(given, dict):
        raise typer.BadParameter(f"{name} must contain a JSON object")
    return given
