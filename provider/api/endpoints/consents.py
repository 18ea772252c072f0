"""The applications that have access to the user's account: list them, and withdraw their access."""

from datetime import datetime

from pydantic import Field

from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.oauth.authorize.connected_apps import NotConnected, disconnect, find_connected
from provider.oauth.http.server import server_of
from provider.web.call import Call


class Consent(Body):
    client_id: str
    name: str
    scope: str = Field(description="What it may do, as in a token response.")
    granted_at: datetime | None = Field(None, description="Absent: nothing was asked, or it is asked each time.")
    token_families: int = Field(description="Approvals whose tokens still count.")
    last_used: datetime | None = None


class Consents(Body):
    consents: list[Consent]


@by_person(gives=Consents)
def list_consents(call: Call, bearer: Bearer, _body: Body) -> Consents:
    """List the applications the user connected: those with a consent or with active tokens, by name."""
    return consents_of(call, bearer.user_id)


@by_person(problems=(NotConnected,))
def withdraw_consent(call: Call, bearer: Bearer, _body: Body) -> None:
    """Withdraw the consent to an application. Its tokens are revoked, and the user is asked again next time."""
    disconnect(call.work, server_of(call), user_id=bearer.user_id, client_id=call.path_params["client_id"])


def consents_of(call: Call, user_id: str) -> Consents:
    return Consents(
        consents=[
            Consent(
                client_id=app.client_id,
                name=app.name,
                scope=" ".join(app.scopes),
                granted_at=app.granted_at,
                token_families=app.families,
                last_used=app.last_used,
            )
            for app in find_connected(call.work, server_of(call), user_id)
        ]
    )
