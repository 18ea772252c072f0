"""Which authorization details a token gets: those that were granted, that the client and the types still allow, that
the request asks for, and that its APIs need (RFC 9396 sections 6, 7 and 9).

A request can only narrow what was granted. It can leave out objects, and in an object it can leave out items of the
members that are lists by definition (section 2.2). Every other member must be equal, because only a type knows what is
less (section 6.1).
"""

from collections.abc import Iterable, Mapping, Sequence

from provider.jose.json_objects import is_same
from provider.jose.json_schemas import problem_with_value
from provider.oauth.authorization_details import store
from provider.oauth.authorization_details.parsing import NO_DETAILS, Detail, RequestedDetails, parse_details
from provider.oauth.authorization_details.store import DetailsType
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.clients.resources import normalize
from provider.oauth.errors import InvalidAuthorizationDetailsError
from provider.work import UnitOfWork

LISTS = ("locations", "actions", "datatypes", "privileges")
"""The members that RFC 9396 section 2.2 defines as lists of strings."""


def narrow_details(
    work: UnitOfWork,
    checks: Checks,
    client: Client,
    given: str | None,
    *,
    granted: Iterable[Detail] | None,
    audience: Sequence[str],
) -> tuple[Detail, ...]:
    """Return the details of a token for this audience: the granted ones, or those of them that are requested. Raises
    InvalidAuthorizationDetailsError for more than was granted.
    """
    if granted is None and given is None:
        return ()
    valid, types = _still_valid(work, client, granted or ())
    asked = valid if given is None else parse_details(checks, given)
    excess = [one for one in asked if not any(is_within(one, most) for most in valid)]
    excess += [one for one in asked if one not in excess and problem_with_value(types[one["type"]].json_schema, one)]
    checks.require(
        not excess,
        "authorization_details is within what was granted",
        section="RFC 9396 section 6",
        error=InvalidAuthorizationDetailsError,
        description="authorization_details was not granted",
        expected=", ".join(str(one["type"]) for one in valid) or "no authorization_details",
        got=", ".join(str(one["type"]) for one in excess),
        fix="Leave out authorization_details to get all that was granted, or send some of the granted objects. To get "
        "more, start a new authorization request.",
    )
    return for_audience(asked, types, audience, issuer=work.settings.issuer)


def for_audience(
    details: Iterable[Detail], types: Mapping[str, DetailsType], audience: Sequence[str], *, issuer: str
) -> tuple[Detail, ...]:
    """Return the details that the APIs in the audience of a token need (RFC 9396 section 9.1).

    They are those with a location there. If there are no locations, the type names the APIs. A token for the issuer is
    for every API that trusts it, and has all details.
    """
    if issuer in audience:
        return tuple(details)
    return tuple(one for one in details if _is_for(one, types[one["type"]].resources, audience))


def for_api(work: UnitOfWork, details: Sequence[Detail], identifiers: Sequence[str]) -> list[Detail]:
    """Return the details of a token that the API with these identifiers needs (RFC 9396 section 9.2)."""
    types = store.find_those(work.read, {one["type"] for one in details})
    resources = {name: declared.resources for name, declared in types.items()}
    return [one for one in details if _is_for(one, resources.get(one["type"], ()), identifiers)]


def is_within(wanted: Detail, granted: Detail) -> bool:
    """Return whether this is no more than what was granted."""
    if wanted.keys() != granted.keys():
        return False
    return all(
        _is_some_of(wanted[name], granted[name]) if name in LISTS else is_same(wanted[name], granted[name])
        for name in granted
    )


def are_all_in(wanted: Iterable[Detail], granted: Iterable[Detail]) -> bool:
    """Return whether each of these details is among the granted ones, unchanged or narrowed."""
    known = list(granted)
    return all(any(is_within(one, most) for most in known) for one in wanted)


def still_allowed(work: UnitOfWork, client: Client, asked: Sequence[Detail]) -> RequestedDetails | None:
    """Return details that an earlier request asked for, with their types as they are declared now. Returns None if one
    of them is no longer allowed.
    """
    if not asked:
        return NO_DETAILS
    valid, types = _still_valid(work, client, asked)
    return RequestedDetails(valid, types) if len(valid) == len(asked) else None


def _still_valid(
    work: UnitOfWork, client: Client, granted: Iterable[Detail]
) -> tuple[tuple[Detail, ...], dict[str, DetailsType]]:
    """Return the granted details of types that the client is still registered for and that still allow them, and these
    types.
    """
    registered = client.metadata.authorization_details_types
    details = [one for one in granted if one["type"] in registered]
    types = store.find_those(work.read, {one["type"] for one in details}) if details else {}
    valid = (one for one in details if one["type"] in types)
    return tuple(one for one in valid if problem_with_value(types[one["type"]].json_schema, one) is None), types


def _is_some_of(wanted: object, granted: object) -> bool:
    if not (isinstance(wanted, list) and isinstance(granted, list)) or not wanted:
        return is_same(wanted, granted)
    return all(any(is_same(one, other) for other in granted) for one in wanted)


def _is_for(one: Detail, resources: Sequence[str], audience: Sequence[str]) -> bool:
    locations = one.get("locations")
    if isinstance(locations, list) and locations:
        return any(_is_below(str(location), uri) for location in locations for uri in audience)
    return not resources or not {normalize(uri) for uri in resources}.isdisjoint(map(normalize, audience))


def _is_below(location: str, resource: str) -> bool:
    """Return whether a location is the API or a path below it."""
    here, api = normalize(location), normalize(resource)
    return here == api or here.startswith(api if api.endswith("/") else f"{api}/")
