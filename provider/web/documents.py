"""A cacheable JSON document served from memory, with its ETag: discovery and the key set."""

import json
from hashlib import sha256

from starlette.types import Receive, Scope, Send

from provider.config.settings import DOCUMENT_MAX_AGE

HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", f"public, max-age={int(DOCUMENT_MAX_AGE.total_seconds())}".encode()),
    (b"access-control-allow-origin", b"*"),
]


class Document:
    """An endpoint that answers GET with stored bytes, or 304 if the caller has them already."""

    def __init__(self, body: bytes, etag: str) -> None:
        self.etag = etag.encode()
        self.headers = [*HEADERS, (b"etag", self.etag)]
        self.body = body
        self.full = [*self.headers, (b"content-length", str(len(body)).encode())]

    @classmethod
    def of(cls, content: object) -> "Document":
        """Return the endpoint of a document that stays the same as long as the process runs."""
        body = json.dumps(content, indent=1).encode()
        return cls(body, f'"{sha256(body).hexdigest()[:16]}"')

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        lines = [value for name, value in scope["headers"] if name == b"if-none-match"]
        if lines and self._is_among(b",".join(lines)):
            await send({"type": "http.response.start", "status": 304, "headers": self.headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.full})
        await send({"type": "http.response.body", "body": self.body if scope["method"] != "HEAD" else b""})

    def _is_among(self, tags: bytes) -> bool:
        """Return whether these entity tags include that of the document (RFC 9110 section 13.1.2)."""
        known = [tag.strip() for tag in tags.split(b",")]
        return b"*" in known or any(tag.removeprefix(b"W/") == self.etag for tag in known)
