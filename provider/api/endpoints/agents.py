"""The agents that act for the user: list them, stop one or all, and allow one again."""

from datetime import datetime

from pydantic import Field

from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.oauth.authorize import connected_apps
from provider.oauth.authorize.connected_apps import NotConnected, find_connected, find_stopped
from provider.oauth.http.server import server_of
from provider.web.call import Call


class AgentApi(Body):
    """An API that an agent uses for the user."""

    name: str = Field(description="The API's name.")
    identifier: str = Field(description="The API's identifier, a URI.")


class Agent(Body):
    """An application that acts for the user without them."""

    client_id: str = Field(description="The application's client_id.")
    name: str = Field(description="The application's name.")
    scope: str = Field(description="The scopes it has, separated by spaces.")
    apis: list[AgentApi] = Field(description="The APIs it uses for the user.")
    via: str | None = Field(
        None,
        description="Whose token it used last: the client_id of an application, an issuer, or for an ID-JAG the other "
        "server. Absent if the user gave it access.",
    )
    last_used: datetime | None = Field(None, description="When it last got a token for the user.")
    expires_at: datetime | None = Field(None, description="When its access ends. Absent if it has none now.")


class StoppedAgent(Body):
    """An application that the user stopped from acting for them."""

    client_id: str = Field(description="The application's client_id.")
    name: str = Field(description="The application's name.")


class Agents(Body):
    """The agents of the user."""

    agents: list[Agent] = Field(description="The agents that can act for the user, ordered by name.")
    stopped: list[StoppedAgent] = Field(description="The agents that the user stopped, the latest first.")


@by_person(gives=Agents)
def list_agents(call: Call, bearer: Bearer, _body: Body) -> Agents:
    """List agents. These are applications that act for the user by token exchange or with assertions, and those with a
    metadata document, such as MCP clients.
    """
    work, server, user_id = call.work, server_of(call), bearer.user_id
    return Agents(
        agents=[
            Agent(
                client_id=app.client_id,
                name=app.name,
                scope=" ".join(app.scopes),
                apis=[AgentApi(name=api.name, identifier=api.identifier) for api in app.apis],
                via=None if app.delegation is None else app.delegation.via,
                last_used=app.last_used,
                expires_at=app.until,
            )
            for app in find_connected(work, server, user_id)
            if app.is_agent
        ],
        stopped=[
            StoppedAgent(client_id=client_id, name=name) for client_id, name, _ in find_stopped(work, server, user_id)
        ],
    )


@by_person()
def end_agents(call: Call, bearer: Bearer, _body: Body) -> None:
    """End the access of all agents. Their tokens are revoked, and they get no more until the user allows them again."""
    connected_apps.disconnect_agents(call.work, server_of(call), user_id=bearer.user_id)


@by_person(problems=(NotConnected,))
def end_agent(call: Call, bearer: Bearer, _body: Body) -> None:
    """End the access of an agent. Its tokens are revoked, and it gets no more until the user allows it again."""
    client_id = call.path_params["client_id"]
    connected_apps.disconnect(call.work, server_of(call), user_id=bearer.user_id, client_id=client_id)


@by_person(problems=(NotConnected,))
def restore_agent(call: Call, bearer: Bearer, _body: Body) -> None:
    """Restore an agent that the user stopped. Tokens that it had before stay revoked."""
    connected_apps.resume(call.work, user_id=bearer.user_id, client_id=call.path_params["client_id"])
