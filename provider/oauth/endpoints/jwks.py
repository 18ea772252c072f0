"""The public keys (RFC 7517 section 5), served from memory. They stay available when the database is down."""

import time
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from provider.database.engine import OUTAGES
from provider.oauth.keys.copies import Copies
from provider.oauth.keys.key_ring import KeyRing
from provider.oauth.tokens.server import AuthorizationServer
from provider.observability.logging import log
from provider.refusals import Unavailable
from provider.web import errors
from provider.web.call import Call
from provider.web.documents import Document
from provider.work import unit_of_work


class Jwks:
    """The endpoint GET /oauth2/jwks. It looks for new keys every SIGNET_KEY_CACHE seconds, in a thread.

    A key that is used before it is published is looked for at once.
    """

    def __init__(self) -> None:
        self._document: Document | None = None
        self._ring: KeyRing | None = None
        self._until = 0.0
        self._copies = Copies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["app"].state
        if self._document is None or time.monotonic() >= self._until or state.oauth.keys.is_outdated:
            self._publish(state.oauth.keys.known)
            self._until = time.monotonic() + state.installation.settings.key_cache
            with suppress(Unavailable):  # every thread is taken: what is known stays published
                await state.threads.ordinary.run(self._refresh, state.oauth)
        if self._document is None:  # the database has been away since this service began
            response = errors.as_json(Call(scope, b"", scope["app"].state.installation), Unavailable())
            await response(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"if-none-match" and value != self._document.etag:
                self._note_copy(scope, value)
        await self._document(scope, receive, send)

    def _note_copy(self, scope: Scope, tags: bytes) -> None:
        """Note who replaces an old copy of the key set, for the rotation of the keys."""
        ring, installation = self._ring, scope["app"].state.installation
        if ring is not None:
            origin, longest = Call(scope, b"", installation).origin, installation.settings.shortest_key_lead
            self._copies.note(tags, ring.watched, origin, now=installation.clock(), longest=longest)

    def _refresh(self, server: AuthorizationServer) -> None:
        try:
            with unit_of_work(server.installation) as work:
                self._publish(server.keys.ring(work))
        except OUTAGES:
            log.warning("jwks.unavailable" if self._document is None else "jwks.served_from_memory")

    def _publish(self, ring: KeyRing | None) -> None:
        if ring is not None and ring is not self._ring:
            self._ring = ring
            self._document = Document(ring.jwks, ring.etag)
