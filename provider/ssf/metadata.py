"""The transmitter configuration metadata: /.well-known/ssf-configuration (SSF 1.0 section 7.1)."""

from typing import Any

from provider.config.settings import Settings
from provider.signals.configuration import POLL, PUSH

WELL_KNOWN = "/.well-known/ssf-configuration"
STREAMS, STATUS, VERIFY, POLLED = "/ssf/streams", "/ssf/status", "/ssf/verify", "/ssf/poll/{stream_id}"
ADD_SUBJECT, REMOVE_SUBJECT = "/ssf/subjects/add", "/ssf/subjects/remove"


def transmitter_metadata(settings: Settings) -> dict[str, Any]:
    """Return the metadata. Members without a value are left out, not empty (section 7.2.3)."""
    issuer = settings.issuer
    return {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": issuer + STREAMS,
        "status_endpoint": issuer + STATUS,
        "add_subject_endpoint": issuer + ADD_SUBJECT,
        "remove_subject_endpoint": issuer + REMOVE_SUBJECT,
        "verification_endpoint": issuer + VERIFY,
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}, {"spec_urn": "urn:ietf:rfc:6750"}],
        "default_subjects": settings.signals_default_subjects,
    }
