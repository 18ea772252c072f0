"""Responses in JSON."""

from collections.abc import Mapping

from starlette.responses import Response

from provider.jose.json_objects import write_json


class JsonResponse(Response):
    """A response in JSON."""

    def __init__(
        self,
        content: object,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> None:
        self.status_code = status_code
        self.background = None
        self.body = write_json(content)
        self.raw_headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(self.body)),
            *([] if headers is None else [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]),
        ]
