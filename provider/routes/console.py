"""The URLs of the operators' console."""

from starlette.routing import BaseRoute, Route

from provider.admin.pages import client_edit, clients, explanation, users


def console() -> list[BaseRoute]:
    """An act on a thing is below the thing; the static addresses come first."""
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    return [
        Route("/admin/users", users.list_users, methods=get, name="admin_users"),
        Route("/admin/users/new", users.show_new_user, methods=get, name="admin_show_new_user"),
        Route("/admin/users/new", users.create_user, methods=post, name="admin_create_user"),
        Route("/admin/users/{user_id}", users.show_user, methods=get, name="admin_user"),
        Route("/admin/users/{user_id}/{act}", users.act_on_user, methods=both, name="admin_act_on_user"),
        Route("/admin/clients", clients.list_clients, methods=get, name="admin_clients"),
        Route("/admin/clients/new", clients.show_new_client, methods=get, name="admin_show_new_client"),
        Route("/admin/clients/new", clients.create_client, methods=post, name="admin_create_client"),
        Route("/admin/clients/client", clients.show_client, methods=get, name="admin_client"),
        Route("/admin/clients/client/{act}", clients.act_on_client, methods=both, name="admin_act_on_client"),
        Route("/admin/clients/edit", client_edit.show_edit, methods=get, name="admin_show_edit_client"),
        Route("/admin/clients/edit", client_edit.edit, methods=post, name="admin_edit_client"),
        Route("/admin/explain", explanation.explanation, methods=get, name="explanation"),
    ]
