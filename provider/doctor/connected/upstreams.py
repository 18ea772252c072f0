"""Examinations of upstream providers: whether each answers, is the one that was set up, and accepts our secret."""

import json
from collections.abc import Iterator

from joserfc.errors import JoseError

from provider.crypto.digests import new_opaque
from provider.doctor.examination import Case
from provider.doctor.findings import Finding, fine, problem, unknown
from provider.federation.client_requests import post_as_client
from provider.federation.configuration import load_upstreams
from provider.federation.issuers import discovery_url, is_issuer, share_an_issuer
from provider.federation.ldap_client import close, open_connection
from provider.federation.managed import read, redirect_uri
from provider.federation.presets import APPLE
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Metadata, Upstream, UpstreamUnavailable
from provider.jose.json_objects import read_object
from provider.jose.remote_key_sets import KeySetUnavailable
from provider.outbound.answers import OutboundFailed, OutboundRefused
from provider.saved_settings.upstreams import find_all
from provider.work import UnitOfWork, unit_of_work

MOST = 20
"""How many upstreams are asked."""
UPSTREAM = "docs/guides/upstream.md"
WRONG_CODE = frozenset({"invalid_grant", "invalid_request", "bad_verification_code", "redirect_uri_mismatch"})
"""What a provider says about an invented code after it has accepted the client."""
WRONG_CLIENT = frozenset({"invalid_client", "unauthorized_client", "incorrect_client_credentials"})

AWAY = unknown(
    "connected.upstream-does-not-answer",
    why="Its button does not work as long as it is down. That says nothing about its settings.",
    fix="Look at its status page, and check that this machine can reach it (firewall, DNS, outgoing proxy).",
    section=UPSTREAM,
)
MOVED = problem(
    "connected.upstream-has-moved",
    why="No one can sign in with it: its discovery document is not at this URL any more.",
    fix="Set the issuer that the provider names today. Users keep their accounts only if it has the same issuer.",
    section="OpenID Connect Discovery section 4; " + UPSTREAM,
)
OTHER_ISSUER = problem(
    "connected.upstream-has-another-issuer",
    why="Signet rejects it, because someone else could answer in its place.",
    fix="Set issuer to what the provider names, byte for byte, with or without a final slash.",
    section="OpenID Connect Discovery section 4.3; " + UPSTREAM,
)
NO_KEYS = problem(
    "connected.upstream-has-no-keys",
    why="ID tokens of the provider cannot be verified, so no one can sign in with it.",
    fix="Check its jwks_uri. Behind a firewall, allow the host of it too.",
    section="OpenID Connect Core section 10.1; " + UPSTREAM,
)
SECRET_REJECTED = problem(
    "connected.upstream-rejects-the-secret",
    why="No one can sign in with it: the client secret has expired, was replaced, or belongs to another client.",
    fix="Create a new client secret at the provider, and store it with `signet upstream update`. Note its expiry.",
    section="RFC 6749 section 5.2; " + UPSTREAM,
)
UNREADABLE = problem(
    "connected.upstream-secret-is-unreadable",
    why="Its button is not shown, because its secret was encrypted with another secret key.",
    fix="Put the old key behind the new one in SIGNET_SECRET_KEY, or store the secret again.",
    section="docs/operate/configure.md",
)
BAD_KEY = problem(
    "connected.apple-key-is-unusable",
    why="Signet signs a new client secret for each sign-in with this key, so none of them works.",
    fix="Download a new key (.p8) for Sign in with Apple, and store it with team_id and key_id.",
    section=UPSTREAM,
)
DIRECTORY_AWAY = unknown(
    "connected.directory-does-not-answer",
    why="Users of its domains cannot sign in as long as it is down.",
    fix="Check its address, its certificate, and that this machine can reach it.",
    section=UPSTREAM,
)


def examine(case: Case) -> Iterator[Finding]:
    """Ask each upstream provider for its metadata and keys, and try an invented code with our secret."""
    with unit_of_work(case.inside) as work:
        found, broken = _configured(work)
    for key in broken:
        yield UNREADABLE.found(f"The secret of the upstream {key} cannot be decrypted.")
    for settings in found[:MOST]:
        with unit_of_work(case.inside) as work:
            yield from _directory(work, settings) if settings.is_directory else _provider(work, settings)


def _configured(work: UnitOfWork) -> tuple[list[UpstreamSettings], list[str]]:
    """Return the enabled upstreams of the file and of the database, and the keys of those that cannot be read."""
    found, broken = list(load_upstreams(work.settings.upstreams)), []
    for row in find_all(work.read):
        if row.disabled_at is not None or any(row.key == each.key for each in found):
            continue
        settings = read(work.vault, row)
        if settings is None:
            broken.append(row.key)
        elif not any(share_an_issuer(each, settings) for each in found):
            found.append(settings)
    return found, broken


def _provider(work: UnitOfWork, settings: UpstreamSettings) -> Iterator[Finding]:
    name = f"{settings.key} ({settings.issuer})"
    if settings.is_oidc and (moved := _moved(work, settings, name)) is not None:
        yield moved
        return
    upstream = Upstream(settings)
    try:
        metadata = upstream.metadata(work)
    except UpstreamUnavailable as failed:
        yield MOVED.found(f"The upstream {name} cannot be used: {failed.reason}.")
        return
    if settings.is_oidc:
        try:
            keys = upstream.key_sets.find(work, metadata.jwks_uri)
        except KeySetUnavailable as failed:
            yield NO_KEYS.found(f"The keys of the upstream {name} at {metadata.jwks_uri}: {failed.reason}.")
            return
        if not keys:
            yield NO_KEYS.found(f"The upstream {name} publishes no usable key.")
            return
    yield _secret(work, upstream, metadata, name)


def _moved(work: UnitOfWork, settings: UpstreamSettings, name: str) -> Finding | None:
    """Return what is wrong with the discovery document, or None."""
    url = discovery_url(settings)
    try:
        document = read_object(work.outbound.fetch(url, accept=("application/json",)).body)
    except OutboundFailed as failed:
        gone = failed.status is not None and 300 <= failed.status < 500 and failed.status not in {408, 429}
        kind = MOVED if gone or isinstance(failed, OutboundRefused) else AWAY
        return kind.found(f"The upstream {name}: {url}: {failed.reason}.")
    except ValueError:
        return MOVED.found(f"The upstream {name}: {url} is no discovery document.")
    if not is_issuer(settings, document.get("issuer")):
        return OTHER_ISSUER.found(f"The upstream {name} names the issuer {str(document.get('issuer'))[:200]}.")
    return None


def _secret(work: UnitOfWork, upstream: Upstream, metadata: Metadata, name: str) -> Finding:
    """Redeem an invented code. A provider checks the client first, so its error says whether it accepted the secret."""
    form = {
        "grant_type": "authorization_code",
        "code": new_opaque(),
        "redirect_uri": redirect_uri(work.settings, upstream.settings.key),
        "code_verifier": new_opaque(),
    }
    try:
        answer = post_as_client(work, upstream, metadata, metadata.token_endpoint, form)
    except OutboundFailed as failed:
        return AWAY.found(f"The token endpoint of the upstream {name}: {failed.reason}.")
    except (ValueError, TypeError, JoseError) as error:
        if upstream.settings.preset != APPLE:
            raise
        return BAD_KEY.found(f"The key of the upstream {name} cannot be used ({type(error).__name__}).")
    said = _error_of(answer.body)
    if said in WRONG_CLIENT or (answer.status == 401 and said not in WRONG_CODE):
        return SECRET_REJECTED.found(f"The upstream {name} answers {answer.status} {said} to an invented code.")
    if said in WRONG_CODE:
        return fine("connected.upstream", f"The upstream {name} answers, has keys, and accepts the secret.")
    unclear = "Whether it accepts the secret is not known"
    return fine("connected.upstream", f"The upstream {name} answers. {unclear} (status {answer.status}).")


def _error_of(body: bytes) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        return ""
    return str(value.get("error", ""))[:60] if isinstance(value, dict) else ""


def _directory(work: UnitOfWork, settings: UpstreamSettings) -> Iterator[Finding]:
    """Open a connection to each server of a directory. Signs in as no one."""
    for url in settings.servers:
        try:
            close(open_connection(work.outbound, settings, url))
        except Exception as failed:  # noqa: BLE001  # ldap3 raises many kinds
            said = " ".join(str(failed).split())[:150] or type(failed).__name__
            yield DIRECTORY_AWAY.found(f"The directory {settings.key} at {url}: {said}.")
        else:
            yield fine("connected.directory", f"The directory {settings.key} accepts connections at {url}.")
