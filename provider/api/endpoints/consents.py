"""Which applications the person let in, and taking it back."""

from datetime import datetime

from pydantic import Field

from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.oauth import consent
from provider.oauth.server import AuthorizationServer
from provider.oauth.store import consents, grants
from provider.refusals import NotFound
from provider.web.endpoint import Call


class NoSuchConsent(NotFound):
    title = "No such consent"
    message = "You did not let this application in."


class Consent(Body):
    client_id: str
    name: str
    scope: str = Field(description="What it may do, as in a token response.")
    granted_at: datetime


class Consents(Body):
    consents: list[Consent]


@by_person(gives=Consents)
def list_consents(call: Call, bearer: Bearer, _body: Body) -> Consents:
    """What the person allowed, the latest first. First-party applications are not asked about."""
    server: AuthorizationServer = call.seams.oauth
    found = consents.find_of_user(call.work.read, bearer.user_id)
    named = [(one, server.clients.find(call.work, one.client_id)) for one in found]
    return Consents(
        consents=[
            Consent(client_id=one.client_id, name=client.name, scope=" ".join(one.scopes), granted_at=one.granted_at)
            for one, client in named
            if client is not None
        ]
    )


@by_person(problems=(NoSuchConsent,))
def withdraw_consent(call: Call, bearer: Bearer, _body: Body) -> None:
    """The application is asked for again next time, and every token it holds dies."""
    client_id = call.path_params["client_id"]
    server: AuthorizationServer = call.seams.oauth
    client = server.clients.find(call.work, client_id)
    if client is None or not _has(call, bearer.user_id, client_id):
        raise NoSuchConsent
    consent.withdraw(call.work, user_id=bearer.user_id, client_id=client_id)


def _has(call: Call, user_id: str, client_id: str) -> bool:
    """A consent, or tokens without one: those of a public or a first-party application."""
    if consents.find(call.work.read, user_id, client_id) is not None:
        return True
    return grants.has_live(call.work.read, user_id, client_id, now=call.work.now)
