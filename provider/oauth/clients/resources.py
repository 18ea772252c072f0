"""The APIs that an access token is for (RFC 8707).

An API is a client registered with `resource_identifiers`. A request that names one in `resource` gets a token that is
valid there only. A request that names none gets one for this installation: userinfo and our own APIs.
"""

from collections.abc import Iterable, Sequence

from provider.oauth.checks import Checks
from provider.oauth.clients.redirect_uris import problem_with
from provider.oauth.clients.store import api_resources
from provider.oauth.errors import InvalidTargetError
from provider.oauth.protected_resources import SCOPES_OF_RESOURCE
from provider.oauth.scopes import OPENID
from provider.work import UnitOfWork

OUR_OWN = ("/", *SCOPES_OF_RESOURCE)
"""The paths of our own APIs, below the issuer. The audience of their tokens is the issuer."""
MOST = 20


def is_ours(issuer: str, uri: str) -> bool:
    """Return whether the URI names one of our own APIs."""
    return uri in {issuer + path for path in OUR_OWN}


def problem_with_identifier(text: str) -> str | None:
    """Return why this cannot identify an API, or None: it must be an absolute URI without fragment, of at most 512
    characters (RFC 8707 section 2).
    """
    if len(text) > 512:
        return "is longer than 512 characters"
    return problem_with(text)


def read_resources(work: UnitOfWork, checks: Checks, given: str | None) -> tuple[str, ...]:
    """Return the resources for which an authorization request, or a client for itself, requests tokens.

    Our own APIs are represented by the issuer.
    """
    asked = _parse(work, given)
    checks.require(
        len(asked) <= MOST and all(problem_with_identifier(uri) is None for uri in asked),
        "Each resource is an absolute URI without fragment",
        section="RFC 8707 section 2",
        error=InvalidTargetError,
        description="A resource is not an absolute URI without fragment",
        got=" ".join(asked),
    )
    others = [uri for uri in asked if uri != work.settings.issuer]
    known = api_resources.find_live(work.read, others) if others else set()
    checks.require(
        known.issuperset(others),
        "Each resource is an API that is registered here",
        section="RFC 8707 section 2",
        error=InvalidTargetError,
        description="A resource is not known here",
        expected="resource_identifiers of registered APIs",
        got=" ".join(uri for uri in others if uri not in known),
        fix="Register the API: `signet client create --metadata` with its URI in resource_identifiers.",
    )
    return asked


def narrow(
    work: UnitOfWork, checks: Checks, given: str | None, *, granted: Sequence[str], scope: Iterable[str]
) -> tuple[str, ...]:
    """Return the audience of one token of a grant: the granted resources that are requested, or all of them (RFC 8707
    section 2.2).
    """
    everything = whole_audience(work, granted=granted, scope=scope)
    asked = _parse(work, given)
    checks.require(
        set(asked) <= set(everything),
        "No other resource is asked for than was granted",
        section="RFC 8707 section 2.2",
        error=InvalidTargetError,
        description="A resource was not granted",
        expected=" ".join(everything),
        got=" ".join(asked),
    )
    return asked or everything


def whole_audience(work: UnitOfWork, *, granted: Sequence[str], scope: Iterable[str]) -> tuple[str, ...]:
    """Return every audience that tokens of a grant may have. With openid, userinfo is part of what was granted."""
    if not granted or OPENID in scope:
        return tuple(dict.fromkeys([*granted, work.settings.issuer]))
    return tuple(granted)


def _parse(work: UnitOfWork, given: str | None) -> tuple[str, ...]:
    issuer = work.settings.issuer
    return tuple(dict.fromkeys(issuer if is_ours(issuer, uri) else uri for uri in (given or "").split()))
