"""The URLs of shared signals: those that receivers call (SSF 1.0 sections 7.2 and 8.1), and those of operators."""

from starlette.routing import BaseRoute, Route

from provider.admin.signals import api
from provider.config.settings import Settings
from provider.oauth.endpoints.preflight import open_preflight
from provider.ssf import endpoints
from provider.ssf.global_revocation import PATH, revoke_globally
from provider.ssf.metadata import POLLED, STATUS, STREAMS, VERIFY, WELL_KNOWN, transmitter_metadata
from provider.web.documents import Document


def for_receivers(settings: Settings) -> list[BaseRoute]:
    """Return the routes that receivers call."""
    every = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    metadata = Document.of(transmitter_metadata(settings))
    return [
        Route(WELL_KNOWN, metadata, methods=["GET"], name="ssf_configuration"),
        Route(WELL_KNOWN, open_preflight, methods=["OPTIONS"], name="ssf_configuration_preflight"),
        Route(STREAMS, endpoints.stream_configuration, methods=every, name="ssf_streams"),
        Route(STATUS, endpoints.stream_status, methods=["GET", "POST"], name="ssf_status"),
        Route(VERIFY, endpoints.verification, methods=["POST"], name="ssf_verify"),
        Route(PATH, revoke_globally, methods=["POST"], name="global_token_revocation"),
        Route(POLLED, endpoints.poll, methods=["POST"], name="ssf_poll"),
    ]


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
