"""/.well-known/oauth-protected-resource, and the same with the path of one of our APIs behind it (RFC 9728 section
3.1).
"""

import json
from hashlib import sha256

from provider.config.settings import Settings
from provider.oauth.protected_resources import resource_metadata
from provider.web.documents import Document


def protected_resource(settings: Settings, path: str) -> Document:
    """The document of this resource, made once."""
    body = json.dumps(resource_metadata(settings.issuer, path), indent=1).encode()
    return Document(body, f'"{sha256(body).hexdigest()[:16]}"')
