"""Around Signet: notes what the app sent, and makes go wrong what a test asked for."""

import asyncio
import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signet_testing.authorization_responses import Answer
from signet_testing.changes import Sign, with_wrong_tokens
from signet_testing.faults import Fault, Faults
from signet_testing.requests import Requests, Sent, parameters_of
from signet_testing.serving.server import DROP

NOT_THE_APP = b"x-signet-testing-user"
"""The header of requests that the kit sends in place of a user's browser."""
CONTROL = "/_testing"
"""Where the control API is, if there is one."""
FORM = b"application/x-www-form-urlencoded"


class Observed:
    """The application that a test's Signet serves."""

    def __init__(self, app: ASGIApp, requests: Requests, faults: Faults, issuer: str, sign: Sign) -> None:
        self.app = app
        self.requests = requests
        self.faults = faults
        self.issuer = issuer
        self.sign = sign
        self.control: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.control is not None and scope["path"].startswith(f"{CONTROL}/"):
            await self.control(scope, receive, send)
            return
        headers = dict(scope["headers"])
        body = await read_body(receive)
        sent = Sent(
            scope["method"],
            scope["path"],
            parameters_of(scope["query_string"]),
            parameters_of(body) if headers.get(b"content-type", b"").startswith(FORM) else {},
            {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()},
        )
        if NOT_THE_APP not in headers or _begins_sign_in(sent):
            self.requests.add(sent)
        faults = self.faults.take(sent.path)
        await self._answer(scope, body, send, sent, faults)

    async def _answer(self, scope: Scope, body: bytes, send: Send, sent: Sent, faults: list[Fault]) -> None:
        for seconds in (fault.seconds for fault in faults if fault.seconds):
            await asyncio.sleep(seconds)
        failed = next((fault.status for fault in faults if fault.status is not None), None)
        if failed is not None:
            sent.status = failed
            await _fail(send, failed)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, _given(body), keep)
        if any(fault.lose for fault in faults):
            scope["extensions"][DROP]["close"]()
            await asyncio.sleep(0.01)  # the server notices, and does not answer 500
            return
        head = messages[0]
        content = b"".join(message.get("body", b"") for message in messages[1:])
        head, content = self._changed(head, content, faults)
        sent.status = head["status"]
        await send(head)
        await send({"type": "http.response.body", "body": content})

    def _changed(self, head: Message, content: bytes, faults: list[Fault]) -> tuple[Message, bytes]:
        if head["status"] == 200 and any(fault.tokens or fault.members or fault.hide_kids for fault in faults):
            try:
                document = json.loads(content)
            except ValueError:
                return head, content
            document = with_wrong_tokens(document, [fault.tokens for fault in faults], self.sign)
            for fault in faults:
                document = self._change(document, fault)
            content = json.dumps(document).encode()
            kept = [(name, value) for name, value in head["headers"] if name not in {b"content-length", b"etag"}]
            return {**head, "headers": [*kept, (b"content-length", str(len(content)).encode())]}, content
        answer = Answer.found_in(head, content, self.issuer)
        return (head, content) if answer is None else answer.with_faults(self.faults, self.sign).response()

    def _change(self, document: dict[str, Any], fault: Fault) -> dict[str, Any]:
        if fault.hide_kids:
            document["keys"] = [key for key in document["keys"] if key["kid"].split(".")[0] not in fault.hide_kids]
        return {name: value for name, value in (document | dict(fault.members)).items() if value is not None}


def _begins_sign_in(sent: Sent) -> bool:
    """Return whether a user's browser carried this from the app: the authorization request, or a sign-out."""
    return sent.endpoint in {"authorize", "logout"} and "client_id" in sent.parameters


async def read_body(receive: Receive) -> bytes:
    """Return the body of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _given(body: bytes) -> Receive:
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError  # the event is never set

    return receive


async def _fail(send: Send, status: int) -> None:
    body = json.dumps({"error": "temporarily_unavailable", "error_description": "A test asked for this."}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
