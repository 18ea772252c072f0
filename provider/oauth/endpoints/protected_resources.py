"""The metadata of our own APIs: /.well-known/oauth-protected-resource, also followed by the path of an API.

See RFC 9728 section 3.1.
"""

import json
from hashlib import sha256

from provider.config.settings import Settings
from provider.oauth.protected_resources import resource_metadata
from provider.web.documents import Document


def protected_resource(settings: Settings, path: str) -> Document:
    """Return the metadata document of this resource, built once."""
    body = json.dumps(resource_metadata(settings.issuer, path), indent=1).encode()
    return Document(body, f'"{sha256(body).hexdigest()[:16]}"')
