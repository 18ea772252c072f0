"""The URLs of declared attributes of users: in the admin API, in the account API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import user_attributes as api
from provider.admin.pages.declarations import attributes as pages
from provider.admin.pages.users import attributes as of_users
from provider.api.endpoints import attributes as account_api


def in_admin_api() -> list[BaseRoute]:
    one = "/api/admin/user-attributes/{name}"
    return [
        Route("/api/admin/user-attributes", api.list_attributes, methods=["GET"], name="list_user_attributes"),
        Route(one, api.show_attribute, methods=["GET"], name="show_user_attribute"),
        Route(one, api.put_attribute, methods=["PUT"], name="put_user_attribute"),
        Route(one, api.delete_attribute, methods=["DELETE"], name="delete_user_attribute"),
    ]


def in_console() -> list[BaseRoute]:
    get, post, at, one = ["GET"], ["POST"], pages.PATH, f"{pages.PATH}/attribute/{{name}}"
    of_user = "/admin/users/{user_id}/attributes"
    return [
        Route(of_user, of_users.show_attributes, methods=get, name="admin_user_attributes"),
        Route(of_user, of_users.save_attributes, methods=post, name="admin_save_user_attributes"),
        Route(at, pages.list_attributes, methods=get, name="admin_attributes"),
        Route(f"{at}/new", pages.show_new_attribute, methods=get, name="admin_show_new_attribute"),
        Route(f"{at}/new", pages.create_attribute, methods=post, name="admin_create_attribute"),
        Route(one, pages.show_attribute, methods=get, name="admin_attribute"),
        Route(one, pages.save_attribute, methods=post, name="admin_save_attribute"),
        Route(f"{one}/{{action}}", pages.act_on_attribute, methods=["GET", "POST"], name="admin_act_on_attribute"),
    ]


def in_account_api(*, may_change: bool) -> list[BaseRoute]:
    at = "/api/account/attributes"
    change = [Route(at, account_api.change_attributes, methods=["PATCH"], name="change_own_attributes")]
    return [
        Route(at, account_api.show_attributes, methods=["GET"], name="own_attributes"),
        *(change if may_change else []),
    ]
