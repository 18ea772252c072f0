"""The cookies at a protected site. Both belong to that host alone (`__Host-`), and no script can read them."""

from datetime import timedelta
from typing import NamedTuple

from starlette.responses import Response

from provider.oauth.clients.clients import Client
from provider.oauth.tokens.access_tokens import inactive_reason
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import token_grants
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.store.people import Person
from provider.web.call import Call

SITE = "signet-site"
"""The grant of the user at this site. The value is sealed, and worthless at another host."""
BROWSER = "signet-site-browser"
"""The identity of the browser at this site, to which a sign-in that was started there is bound."""
PURPOSE = "forward-auth"
LONGEST = 1000


class Visit(NamedTuple):
    """The access of a user to a protected site."""

    client: Client
    grant: Grant
    person: Person


def read_cookie(call: Call, origin: str, name: str) -> str | None:
    """Return the value of one of these cookies, or None."""
    value = call.cookies.get(_full(origin, name))
    return value if value and len(value) <= LONGEST else None


def write_cookie(response: Response, origin: str, name: str, value: str) -> None:
    """Set a cookie that ends with the browser; an empty value deletes it."""
    response.set_cookie(
        _full(origin, name),
        value,
        max_age=None if value else 0,
        path="/",
        secure=origin.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def _full(origin: str, name: str) -> str:
    return f"__Host-{name}" if origin.startswith("https:") else name


def seal_grant(call: Call, origin: str, grant: Grant) -> str:
    """Return the value of the cookie SITE, which is valid at this site for as long as the grant at most."""
    value = {"g": grant.id, "c": grant.client_id, "o": origin}
    lifetime: timedelta = grant.expires_at - call.work.now
    return call.installation.vault.seal(value, purpose=PURPOSE, now=call.work.now, lifetime=lifetime)


def find_visit(call: Call, server: AuthorizationServer, origin: str) -> Visit | None:
    """Return the visit that the cookie is of, or None if it is missing or was set at another site.

    The grant is read each time, so its access ends here as it does for every app: when the user signs out or removes
    the app, when the account or the client is disabled, or when its tokens are revoked.
    """
    text = read_cookie(call, origin, SITE)
    sealed = None if text is None else call.installation.vault.unseal(text, purpose=PURPOSE, now=call.work.now)
    if sealed is None or sealed["o"] != origin:
        return None
    client = server.clients.find(call.work, sealed["c"])
    if client is None or origin not in client.metadata.protected_sites:
        return None
    found = token_grants.find(call.work.read, sealed["g"], with_person=True)
    if found is None or found.person is None or inactive_reason(found.grant, found.state, call.work.now) is not None:
        return None
    return Visit(client, found.grant, found.person)
