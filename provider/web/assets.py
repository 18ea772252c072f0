"""The stylesheet, the scripts, and the files of a brand, served from memory. Their URLs change with their content.

Text is sent compressed. Pages are not: what an attacker puts into one and what is secret in it, compressed together,
would reveal the secret by their length (BREACH). These files are the same for all users.
"""

import base64
import gzip
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from provider.resources import TEMPLATES
from provider.web.accept import takes_gzip

FOLDER = TEMPLATES / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
"""The media types by the ends of names. Those that Python knows depend on its version and on the system's files, which
take longer to read than all of ours.
"""
IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}
UNVERSIONED = {"cache-control": "no-cache"}
COMPRESSIBLE = {"text/css", "text/javascript", "image/svg+xml"}
AS_PICTURE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""The headers of pictures. An SVG file that is opened by itself is a document, which may only display itself."""


_REFERENCE = re.compile(rb'url\("([\w.-]+)"\)')
_COMMENT = re.compile(rb"/\*.*?\*/\n?", re.DOTALL)


@dataclass(frozen=True)
class Asset:
    """A file that pages refer to."""

    name: str
    media_type: str
    content: bytes = field(repr=False)

    @cached_property
    def versioned(self) -> str:
        """The name of the file with a version that changes with the content, so browsers may cache it forever."""
        return f"{self.name}?v={sha256(self.content).hexdigest()[:12]}"

    @cached_property
    def compressed(self) -> bytes | None:
        """The content in gzip format, or None if that would not be smaller."""
        smaller = gzip.compress(self.content, mtime=0) if self.media_type in COMPRESSIBLE else self.content
        return smaller if len(smaller) < len(self.content) else None

    @property
    def url(self) -> str:
        return f"/static/{self.versioned}"

    def response(self, version: str, accept_encoding: str = "") -> Response:
        """Return the file, compressed if that is accepted. It may be kept if its URL had this version, which is that of
        another file on a node that has not been updated yet.
        """
        headers = dict(IMMUTABLE if self.versioned == f"{self.name}?{version}" else UNVERSIONED)
        if self.media_type == "image/svg+xml":
            headers |= AS_PICTURE
        if self.compressed is not None:
            headers["vary"] = "accept-encoding"
            if takes_gzip(accept_encoding):
                headers["content-encoding"] = "gzip"
                return Response(self.compressed, media_type=self.media_type, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


@dataclass(frozen=True)
class PlacedAsset(Asset):
    """A file that pages find at a URL of its own, such as a data URL."""

    place: str

    @property
    def url(self) -> str:
        return self.place


def inline(asset: Asset) -> PlacedAsset:
    """Return the file as one that is inside the page."""
    data = f"data:{asset.media_type};base64,{base64.b64encode(asset.content).decode()}"
    return PlacedAsset(asset.name, asset.media_type, asset.content, data)


@lru_cache(maxsize=32)
def find_asset(name: str) -> Asset:
    """Return a file of templates/static."""
    kind = KINDS.get(Path(name).suffix, "application/octet-stream")
    content = (FOLDER / name).read_bytes()
    if kind == "text/css":
        content = _COMMENT.sub(b"", content)
        content = _REFERENCE.sub(lambda match: f'url("{find_asset(match[1].decode()).versioned}")'.encode(), content)
    return Asset(name, kind, content)


FindBrandAsset = Callable[[Scope, str, str], Awaitable[Asset | None]]
"""A function that returns a file of the brand, for a request, by its name and the version in its URL."""


class Static:
    """The endpoint for the files of templates/static and of a brand, by name."""

    def __init__(self, of_brand: FindBrandAsset) -> None:
        self._assets = {path.name: find_asset(path.name) for path in FOLDER.iterdir() if path.is_file()}
        self._of_brand = of_brand

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, version = scope["path_params"]["name"], scope["query_string"].decode("ascii", "replace")
        asset = self._assets.get(name) or await self._of_brand(scope, name, version)
        if asset is None:
            response: Response = PlainTextResponse("Not found", 404)
        else:
            accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
            response = asset.response(version, accepted.decode("latin-1"))
        await response(scope, receive, send)
