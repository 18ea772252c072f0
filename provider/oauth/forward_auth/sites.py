"""Protected sites: the client of each, and whether a user may see a path of it."""

from dataclasses import replace

from provider.languages.text import Text
from provider.oauth.authorize.access_policy import Denial, denial_of, denial_of_network
from provider.oauth.clients.clients import Client
from provider.oauth.clients.protected_sites.path_rules import PathRule
from provider.oauth.clients.store import client_origins
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.people import Person
from provider.refusals import Refusal
from provider.sessions.assurance import REQUIRED_FACTORS, strictest
from provider.urls import web_origin_of
from provider.work import UnitOfWork

UNCLEAR = Text("The path of this request is ambiguous, so it is rejected.")


class NotProtected(Refusal):
    """A request about no protected site, or from someone who is not a trusted proxy."""

    code = "not-protected"
    status_code = 403
    title = Text("Not allowed")


class NoSuchSite(Refusal):
    """No application protects this site, or more than one does."""

    code = "no-such-site"
    status_code = 404
    title = Text("Site not protected")


def find_site(work: UnitOfWork, server: AuthorizationServer, url: str) -> tuple[str, Client]:
    """Return the origin of a URL, and the client that protects this site. Raises NoSuchSite."""
    origin = web_origin_of(url)
    if origin is None:
        raise NoSuchSite(Text("%(url)s is not a URL such as https://wiki.example.com/page.", url=url[:100]))
    try:
        return origin, find_client_of_site(work, server, origin)
    except NotProtected as refusal:
        raise NoSuchSite(refusal.message) from None


def find_client_of_site(work: UnitOfWork, server: AuthorizationServer, origin: str) -> Client:
    """Return the client that protects this site. Raises NotProtected if there is none, or more than one."""
    found = []
    for client_id in client_origins.find_clients(work.read, origin):
        client = server.clients.find(work, client_id)
        if client is not None and origin in client.metadata.protected_sites:
            found.append(client)
    if not found:
        raise NotProtected(Text("No application protects %(site)s.", site=origin))
    if len(found) > 1:
        names = ", ".join(sorted(client.client_id for client in found))
        raise NotProtected(Text("More than one application protects %(site)s: %(names)s.", site=origin, names=names))
    return found[0]


def level_for(client: Client, rule: PathRule | None) -> str:
    """Return the level of assurance that the site and the rule of the path require."""
    of_path = REQUIRED_FACTORS[rule.required_factor if rule else "none"]
    return strictest(REQUIRED_FACTORS[client.metadata.required_factor], of_path)


def find_denial_at(client: Client, rule: PathRule | None, person: Person, network: str) -> Denial | None:
    """Return the rule of the path that the user doesn't meet, or None. `network` is the user's address."""
    if rule is None:
        return None
    there = replace(
        client.metadata,
        allowed_roles=rule.allowed_roles,
        allowed_groups=rule.allowed_groups,
        allowed_networks=rule.allowed_networks,
    )
    return find_denial_of_site(replace(client, metadata=there), person, network)


def find_denial_of_site(client: Client, person: Person, network: str) -> Denial | None:
    """Return the rule of the client that the user doesn't meet, or None. It is the policy of every sign-in."""
    return denial_of(client, person) or denial_of_network(client, network)
