"""The URLs of the streams of shared signals in the admin API."""

from starlette.routing import BaseRoute, Route

from provider.admin.signals import api


def in_api() -> list[BaseRoute]:
    """Return the routes of the admin API."""
    post, at = ["POST"], "/api/admin/signal-streams/{client_id:path}"
    return [
        Route("/api/admin/signal-streams", api.list_streams, methods=["GET"], name="list_signal_streams"),
        Route("/api/admin/signal-stream-states", api.list_states, methods=["GET"], name="list_signal_stream_states"),
        Route(f"{at}/enable", api.enable_stream, methods=post, name="enable_signal_stream"),
        Route(f"{at}/pause", api.pause_stream, methods=post, name="pause_signal_stream"),
        Route(f"{at}/disable", api.disable_stream, methods=post, name="disable_signal_stream"),
        Route(at, api.show_stream, methods=["GET"], name="show_signal_stream"),
        Route(at, api.delete_stream, methods=["DELETE"], name="delete_signal_stream"),
    ]
