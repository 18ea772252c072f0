"""Who may sign in to an app: the roles, groups and networks that its registration allows.

Each rule that is set must be met, and one of its values is enough. It holds for each sign-in, and for what an app gets
later at the token endpoint in the name of the user; the network only where the user is, not where a server of the app
asks. What level a sign-in must have is `required_factor`.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from authlib.oauth2 import OAuth2Error

from provider.languages.text import Text
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidGrantError
from provider.oauth.tokens.claims import roles_for
from provider.oauth.tokens.store import people
from provider.oauth.tokens.store.people import Person
from provider.sessions.assurance import REQUIRED_FACTORS, is_at_least, level_of
from provider.work import UnitOfWork

SECTION = "RFC 6749 section 4.1.2.1"


@dataclass(frozen=True)
class Denial:
    """The rule that a user doesn't meet. `text` is for the user, and the rest for explanations."""

    rule: str
    """The member of the client's metadata."""
    text: Text
    why: str
    check: str
    expected: str
    got: str
    fix: str


def find_denial(work: UnitOfWork, client: Client, user_id: str, *, here: bool = True) -> Denial | None:
    """Return the rule that stops this user from signing in to the app, or None. Without `here`, the request does not
    come from where the user is.
    """
    metadata = client.metadata
    if not (metadata.allowed_roles or metadata.allowed_groups or metadata.allowed_networks):
        return None
    person = people.find(work.read, user_id)
    denied = None if person is None else denial_of(client, person)
    return denied or (denial_of_network(client, work.origin.network) if here else None)


def denial_of(client: Client, person: Person) -> Denial | None:
    """Return the rule about roles and groups that this user doesn't meet, or None."""
    metadata = client.metadata
    roles = roles_for(person.effective_roles, client.client_id) if metadata.allowed_roles else []
    if metadata.allowed_roles and set(metadata.allowed_roles).isdisjoint(roles):
        names = ", ".join(metadata.allowed_roles)
        return Denial(
            rule="allowed_roles",
            text=Text("You need one of these roles to use it: %(names)s.", names=names),
            why="the user has none of the roles that the client allows",
            check="The user has a role that the client allows (allowed_roles)",
            expected=names,
            got=", ".join(roles) or "no roles",
            fix="Give the user, or a group of the user, one of these roles, or change allowed_roles of the client.",
        )
    if metadata.allowed_groups and set(metadata.allowed_groups).isdisjoint(person.groups):
        names = ", ".join(metadata.allowed_groups)
        return Denial(
            rule="allowed_groups",
            text=Text("You need to be in one of these groups to use it: %(names)s.", names=names),
            why="the user is in none of the groups that the client allows",
            check="The user is in a group that the client allows (allowed_groups)",
            expected=names,
            got=", ".join(person.groups) or "no groups",
            fix="Add the user with `signet group add GROUP USER`, or change allowed_groups of the client.",
        )
    return None


def denial_of_network(client: Client, address: str) -> Denial | None:
    """Return the rule about networks that this address doesn't meet, or None."""
    allowed = client.metadata.allowed_networks
    if not allowed or _is_within(address, allowed):
        return None
    return Denial(
        rule="allowed_networks",
        text=Text("You can't use it from your current network, %(network)s.", network=address or "?"),
        why="the user's network is none that the client allows",
        check="The user's network is one that the client allows (allowed_networks)",
        expected=", ".join(allowed),
        got=address or "an unknown network",
        fix="Sign in from an allowed network, or change allowed_networks of the client. If every address is that of a "
        "proxy, set SIGNET_TRUSTED_PROXIES.",
    )


def _is_within(address: str, allowed: tuple[str, ...]) -> bool:
    try:
        given = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(given, "ipv4_mapped", None)
    return any((mapped or given) in network for network in _networks(allowed))


@lru_cache(maxsize=256)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts)


def require_access(checks: Checks, denied: Denial | None, *, error: type[OAuth2Error], section: str = SECTION) -> None:
    """Note the check that the user may sign in to the app. Raises `error` if a rule denies it."""
    checks.require(
        denied is None,
        "The user may sign in to this client" if denied is None else denied.check,
        section=section,
        error=error,
        description="" if denied is None else f"The user may not sign in to this client: {denied.why}",
        expected="" if denied is None else denied.expected,
        got="" if denied is None else denied.got,
        fix="" if denied is None else denied.fix,
    )


def require_access_without_user(
    checks: Checks, client: Client, person: Person | None, amr: str, *, section: str, fix: str
) -> None:
    """Check, where the app asks for tokens without its user, that the user may still sign in to it, and signed in with
    the factor that it requires. `amr` is how they did, and `fix` is what to do if that was not enough.

    Raises InvalidGrantError.
    """
    metadata = client.metadata
    if metadata.allowed_roles or metadata.allowed_groups:
        denied = None if person is None else denial_of(client, person)
        require_access(checks, denied, error=InvalidGrantError, section=section)
    if metadata.required_factor != "none":
        needed, level = REQUIRED_FACTORS[metadata.required_factor], level_of(amr)
        checks.require(
            is_at_least(level, needed),
            "The user signed in with what the client requires (required_factor)",
            section=section,
            error=InvalidGrantError,
            description="The user must sign in again, with what this client requires",
            expected=needed,
            got=level,
            fix=fix,
        )
