"""The APIs that an access token is for (RFC 8707).

An API is a client registered with `resource_identifiers`. A request that names one in `resource` gets a token that is
valid there only. A request that names none gets one for this installation: userinfo and our own APIs.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from provider.oauth.checks import Checks
from provider.oauth.clients.redirect_uris import problem_with
from provider.oauth.clients.store import api_resources
from provider.oauth.errors import InvalidTargetError
from provider.oauth.protected_resources import SCOPES_OF_RESOURCE
from provider.oauth.scopes import OPENID
from provider.urls import origin_of
from provider.work import UnitOfWork

OUR_OWN = ("", "/", *SCOPES_OF_RESOURCE)
"""The paths of our own APIs, below the issuer. The audience of their tokens is the issuer."""
MOST = 20


@lru_cache(maxsize=1024)
def normalize(uri: str) -> str:
    """Return the URI in the form in which resources are compared (RFC 3986 sections 6.2.2.1 and 6.2.3).

    The origin is in its normal form, and an empty path is `/`. A URI without a host, such as a URN, is returned as it
    is.
    """
    origin, rest = _split(uri)
    return uri if origin is None else origin + (rest if rest.startswith("/") else f"/{rest}")


def spellings(uri: str) -> tuple[str, ...]:
    """Return the spellings under which this resource may be registered: with `/` as its path, or with none."""
    normal = normalize(uri)
    origin, rest = _split(normal)
    if origin is None or (rest != "/" and not rest.startswith("/?")):
        return (normal,)
    return (normal, origin + rest.removeprefix("/"))


def _split(uri: str) -> tuple[str | None, str]:
    """Return the origin of a URI, or None, and what follows it."""
    parts = _AFTER_ORIGIN.fullmatch(uri)
    return (None, uri) if parts is None else (origin_of(uri), parts[1])


_AFTER_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#@]+(.*)")


def name_one_of(audience: Iterable[str], identifiers: Iterable[str]) -> bool:
    """Return whether one of these URIs is the same resource as one of the others."""
    return not set(map(normalize, audience)).isdisjoint(map(normalize, identifiers))


def is_ours(issuer: str, uri: str) -> bool:
    """Return whether the URI names one of our own APIs."""
    return name_one_of([uri], (issuer + path for path in OUR_OWN))


def problem_with_identifier(text: str) -> str | None:
    """Return why this cannot identify an API, or None: it must be an absolute URI without fragment, of at most 512
    characters (RFC 8707 section 2), and written as it is looked up.
    """
    if len(text) > 512:
        return "is longer than 512 characters"
    problem = problem_with(text)
    if problem is None and text not in spellings(text):
        return f"must be written as {normalize(text)}"
    return problem


def read_resources(work: UnitOfWork, checks: Checks, given: str | None) -> tuple[str, ...]:
    """Return the resources for which an authorization request, or a client for itself, requests tokens.

    Our own APIs are represented by the issuer, all others by the identifier that is registered.
    """
    asked = _parse(work, given)
    checks.require(
        len(asked) <= MOST and all(problem_with_identifier(uri) is None for uri in asked),
        "Each resource is an absolute URI without a fragment",
        section="RFC 8707 section 2",
        error=InvalidTargetError,
        description=f"resource must be an absolute URI without a fragment, at most {MOST} times",
        expected=f"at most {MOST} absolute URIs without a fragment",
        got=" ".join(asked.values()) or "nothing",
        fix="Send each resource as an absolute URI without a fragment, such as https://api.example.com/.",
    )
    others = {normal: uri for normal, uri in asked.items() if uri != work.settings.issuer}
    registered = (
        api_resources.find_live(work.read, [one for uri in others for one in spellings(uri)]) if others else set()
    )
    known = {normalize(uri): uri for uri in registered}
    checks.require(
        known.keys() >= others.keys(),
        "Each resource is a registered API",
        section="RFC 8707 section 2",
        error=InvalidTargetError,
        description="resource is not registered as an API",
        expected="resource_identifiers of a registered API",
        got=" ".join(uri for normal, uri in others.items() if normal not in known),
        fix="Register the API: `signet client create --type api --resource URI`.",
    )
    return tuple(known.get(normal, uri) for normal, uri in asked.items())


def narrow(
    work: UnitOfWork, checks: Checks, given: str | None, *, granted: Sequence[str], scope: Iterable[str]
) -> tuple[str, ...]:
    """Return the audience of one token of a grant: the granted resources that are requested, or all of them (RFC 8707
    section 2.2).
    """
    everything = whole_audience(work, granted=granted, scope=scope)
    asked, granted_as = _parse(work, given), {normalize(uri): uri for uri in everything}
    checks.require(
        asked.keys() <= granted_as.keys(),
        "Each resource was granted",
        section="RFC 8707 section 2.2",
        error=InvalidTargetError,
        description="resource was not granted",
        expected=" ".join(everything),
        got=" ".join(asked.values()) or "nothing",
        fix="Request a resource that was granted, or start a new authorization request with this one.",
    )
    return tuple(granted_as[normal] for normal in asked) or everything


def whole_audience(work: UnitOfWork, *, granted: Sequence[str], scope: Iterable[str]) -> tuple[str, ...]:
    """Return every audience that tokens of a grant may have. With openid, userinfo is part of what was granted."""
    if not granted or OPENID in scope:
        return tuple(dict.fromkeys([*granted, work.settings.issuer]))
    return tuple(granted)


def _parse(work: UnitOfWork, given: str | None) -> dict[str, str]:
    """Return the requested resources by their normal form, each once."""
    if not given:
        return {}
    issuer = work.settings.issuer
    uris = (issuer if is_ours(issuer, uri) else uri for uri in given.split())
    return {normalize(uri): uri for uri in uris}
