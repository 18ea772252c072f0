"""Checks of clients against their profile, the settings of now, and the trusted issuers."""

from collections.abc import Iterator, Mapping

from provider.config.production_checks import Finding
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata, load_metadata
from provider.oauth.clients.rules import fapi2
from provider.oauth.clients.rules.certificates import check_configured
from provider.oauth.clients.store import clients
from provider.oauth.trusted_issuers import store as issuers
from provider.oauth.trusted_issuers.store import TrustedIssuer
from provider.work import UnitOfWork

MOST_CLIENTS = 20
"""How many clients are named that have the same kind of problem."""
MOST_STRICT = 1000
"""How many clients are looked at."""


def find_client_problems(work: UnitOfWork) -> Iterator[Finding]:
    """Yield the first problem of each client that cannot keep its profile, show its certificate, or authenticate with
    tokens of its issuer.
    """
    found = clients.find_strict(work.read, limit=MOST_STRICT)
    trusted = {each.issuer: each for each in issuers.find_all(work.read)} if found else {}
    named = 0
    for row in found:
        metadata, about = load_metadata(row.metadata), f"client {row.client_id}"
        finding = next(_problems(work, about, metadata, trusted), None)
        if finding is not None and named < MOST_CLIENTS:
            named += 1
            yield finding


def _problems(
    work: UnitOfWork, about: str, metadata: ClientMetadata, trusted: Mapping[str, TrustedIssuer]
) -> Iterator[Finding]:
    kept = fapi2.problem_with(metadata) or fapi2.problem_with_signing(metadata)
    if kept is not None:
        fix = "Change the client with `signet client update`, or remove its profile or require_signed_request_object"
        yield Finding(about, False, kept, fix)
    try:
        check_configured(metadata, work.settings.certificate_methods)
    except InvalidMetadata as unmet:
        fix = "Configure client certificates (docs/guides/mutual-tls.md), or change the client"
        yield Finding(about, False, str(unmet).removesuffix("."), fix)
    issuer = metadata.assertion_issuer
    if issuer is None:
        return
    if issuer not in trusted:
        problem = f"its assertion_issuer {issuer} is not a trusted issuer, so the client cannot authenticate"
        yield Finding(about, False, problem, "Add it with `signet issuer create`, or change the client")
    elif trusted[issuer].disabled_at is not None:
        problem = f"its assertion_issuer {issuer} is disabled, so the client cannot authenticate"
        yield Finding(about, False, problem, "Run `signet issuer enable`, or disable the client")
