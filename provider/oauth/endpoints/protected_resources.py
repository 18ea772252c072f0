"""The metadata of our own APIs: /.well-known/oauth-protected-resource, also followed by the path of an API.

See RFC 9728 section 3.1.
"""

from functools import partial

from starlette.types import ASGIApp

from provider.config.settings import Settings
from provider.oauth.http.metadata_documents import MetadataDocument
from provider.oauth.protected_resources import resource_metadata
from provider.web.documents import Document


def protected_resource(settings: Settings, path: str) -> ASGIApp:
    """Return the metadata document of this resource. Our own APIs take no authorization details; those that trust the
    issuer do.
    """
    metadata = partial(resource_metadata, settings.issuer, path, has_mutual_tls=settings.has_mutual_tls)
    return Document.of(metadata()) if path else MetadataDocument(metadata)
