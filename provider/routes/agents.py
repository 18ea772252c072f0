"""The URLs of agents in the account API."""

from starlette.routing import BaseRoute, Route

from provider.api.endpoints import agents


def in_api() -> list[BaseRoute]:
    at, one = "/api/account/agents", "/api/account/agents/{client_id:path}"
    return [
        Route(at, agents.list_agents, methods=["GET"], name="list_agents"),
        Route(at, agents.end_agents, methods=["DELETE"], name="end_agents"),
        Route(f"{one}/restore", agents.restore_agent, methods=["POST"], name="restore_agent"),
        Route(one, agents.end_agent, methods=["DELETE"], name="end_agent"),
    ]
