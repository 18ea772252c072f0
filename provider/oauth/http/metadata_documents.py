"""Metadata documents with the declared types of authorization details, and the scopes and claims of attributes and
claim mappings. All change while a process runs.

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
        self._declared: tuple[object, ...] | None = None
        self._document = Document.of({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["app"].state
        declared = state.oauth.details_types
        if declared.is_old:
            with suppress(Unavailable):  # every thread is taken: what is known stays published
                await state.threads.ordinary.run(declared.refresh, state.installation)
        if (declared.names, declared.released) != self._declared:
            self._declared = (declared.names, declared.released)
            members = {MEMBER: list(declared.names)} if declared.names else {}
            self._document = Document.of(_with_attributes(self._metadata(), declared.released) | members)
        await self._document(scope, receive, send)


def _with_attributes(metadata: dict[str, Any], released: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return the metadata of a provider with the declared scopes and claims. That of an API has no claims."""
    if "claims_supported" not in metadata:
        return metadata
    scopes, claims = [scope for scope, _ in released], [claim for _, claim in released]
    return metadata | {
        "scopes_supported": [*dict.fromkeys([*metadata["scopes_supported"], *scopes])],
        "claims_supported": [*dict.fromkeys([*metadata["claims_supported"], *claims])],
    }
