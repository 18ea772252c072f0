"""The URLs of trusted issuers, in the admin API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import trusted_issuers as api
from provider.admin.pages import trusted_issuers as pages


def in_api() -> list[BaseRoute]:
    get, post, put, delete = ["GET"], ["POST"], ["PUT"], ["DELETE"]
    at, one = "/api/admin/trusted-issuers", "/api/admin/trusted-issuers/{issuer_id}"
    return [
        Route(at, api.list_trusted_issuers, methods=get, name="list_trusted_issuers"),
        Route(at, api.create_trusted_issuer, methods=post, name="create_trusted_issuer"),
        Route(one, api.show_trusted_issuer, methods=get, name="show_trusted_issuer"),
        Route(one, api.replace_trusted_issuer, methods=put, name="replace_trusted_issuer"),
        Route(one, api.delete_trusted_issuer, methods=delete, name="delete_trusted_issuer"),
        Route(f"{one}/disable", api.disable_trusted_issuer, methods=post, name="disable_trusted_issuer"),
        Route(f"{one}/enable", api.enable_trusted_issuer, methods=post, name="enable_trusted_issuer"),
    ]


def in_console() -> list[BaseRoute]:
    get, post, both, at = ["GET"], ["POST"], ["GET", "POST"], pages.PATH
    return [
        Route(at, pages.list_trusted_issuers, methods=get, name="admin_trusted_issuers"),
        Route(at, pages.create_trusted_issuer, methods=post, name="admin_create_trusted_issuer"),
        Route(f"{at}/{{issuer_id}}/{{action}}", pages.act_on_trusted_issuer, methods=both, name="admin_act_on_issuer"),
    ]
