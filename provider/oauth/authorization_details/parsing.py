"""The parameter `authorization_details`: a JSON array of small objects, each of a declared type (RFC 9396 section 2).

Its size is limited because it is shown to a user, stored with the grant, and sent in a header as part of the token.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provider.jose.json_objects import is_deeper, read_json
from provider.jose.json_schemas import problem_with_value
from provider.languages.free_text import is_shown
from provider.oauth.authorization_details import store
from provider.oauth.authorization_details.store import DetailsType
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidAuthorizationDetailsError
from provider.work import UnitOfWork

Detail = dict[str, Any]
"""One object of authorization details."""
LONGEST = 5000
"""The longest parameter, in characters: an access token with it still fits into a header."""
MOST = 20
DEEPEST = 8
MOST_VALUES = 500
"""The largest number of values in all objects together, members and items of lists included."""


@dataclass(frozen=True)
class RequestedDetails:
    """The details that a request asks for, with their types as they are declared now."""

    values: tuple[Detail, ...] = ()
    types: Mapping[str, DetailsType] = field(default_factory=dict)

    @property
    def must_be_asked(self) -> bool:
        """Whether the user is asked although the very same was allowed before."""
        return any(one.ask_each_time for one in self.types.values())


NO_DETAILS = RequestedDetails()


def read_details(work: UnitOfWork, checks: Checks, client: Client, text: str | None) -> RequestedDetails:
    """Return the details that a client asks for. Raises InvalidAuthorizationDetailsError (RFC 9396 section 5)."""
    if text is None:
        return NO_DETAILS
    values = parse_details(checks, text)
    asked = list(dict.fromkeys(str(one["type"]) for one in values))
    known = store.find_those(work.read, asked)
    unknown = [name for name in asked if name not in known]
    checks.require(
        not unknown,
        "Each type of authorization_details is declared",
        section="RFC 9396 section 5",
        error=InvalidAuthorizationDetailsError,
        description="authorization_details has an unknown type",
        expected="types that an operator declared",
        got=", ".join(unknown),
        fix="Send only types in authorization_details_types_supported of the discovery document. An operator can "
        "declare one: `signet details-type put TYPE FILE`.",
    )
    registered = client.metadata.authorization_details_types
    excess = [name for name in asked if name not in registered]
    checks.require(
        not excess,
        "Each type of authorization_details is registered for the client",
        section="RFC 9396 section 10",
        error=InvalidAuthorizationDetailsError,
        description="This client is not registered for a type in authorization_details",
        expected=", ".join(registered) or "no types",
        got=", ".join(excess),
        fix="Register the type: `signet client update CLIENT_ID --details-type TYPE`, once for each type the client "
        "needs.",
    )
    problems = [problem for one in values if (problem := problem_with_value(known[one["type"]].json_schema, one))]
    checks.require(
        not problems,
        "authorization_details conforms to the schema of its type",
        section="RFC 9396 section 5",
        error=InvalidAuthorizationDetailsError,
        description=f"authorization_details is invalid: {problems[0] if problems else ''}",
        expected="objects that conform to the schema of their type",
        got="; ".join(problems),
        fix="Send what the schema of the type asks for. `signet details-type show TYPE` shows it.",
    )
    return RequestedDetails(values, known)


def parse_details(checks: Checks, text: str) -> tuple[Detail, ...]:
    """Return the objects in the parameter, each once, without looking up their types. Raises
    InvalidAuthorizationDetailsError.
    """
    values, problem = _parse(text)
    checks.require(
        not problem,
        "authorization_details is a JSON array of objects with a type",
        section="RFC 9396 section 2",
        error=InvalidAuthorizationDetailsError,
        description=f"authorization_details {problem}",
        expected=f"a JSON array of at most {MOST} objects and {LONGEST} characters",
        got=problem,
        fix="Send authorization_details as one URL-encoded JSON array of objects, each with a type.",
    )
    return values


def _parse(text: str) -> tuple[tuple[Detail, ...], str]:
    """Return the objects, or what is wrong with the text."""
    if len(text) > LONGEST:
        return (), f"has more than {LONGEST} characters"
    try:
        given = read_json(text)
    except ValueError:
        return (), "is not valid JSON"
    if not isinstance(given, list) or not given:
        return (), "must be a JSON array with at least one object"
    if len(given) > MOST:
        return (), f"has more than {MOST} objects"
    if not all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in given):
        return (), "must have objects with a type, which is a string"
    if is_deeper(given, DEEPEST):
        return (), f"is nested deeper than {DEEPEST} levels"
    found = list(_values(given))
    if len(found) > MOST_VALUES:
        return (), f"has more than {MOST_VALUES} values"
    if not all(is_shown(character) for one in found if isinstance(one, str) for character in one):
        return (), "contains a control character"  # users read it
    return tuple(one for place, one in enumerate(given) if one not in given[:place]), ""


def _values(value: object) -> Iterator[object]:
    """Iterate over all values and names of members within a value."""
    yield value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
