"""Which APIs an access token is for (RFC 8707).

An API is a client registered with `resource_identifiers`. Who names one in `resource` gets a token that is good there
and nowhere else; who names none gets one for this installation: userinfo and our own APIs.
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
"""Below the issuer: what our APIs are called. Their tokens all have the issuer for audience."""
MOST = 20


def is_ours(issuer: str, uri: str) -> bool:
    """Does it name one of our own APIs?"""
    return uri in {issuer + path for path in OUR_OWN}


def problem_with_identifier(text: str) -> str | None:
    """Why it identifies no API (RFC 8707 section 2): an absolute URI without fragment, of a sensible length."""
    if len(text) > 512:
        return "is longer than 512 characters"
    return problem_with(text)


def read_resources(work: UnitOfWork, checks: Checks, given: str | None) -> tuple[str, ...]:
    """What an authorization request, or a client for itself, asks tokens for; the issuer for whatever is ours."""
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
    """What one token of a grant is for: those of the granted that are asked for, or all of them (section 2.2)."""
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
    """What tokens of a grant may be for. With openid, userinfo belongs to what was granted."""
    if not granted or OPENID in scope:
        return tuple(dict.fromkeys([*granted, work.settings.issuer]))
    return tuple(granted)


def _parse(work: UnitOfWork, given: str | None) -> tuple[str, ...]:
    issuer = work.settings.issuer
    return tuple(dict.fromkeys(issuer if is_ours(issuer, uri) else uri for uri in (given or "").split()))
