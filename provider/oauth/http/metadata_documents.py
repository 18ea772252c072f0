"""Metadata documents with the declared types of authorization details, which change while a process runs.

See RFC 9396 section 10, RFC 8414 section 2 and RFC 9728 section 2.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.types import Receive, Scope, Send

from provider.refusals import Unavailable
from provider.web.documents import Document

MEMBER = "authorization_details_types_supported"


class MetadataDocument:
    """An endpoint that answers GET with metadata. The document is built anew when the declared types have changed."""

    def __init__(self, metadata: Callable[[], dict[str, Any]]) -> None:
        self._metadata = metadata
        self._names: tuple[str, ...] | None = None
        self._document = Document.of({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["app"].state
        declared = state.oauth.details_types
        if declared.is_old:
            with suppress(Unavailable):  # every thread is taken: what is known stays published
                await state.threads.ordinary.run(declared.refresh, state.installation)
        if declared.names != self._names:
            self._names = declared.names
            members = {MEMBER: list(declared.names)} if declared.names else {}
            self._document = Document.of(self._metadata() | members)
        await self._document(scope, receive, send)
