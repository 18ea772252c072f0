"""The applications that have access to the user's account: list them, and withdraw their access."""

from datetime import datetime
from typing import Any

from pydantic import Field

from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.oauth.authorize.connected_apps import NotConnected, disconnect, find_connected
from provider.oauth.http.server import server_of
from provider.web.call import Call


class Consent(Body):
    """An application with access to the user's account."""

    client_id: str = Field(description="The application's client_id.")
    name: str = Field(description="The application's name.")
    scope: str = Field(description="The scopes it has, separated by spaces.")
    authorization_details: list[dict[str, Any]] = Field(
        [], description="What the user allowed in detail, such as one payment (RFC 9396)."
    )
    granted_at: datetime | None = Field(
        None, description="When the user gave consent. Absent if consent isn't needed or is asked for each time."
    )
    token_families: int = Field(description="How many authorizations have active tokens.")
    last_used: datetime | None = Field(None, description="When a token was last issued to it.")


class Consents(Body):
    """The applications with access to the user's account."""

    consents: list[Consent] = Field(description="The applications, ordered by name.")


@by_person(gives=Consents)
def list_consents(call: Call, bearer: Bearer, _body: Body) -> Consents:
    """List connected applications. These have the user's consent or active tokens, and are ordered by name."""
    return consents_of(call, bearer.user_id)


@by_person(problems=(NotConnected,))
def withdraw_consent(call: Call, bearer: Bearer, _body: Body) -> None:
    """Revoke an application's access. The consent is withdrawn and its tokens are revoked. The user is asked again next
    time.
    """
    disconnect(call.work, server_of(call), user_id=bearer.user_id, client_id=call.path_params["client_id"])


def consents_of(call: Call, user_id: str) -> Consents:
    return Consents(
        consents=[
            Consent(
                client_id=app.client_id,
                name=app.name,
                scope=" ".join(app.scopes),
                authorization_details=list(app.details),
                granted_at=app.granted_at,
                token_families=app.families,
                last_used=app.last_used,
            )
            for app in find_connected(call.work, server_of(call), user_id)
        ]
    )
