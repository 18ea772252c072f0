"""Clients of a Keycloak realm: which client metadata each becomes, and which of its settings Signet does not have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urljoin

from provider.accounts.importing.json_stream import Entry
from provider.accounts.importing.sources.keycloak import read_clients
from provider.oauth.clients.choices import DEVICE_CODE, SECRET_JWT
from provider.oauth.scopes import ROLES, STANDARD_SCOPES

MASKED = "**********"
"""What an export by the admin console has in place of a secret."""
METHODS = {"client-secret": None, "client-secret-jwt": SECRET_JWT, "client-jwt": "private_key_jwt"}
URIS = {
    "logoUri": "logo_uri",
    "policyUri": "policy_uri",
    "tosUri": "tos_uri",
    "backchannel.logout.url": "backchannel_logout_uri",
    "frontchannel.logout.url": "frontchannel_logout_uri",
    "jwks.url": "jwks_uri",
    "id.token.signed.response.alg": "id_token_signed_response_alg",
}
"""Attributes with one value, and the members of client metadata that they are."""
FLAGS = {
    "backchannel.logout.session.required": "backchannel_logout_session_required",
    "frontchannel.logout.session.required": "frontchannel_logout_session_required",
    "dpop.bound.access.tokens": "dpop_bound_access_tokens",
    "require.pushed.authorization.requests": "require_pushed_authorization_requests",
    "tls.client.certificate.bound.access.tokens": "tls_client_certificate_bound_access_tokens",
}
READ = {
    "post.logout.redirect.uris",
    "pkce.code.challenge.method",
    "oauth2.device.authorization.grant.enabled",
    "use.refresh.tokens",
    "use.jwks.url",
}
WITHOUT_EFFECT = {
    "client.secret.creation.time",
    "realm_client",
    "display.on.consent.screen",
    "backchannel.logout.revoke.offline.tokens",
    "login_theme",
}
OFF = {"", "false", "{}", "[]"}
"""Values of attributes with which they have no effect."""


class NotMoved(Exception):
    """A client that can't be moved. The message says why."""


@dataclass
class MovedClient:
    """A client of a realm as client metadata (RFC 7591). `notes` say which of its settings are left out."""

    line: int
    client_id: str
    metadata: dict[str, Any] = field(default_factory=dict)
    secret: str | None = None
    disabled: bool = False
    notes: list[str] = field(default_factory=list)
    problem: str = ""


def read(file: BinaryIO) -> Iterator[MovedClient]:
    """Yield the clients of a realm. Raises UnreadableFile."""
    for entry in read_clients(file):
        given = entry.value if isinstance(entry.value, dict) else {}
        client = MovedClient(entry.line, str(given.get("clientId") or ""))
        try:
            _read(client, entry)
        except NotMoved as problem:
            client.problem = str(problem)
        except (KeyError, TypeError, ValueError, AttributeError):
            client.problem = "The client is not in the format of the export."
        yield client


def _read(client: MovedClient, entry: Entry) -> None:
    given = entry.value
    if given.get("protocol", "openid-connect") != "openid-connect":
        raise NotMoved(f"The protocol {given['protocol']} is not supported.")
    if given.get("bearerOnly"):
        raise NotMoved("Bearer-only clients don't sign in. Create it with --type api, if it needs a registration.")
    attributes = {name: str(value) for name, value in (given.get("attributes") or {}).items()}
    client.disabled = given.get("enabled") is False
    name = str(given.get("name") or "")
    client.metadata = {
        "client_name": client.client_id if not name or name.startswith("${") else name,
        "scope": " ".join((*STANDARD_SCOPES, ROLES)),
        "claims_in_id_token": True,  # as Keycloak does
        "first_party": not given.get("consentRequired"),
    }
    _read_grants(client, given, attributes)
    _read_authentication(client, given, attributes)
    _read_uris(client, given, attributes)
    for attribute, member in URIS.items():
        if attributes.get(attribute):
            client.metadata[member] = attributes[attribute]
    for attribute, member in FLAGS.items():
        if attributes.get(attribute) == "true":
            client.metadata[member] = True
    _note_the_rest(client, given, attributes)


def _read_grants(client: MovedClient, given: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
    grants = []
    if given.get("standardFlowEnabled", True):
        grants += ["authorization_code"]
    if attributes.get("oauth2.device.authorization.grant.enabled") == "true":
        grants += [DEVICE_CODE]
    if grants and attributes.get("use.refresh.tokens") != "false":
        grants += ["refresh_token"]
    if given.get("serviceAccountsEnabled"):
        grants += ["client_credentials"]
    if not grants:
        raise NotMoved("The client has no grant type that Signet supports.")
    client.metadata["grant_types"] = grants
    client.metadata["response_types"] = ["code"] if "authorization_code" in grants else []
    if given.get("directAccessGrantsEnabled"):
        client.notes.append("The password grant (directAccessGrantsEnabled) is not supported.")
    if given.get("implicitFlowEnabled"):
        client.notes.append("The implicit flow (implicitFlowEnabled) is left out.")


def _read_authentication(client: MovedClient, given: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
    is_public = bool(given.get("publicClient"))
    if attributes.get("pkce.code.challenge.method") != "S256":
        if is_public:
            client.notes.append("The app must use PKCE from now on.")
        else:
            client.metadata["require_pkce"] = False
            client.notes.append("PKCE is not required, as before.")
    if is_public:
        client.metadata["token_endpoint_auth_method"] = "none"  # noqa: S105  # a method
        return
    kind = given.get("clientAuthenticatorType", "client-secret")
    if kind not in METHODS:
        raise NotMoved(f"The authentication {kind} has to be set up by hand.")
    if METHODS[kind] is not None:
        client.metadata["token_endpoint_auth_method"] = METHODS[kind]
    if kind == "client-jwt":
        if not attributes.get("jwks.url"):
            raise NotMoved("The client authenticates with a key that is not at a URL (jwks.url).")
        return
    if not given.get("secret") or given["secret"] == MASKED:
        raise NotMoved("The export has no secret of the client. Export the realm with kc.sh export.")
    client.secret = str(given["secret"])


def _read_uris(client: MovedClient, given: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
    root = str(given.get("rootUrl") or "")
    root = "" if root.startswith("${") else root
    redirect_uris = _exact(client, "redirectUris", given.get("redirectUris") or [], root)
    client.metadata["redirect_uris"] = redirect_uris
    after = [uri for uri in attributes.get("post.logout.redirect.uris", "").split("##") if uri and uri != "-"]
    listed = _exact(client, "post.logout.redirect.uris", [uri for uri in after if uri != "+"], root)
    client.metadata["post_logout_redirect_uris"] = [*(redirect_uris if "+" in after else []), *listed]
    origins = [str(origin) for origin in given.get("webOrigins") or []]
    if "*" in origins:
        client.notes.append("The web origin * is left out.")
    client.metadata["allowed_origins"] = [origin for origin in origins if origin not in {"+", "*", ""}]
    base = urljoin(root, str(given.get("baseUrl") or ""))
    if base.startswith("https://"):
        client.metadata["client_uri"] = base


def _exact(client: MovedClient, name: str, uris: list[str], root: str) -> list[str]:
    """Return the URIs without wildcards. Those that begin with a slash are below the root URL."""
    absolute = [f"{root.rstrip('/')}{uri}" if uri.startswith("/") else uri for uri in map(str, uris)]
    wild = [uri for uri in absolute if "*" in uri]
    if wild:
        client.notes.append(f"{name} with wildcards are left out; list each URI: {', '.join(wild)}.")
    return list(dict.fromkeys(uri for uri in absolute if uri not in wild))


def _note_the_rest(client: MovedClient, given: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
    known = {*URIS, *FLAGS, *READ, *WITHOUT_EFFECT}
    skipped = sorted(name for name, value in attributes.items() if name not in known and value not in OFF)
    if skipped:
        client.notes.append(f"Settings are left out: {', '.join(skipped)}.")
    if mappers := given.get("protocolMappers"):
        client.notes.append(f"Protocol mappers are left out: {', '.join(sorted(str(one['name']) for one in mappers))}.")
    if given.get("authorizationServicesEnabled") or given.get("authorizationSettings"):
        client.notes.append("Authorization services are not supported.")
