"""The metadata of our own APIs: /.well-known/oauth-protected-resource, also followed by the path of an API.

See RFC 9728 section 3.1.
"""

from provider.config.settings import Settings
from provider.oauth.protected_resources import resource_metadata
from provider.web.documents import Document


def protected_resource(settings: Settings, path: str) -> Document:
    """Return the metadata document of this resource, built once."""
    return Document.of(resource_metadata(settings.issuer, path, has_mutual_tls=settings.has_mutual_tls))
