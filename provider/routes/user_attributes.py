"""The URLs of declared attributes of users: in the admin API, in the account API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import user_attributes as api
from provider.api.endpoints import attributes as account_api


def in_admin_api() -> list[BaseRoute]:
    one = "/api/admin/user-attributes/{name}"
    return [
        Route("/api/admin/user-attributes", api.list_attributes, methods=["GET"], name="list_user_attributes"),
        Route(one, api.show_attribute, methods=["GET"], name="show_user_attribute"),
        Route(one, api.put_attribute, methods=["PUT"], name="put_user_attribute"),
        Route(one, api.delete_attribute, methods=["DELETE"], name="delete_user_attribute"),
    ]


def in_account_api(*, may_change: bool) -> list[BaseRoute]:
    at = "/api/account/attributes"
    change = [Route(at, account_api.change_attributes, methods=["PATCH"], name="change_own_attributes")]
    return [
        Route(at, account_api.show_attributes, methods=["GET"], name="own_attributes"),
        *(change if may_change else []),
    ]
