"""The URLs of provisioning, in the admin API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.pages.clients import provisioning as pages
from provider.admin.provisioning import api


def in_api() -> list[BaseRoute]:
    get, post, at = ["GET"], ["POST"], "/api/admin/provisioning/{client_id:path}"
    return [
        Route("/api/admin/provisioning", api.list_provisionings, methods=get, name="list_provisionings"),
        Route("/api/admin/provisioning-states", api.list_states, methods=get, name="list_provisioning_states"),
        Route(
            "/api/admin/users/{user_id}/provisioned", api.show_provisioned_user, methods=get, name="provisioned_user"
        ),
        Route("/api/admin/provisioned-resources", api.list_provisioned, methods=get, name="list_provisioned"),
        Route(f"{at}/disable", api.disable_provisioning, methods=post, name="disable_provisioning"),
        Route(f"{at}/enable", api.enable_provisioning, methods=post, name="enable_provisioning"),
        Route(f"{at}/resync", api.resync_provisioning, methods=post, name="resync_provisioning"),
        Route(f"{at}/retry", api.retry_provisioning, methods=post, name="retry_provisioning"),
        Route(f"{at}/test", api.check_connection, methods=post, name="test_provisioning"),
        Route(at, api.show_provisioning, methods=get, name="show_provisioning"),
        Route(at, api.put_provisioning, methods=["PUT"], name="put_provisioning"),
        Route(at, api.delete_provisioning, methods=["DELETE"], name="delete_provisioning"),
    ]


def of_client() -> list[BaseRoute]:
    """Return the routes of the tab of an application's page."""
    at = "/admin/clients/client/provisioning"
    return [
        Route(at, pages.show_provisioning, methods=["GET"], name="admin_client_provisioning"),
        Route(at, pages.save_provisioning, methods=["POST"], name="admin_save_client_provisioning"),
        Route(f"{at}/{{action}}", pages.act_on_provisioning, methods=["GET", "POST"], name="admin_act_on_provisioning"),
    ]
