"""The stylesheet, the scripts, and the files of a brand, served from memory. Their URLs change with their content."""

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from provider.resources import TEMPLATES

FOLDER = TEMPLATES / "static"
KINDS = {".woff2": "font/woff2"}
"""The media types that some machines do not know."""
FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
AS_PICTURE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""The headers of pictures. An SVG file that is opened by itself is a document, which may only display itself."""


_REFERENCE = re.compile(rb'url\("([\w.-]+)"\)')


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

    @property
    def url(self) -> str:
        return f"/static/{self.versioned}"

    def response(self) -> Response:
        is_svg = self.media_type == "image/svg+xml"
        headers = {**FOR_EVER, **(AS_PICTURE if is_svg else {})}
        return Response(self.content, media_type=self.media_type, headers=headers)


@lru_cache(maxsize=32)
def find_asset(name: str) -> Asset:
    """Return a file of templates/static."""
    kind = KINDS.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    content = (FOLDER / name).read_bytes()
    if kind == "text/css":
        content = _REFERENCE.sub(lambda match: f'url("{find_asset(match[1].decode()).versioned}")'.encode(), content)
    return Asset(name, kind, content)


class Static:
    """The endpoint for the files of templates/static and of a brand, by name."""

    def __init__(self, of_brand: Iterable[Asset]) -> None:
        everything = [*(find_asset(path.name) for path in FOLDER.iterdir() if path.is_file()), *of_brand]
        self._assets = {asset.name: asset for asset in everything}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asset = self._assets.get(scope["path_params"]["name"])
        response = PlainTextResponse("Not found", 404) if asset is None else asset.response()
        await response(scope, receive, send)
