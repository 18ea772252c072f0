"""Middleware around every request: an id, the host check, security headers with a CSP nonce, and an answer if
everything else failed. Pure ASGI.
"""

import os
from collections.abc import Callable, Iterable

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provider.config.settings import Settings
from provider.observability.request_id import REQUEST_ID
from provider.web.headers import RequestHeaders
from provider.web.hosts import KnownHosts

ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
HSTS = ((b"strict-transport-security", b"max-age=31536000"),)
UNFRAMED = (
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
FRAMED_HERE = ((b"x-frame-options", b"SAMEORIGIN"), *UNFRAMED[1:])
SANDBOXED = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    b"sandbox; frame-ancestors 'self'"
)
"""The policy of a foreign document inside of a page, such as an email: nothing runs, and nothing is loaded."""
ON_PAGES = ((b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),)


SINGLE = frozenset({b"content-type", b"origin", b"sec-fetch-site", b"access-control-request-method"})
"""Headers that have one value (RFC 9110 section 5.5) and decide something.

`Host` and `Authorization` are checked where they are read.
"""


class Envelope:
    """Middleware that gives each request its id and nonce and adds the headers to every response.

    It rejects requests for another host, and those with two values of a header that has one. If the app raises an error
    before it answers, `last_resort` answers for it.
    """

    def __init__(self, app: ASGIApp, settings: Settings, last_resort: Callable[[Scope, Exception], Response]) -> None:
        self.app = app
        self.always = [*ALWAYS, *(HSTS if settings.secure else ())]
        self.issuer = settings.issuer
        self.hosts = KnownHosts(settings)
        self.last_resort = last_resort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        random = os.urandom(18).hex()
        state["request_id"] = request_id = random[:16]
        state["nonce"] = random[16:]
        state["headers"] = headers = RequestHeaders(scope["headers"])
        REQUEST_ID.set(request_id)
        answered = False

        async def send_with_headers(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                message["headers"] = self._headers(scope, message["headers"])
                answered = True
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            if not answered:
                await self.last_resort(scope, error)(scope, receive, send_with_headers)
            raise  # for the server's log

    def _refusal(self, scope: Scope, headers: RequestHeaders) -> Response | None:
        """Return the response to a request that is not for us, or that means two things, else None."""
        hosts = headers.lines(b"host")
        is_ours = len(hosts) == 1 and hosts[0] in self.hosts
        # Balancers and orchestrators ask by address.
        if not is_ours and (len(hosts) > 1 or not scope["path"].startswith("/health/")):
            # No URL of ours is ever made from Host; answering for another name would only help whoever points it here.
            return PlainTextResponse(f"This is {self.issuer}. It does not answer for another host.", 421)
        if headers.repeated:
            for name in sorted(SINGLE & headers.repeated.keys()):
                if len(set(headers.repeated[name])) > 1:
                    text = f"The header {name.decode()} was sent more than once, with different values."
                    return PlainTextResponse(text, 400)
        return None

    def _headers(self, scope: Scope, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        state = scope["state"]
        headers = [*given, (b"x-request-id", state["request_id"].encode()), *self.always]
        if scope["app"].state.stopping:
            headers.append((b"connection", b"close"))  # a proxy that keeps connections makes its next one elsewhere
        if dict(headers).get(b"content-type", b"").startswith(b"text/html"):
            targets = " ".join(state.get("form_targets", ("'self'",)))
            images = " ".join(("'self'", "data:", *state.get("image_sources", ())))
            frames = " ".join(state.get("frame_sources", ())) or "'none'"
            policy = (
                f"default-src 'none'; style-src 'self'; font-src 'self'; img-src {images}; "
                f"script-src 'nonce-{state['nonce']}'; "
                f"connect-src 'self'; frame-src {frames}; form-action {targets}; base-uri 'none'"
            )
            if state.get("sandboxed"):
                headers += [(b"content-security-policy", SANDBOXED), *FRAMED_HERE, *ON_PAGES]
            elif state.get("framable"):
                headers += [(b"content-security-policy", policy.encode()), *ON_PAGES]
            else:
                here = state.get("framed_here", False)
                policy += "; frame-ancestors 'self'" if here else "; frame-ancestors 'none'"
                framing = FRAMED_HERE if here else UNFRAMED
                headers += [(b"content-security-policy", policy.encode()), *framing, *ON_PAGES]
        return headers
