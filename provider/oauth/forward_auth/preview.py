"""Whether a user would see a page of a protected site, by the rules that answer the proxy. Nothing is changed."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from provider.accounts.store.users import Status, User
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.oauth.clients.protected_sites.path_rules import UnclearPath, find_rule
from provider.oauth.forward_auth.sites import (
    UNCLEAR,
    find_denial_at,
    find_denial_of_site,
    find_site,
    level_for,
)
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import people
from provider.work import UnitOfWork

SUSPENDED = Text("This account is suspended.")


@dataclass(frozen=True)
class Verdict:
    """The answer that a proxy would get about a request of a user who is signed in."""

    client_id: str
    allowed: bool
    reason: Text | None
    """Why the request is rejected."""
    rule: str | None
    """The path whose rule applies."""
    needs_sign_in: bool
    level: str
    """The level of assurance (`acr`) that the sign-in must have."""
    networks: tuple[str, ...]
    """The networks that the user must be in, if the preview names no address."""


def preview(work: UnitOfWork, server: AuthorizationServer, *, user: User, url: str, network: str | None) -> Verdict:
    """Return the answer about a page of a site for a user, from an address if it is given. Raises NoSuchSite."""
    _, client = find_site(work, server, url)
    parts = urlsplit(url)
    try:
        rule = find_rule(client.metadata, parts.path or "/")
    except UnclearPath:
        return _verdict(client, UNCLEAR, None, level=level_for(client, None))
    level = level_for(client, rule)
    if rule is not None and rule.bypass:
        return _verdict(client, None, rule.path, level=level, needs_sign_in=False)
    networks = () if network else client.metadata.allowed_networks + (rule.allowed_networks if rule else ())
    judged, at = client, rule
    if not network:  # the address is not known, so its rules are listed instead
        judged = replace(client, metadata=replace(client.metadata, allowed_networks=()))
        at = None if rule is None else replace(rule, allowed_networks=())
    person = people.find(work.read, user.id)
    denied = None
    if person is not None:
        denied = find_denial_of_site(judged, person, network or "") or find_denial_at(judged, at, person, network or "")
    reason = None if denied is None else denied.text
    if person is None or user.status == Status.SUSPENDED:
        reason = SUSPENDED
    path = None if rule is None else rule.path
    return _verdict(client, reason, path, level=level, networks=tuple(dict.fromkeys(networks)))


def _verdict(
    client: Client,
    reason: Text | None,
    rule: str | None,
    *,
    level: str,
    needs_sign_in: bool = True,
    networks: tuple[str, ...] = (),
) -> Verdict:
    return Verdict(client.client_id, reason is None, reason, rule, needs_sign_in, level, networks)
