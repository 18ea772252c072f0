"""The stylesheet, the icon and the one script, from memory; their URLs change with their content."""

import mimetypes

from starlette.requests import Request
from starlette.responses import Response

from provider.resources import TEMPLATES
from provider.web.pages import asset_bytes


async def static(request: Request) -> Response:
    """A file of templates/static, by its plain name."""
    name = request.path_params["name"]
    if name not in _names():
        return Response("Not found", status_code=404, media_type="text/plain")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(asset_bytes(name), media_type=kind, headers=headers)


def _names() -> set[str]:
    return {path.name for path in (TEMPLATES / "static").iterdir()}
