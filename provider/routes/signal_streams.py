"""The URLs of the streams of shared signals in the admin API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.pages.clients import signals as pages
from provider.admin.signals import api


def in_api() -> list[BaseRoute]:
    """Return the routes of the admin API."""
    post, at = ["POST"], "/api/admin/signal-streams/{client_id:path}"
    return [
        Route("/api/admin/signal-streams", api.list_streams, methods=["GET"], name="list_signal_streams"),
        Route("/api/admin/signal-stream-states", api.list_states, methods=["GET"], name="list_signal_stream_states"),
        Route("/api/admin/signal-deliveries", api.list_deliveries, methods=["GET"], name="list_signal_deliveries"),
        Route(f"{at}/verify", api.verify_stream, methods=post, name="verify_signal_stream"),
        Route(f"{at}/enable", api.enable_stream, methods=post, name="enable_signal_stream"),
        Route(f"{at}/pause", api.pause_stream, methods=post, name="pause_signal_stream"),
        Route(f"{at}/disable", api.disable_stream, methods=post, name="disable_signal_stream"),
        Route(at, api.show_stream, methods=["GET"], name="show_signal_stream"),
        Route(at, api.put_stream, methods=["PUT"], name="put_signal_stream"),
        Route(at, api.delete_stream, methods=["DELETE"], name="delete_signal_stream"),
    ]


def in_console() -> list[BaseRoute]:
    """Return the routes of the console: the list, and the tab of an application's page."""
    at = "/admin/clients/client/signals"
    return [
        Route("/admin/signal-streams", pages.list_streams, methods=["GET"], name="admin_signal_streams"),
        Route(at, pages.show_stream, methods=["GET"], name="admin_client_signals"),
        Route(at, pages.save_stream, methods=["POST"], name="admin_save_client_signals"),
        Route(f"{at}/{{action}}", pages.act_on_stream, methods=["GET", "POST"], name="admin_act_on_signals"),
    ]
