"""The URLs of shared signals that receivers call (SSF 1.0 sections 7.2 and 8.1)."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.oauth.endpoints.preflight import open_preflight
from provider.ssf import endpoints
from provider.ssf.global_revocation import PATH, revoke_globally
from provider.ssf.metadata import (
    ADD_SUBJECT,
    POLLED,
    REMOVE_SUBJECT,
    STATUS,
    STREAMS,
    VERIFY,
    WELL_KNOWN,
    transmitter_metadata,
)
from provider.ssf.waiting import LongPoll
from provider.web.documents import Document


def signals(settings: Settings) -> list[BaseRoute]:
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
        Route(ADD_SUBJECT, endpoints.add_subject, methods=["POST"], name="ssf_add_subject"),
        Route(REMOVE_SUBJECT, endpoints.remove_subject, methods=["POST"], name="ssf_remove_subject"),
        Route(POLLED, LongPoll(endpoints.poll), methods=["POST"], name="ssf_poll"),
    ]
