"""The URLs of upstream providers, in the admin API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import upstreams as api
from provider.admin.pages import upstreams as pages


def in_api() -> list[BaseRoute]:
    get, post, put, delete = ["GET"], ["POST"], ["PUT"], ["DELETE"]
    at, one = "/api/admin/upstreams", "/api/admin/upstreams/{upstream_id}"
    return [
        Route(at, api.list_upstreams, methods=get, name="list_upstreams"),
        Route(at, api.create_upstream, methods=post, name="create_upstream"),
        Route(one, api.show_upstream, methods=get, name="show_upstream"),
        Route(one, api.replace_upstream, methods=put, name="replace_upstream"),
        Route(one, api.delete_upstream, methods=delete, name="delete_upstream"),
        Route(f"{one}/disable", api.disable_upstream, methods=post, name="disable_upstream"),
        Route(f"{one}/signals", api.show_upstream_signals, methods=get, name="show_upstream_signals"),
        Route(
            f"{one}/signals/test", api.request_upstream_test_signal, methods=post, name="request_upstream_test_signal"
        ),
        Route(f"{one}/enable", api.enable_upstream, methods=post, name="enable_upstream"),
    ]


def in_console() -> list[BaseRoute]:
    get, post, both, at, new = ["GET"], ["POST"], ["GET", "POST"], pages.PATH, f"{pages.PATH}/new"
    return [
        Route(at, pages.list_upstreams, methods=get, name="admin_upstreams"),
        Route(new, pages.show_new_upstream, methods=get, name="admin_new_upstream"),
        Route(new, pages.create_upstream, methods=post, name="admin_create_upstream"),
        Route(f"{at}/{{upstream_id}}/{{action}}", pages.act_on_upstream, methods=both, name="admin_act_on_upstream"),
    ]
