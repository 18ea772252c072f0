"""Which applications hold something of the person, and taking it back."""

from datetime import datetime

from pydantic import Field

from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.oauth.authorize.connected_apps import NotConnected, disconnect, find_connected
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
    """Applications with a consent or with tokens that count, by name."""
    return consents_of(call, bearer.user_id)


@by_person(problems=(NotConnected,))
def withdraw_consent(call: Call, bearer: Bearer, _body: Body) -> None:
    """The application is asked for again next time, and every token it holds dies."""
    disconnect(call.work, call.seams.oauth, user_id=bearer.user_id, client_id=call.path_params["client_id"])


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
            for app in find_connected(call.work, call.seams.oauth, user_id)
        ]
    )
