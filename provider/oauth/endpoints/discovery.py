"""The discovery document: /.well-known/openid-configuration and /.well-known/oauth-authorization-server.

Both are identical (OIDC Discovery section 4, RFC 8414 section 3).
"""

from provider.config.settings import Settings
from provider.oauth.http.metadata import provider_metadata
from provider.web.documents import Document


def discovery(settings: Settings) -> Document:
    """Return the discovery document for these settings, built once."""
    return Document.of(provider_metadata(settings))
