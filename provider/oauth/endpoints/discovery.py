"""The discovery document: /.well-known/openid-configuration and /.well-known/oauth-authorization-server.

Both are identical (OIDC Discovery section 4, RFC 8414 section 3).
"""

from functools import partial

from provider.config.settings import Settings
from provider.oauth.http.metadata import provider_metadata
from provider.oauth.http.metadata_documents import MetadataDocument


def discovery(settings: Settings) -> MetadataDocument:
    """Return the discovery document for these settings."""
    return MetadataDocument(partial(provider_metadata, settings))
