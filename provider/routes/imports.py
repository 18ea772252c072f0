"""The URLs of imports of users, in the admin API."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import imports


def in_api() -> list[BaseRoute]:
    get, post, all_imports, one = ["GET"], ["POST"], "/api/admin/imports", "/api/admin/imports/{import_id}"
    return [
        Route(all_imports, imports.list_imports, methods=get, name="list_imports"),
        Route(all_imports, imports.create_import, methods=post, name="create_import"),
        Route(one, imports.show_import, methods=get, name="show_import"),
        Route(f"{one}/failures", imports.list_failures, methods=get, name="list_import_failures"),
        Route(f"{one}/start", imports.start_import, methods=post, name="start_import"),
        Route(f"{one}/stop", imports.stop_import, methods=post, name="stop_import"),
    ]
