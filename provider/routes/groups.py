"""The URLs of groups, in the admin API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import groups as api
from provider.admin.pages import groups as pages


def in_api() -> list[BaseRoute]:
    get, put, delete = ["GET"], ["PUT"], ["DELETE"]
    at, one = "/api/admin/groups", "/api/admin/groups/{group}"
    member = f"{one}/members/{{user_id}}"
    return [
        Route(at, api.list_groups, methods=get, name="list_groups"),
        Route(one, api.show_group, methods=get, name="show_group"),
        Route(one, api.put_group, methods=put, name="put_group"),
        Route(one, api.delete_group, methods=delete, name="delete_group"),
        Route(f"{one}/members", api.list_members, methods=get, name="list_group_members"),
        Route(member, api.add_member, methods=put, name="add_group_member"),
        Route(member, api.remove_member, methods=delete, name="remove_group_member"),
    ]


def in_console() -> list[BaseRoute]:
    get, post, both, at = ["GET"], ["POST"], ["GET", "POST"], pages.PATH
    return [
        Route(at, pages.list_groups, methods=get, name="admin_groups"),
        Route(f"{at}/new", pages.show_new_group, methods=get, name="admin_show_new_group"),
        Route(f"{at}/new", pages.create_group, methods=post, name="admin_create_group"),
        Route(f"{at}/group", pages.show_group, methods=get, name="admin_group"),
        Route(f"{at}/group/{{action}}", pages.act_on_group, methods=both, name="admin_act_on_group"),
    ]
