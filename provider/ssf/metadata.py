"""The transmitter configuration metadata: /.well-known/ssf-configuration (SSF 1.0 section 7.1)."""

from typing import Any

from provider.config.settings import Settings
from provider.signals.configuration import POLL, PUSH

WELL_KNOWN = "/.well-known/ssf-configuration"
STREAMS, STATUS, VERIFY, POLLED = "/ssf/streams", "/ssf/status", "/ssf/verify", "/ssf/poll/{stream_id}"


def transmitter_metadata(settings: Settings) -> dict[str, Any]:
    """Return the metadata. Each stream has all users that its client knows, so there are no endpoints for subjects."""
    issuer = settings.issuer
    return {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": issuer + STREAMS,
        "status_endpoint": issuer + STATUS,
        "verification_endpoint": issuer + VERIFY,
        "critical_subject_members": [],
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}, {"spec_urn": "urn:ietf:rfc:6750"}],
        "default_subjects": "ALL",
    }
