"""A receiver of shared signals by push (OpenID Shared Signals Framework 1.0, RFC 8935).

ISSUER=... CLIENT_ID=... SECRET_OF_PUSHES=... python signal_receiver/receiver.py

Create the stream first: docs/guides/shared-signals.md. Put a server with TLS in front of it.
"""

import hmac
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

LARGEST = 64 * 1024
"""The largest token in bytes."""


class Rejected(Exception):
    """A token that is not taken. The message is an error code of RFC 8935 section 2.4."""


@dataclass
class Receiver:
    """What one app does with tokens: it checks each, and carries out `handle` once for each event."""

    issuer: str
    client_id: str
    secret: str
    """The Authorization header that the stream was created with."""
    fetch_keys: Callable[[], Any]
    handle: Callable[[str, dict[str, Any], dict[str, Any]], None]
    """Gets the event type, `sub_id` and the event."""
    seen: set[str] = field(default_factory=set)
    """The `jti` of tokens so far. A real app keeps them in its database, with the change that the event caused."""

    def take(self, token: str) -> None:
        """Check a token and carry out its event, unless that was done before. Raises Rejected."""
        claims = self._read(token)
        if claims.get("iss") != self.issuer:
            raise Rejected("invalid_issuer")
        audience = claims.get("aud")
        if self.client_id not in (audience if isinstance(audience, list) else [audience]):
            raise Rejected("invalid_audience")
        if claims["jti"] in self.seen:
            return
        for event_type, event in claims["events"].items():
            self.handle(event_type, claims["sub_id"], event)
        self.seen.add(claims["jti"])  # last: an event that failed is sent again

    def _read(self, token: str) -> dict[str, Any]:
        try:
            found = jws.deserialize_compact(token, KeySet.import_key_set(self.fetch_keys()), algorithms=["RS256"])
            claims: dict[str, Any] = json.loads(found.payload)
        except (JoseError, ValueError):
            raise Rejected("invalid_key") from None
        if found.headers().get("typ") != "secevent+jwt" or not {"jti", "events", "sub_id"} <= claims.keys():
            raise Rejected("invalid_request")
        return claims


def serve(receiver: Receiver, port: int) -> ThreadingHTTPServer:
    """Return a server on loopback that is not started yet: call its `serve_forever`."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 30  # seconds without a byte of the token

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not re.fullmatch("[0-9]{1,9}", length) or int(length) > LARGEST:
                self._answer(
                    400, {"err": "invalid_request", "description": "The token is too long, or its length unknown."}
                )
                return
            token = self.rfile.read(int(length)).decode("ascii", "replace")
            if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), receiver.secret.encode()):
                self._answer(400, {"err": "authentication_failed", "description": "Another Authorization is needed."})
                return
            try:
                receiver.take(token)
            except Rejected as rejected:
                self._answer(400, {"err": str(rejected), "description": "The token is not taken."})
            else:
                self._answer(202)

        def _answer(self, status: int, body: dict[str, str] | None = None) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if content:
                self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name of the base class
            """Log nothing: the events are printed."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    env = os.environ

    def fetch_keys() -> Any:
        metadata = httpx2.get(f"{env['ISSUER']}/.well-known/ssf-configuration", timeout=10).raise_for_status().json()
        return httpx2.get(metadata["jwks_uri"], timeout=10).raise_for_status().json()

    def show(event_type: str, subject: dict[str, Any], event: dict[str, Any]) -> None:
        print(event_type.rpartition("/")[2], json.dumps(subject), json.dumps(event))

    own = Receiver(env["ISSUER"], env["CLIENT_ID"], env["SECRET_OF_PUSHES"], fetch_keys, show)
    serve(own, int(env.get("PORT", "8004"))).serve_forever()
