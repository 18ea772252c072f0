"""The control API of `signet test-server`: what tests in other languages ask a test's Signet to do, as JSON over HTTP.

It is below `/_testing/` at the same loopback address. Requests with a body have to be JSON, and the host has to be the
one of the issuer, so that no page that a browser shows can use it.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from provider.refusals import Refusal
from signet_testing.faults import KINDS
from signet_testing.records import Client, User
from signet_testing.serving.middleware import CONTROL, read_body
from signet_testing.signet import Signet

Body = dict[str, Any]
Operation = Callable[["Control", Body], Any]


class Unknown(LookupError):
    """What a request names does not exist: 404."""


class Control:
    """What the control API has created, and the state that `reset` returns to."""

    def __init__(self, signet: Signet) -> None:
        self.signet = signet
        self._users: dict[str, User] = {}
        self._clients: dict[str, Client] = {}
        self._before = signet.save()

    def user(self, body: Body) -> Any:
        claims, roles = body.pop("claims", {}), tuple(body.pop("roles", ()))
        user = self.signet.user(**body, roles=roles, **claims)
        self._users[user.sub] = user
        return asdict(user)

    def client(self, body: Body) -> Any:
        client = self.signet.client(*body.pop("redirect_uris", ()), **body)
        self._clients[client.client_id] = client
        return asdict(client) | {"discovery_url": client.discovery_url}

    def token(self, body: Body) -> Any:
        client_id = body.pop("client_id", None)
        client = None if client_id is None else self._find(self._clients, client_id)
        if body.pop("of_client", False):
            return {"access_token": self.signet.client_token(client, **body)}
        user = self._find(self._users, body.pop("user")) if "user" in body else None
        return {"access_token": self.signet.token(user, client=client, **body)}

    def sign_in(self, body: Body) -> Any:
        user = self._find(self._users, body.pop("user"))
        redirect = self.signet.sign_in(body.pop("url"), user, **body)
        return {"url": str(redirect), "parameters": redirect.parameters, "form": redirect.form}

    def fault(self, body: Body) -> Any:
        kind = body.pop("fault")
        if kind not in KINDS:
            raise Unknown(f"there is no fault {kind!r}. Use one of {', '.join(KINDS)}.")
        kids = body.pop("kids", ()) if kind == "hide_keys" else ()
        getattr(self.signet.faults, kind)(*kids, **body)
        return None

    def clear_faults(self, _body: Body) -> Any:
        self.signet.faults.clear()

    def move_clock(self, body: Body) -> Any:
        return {"now": self.signet.clock.move(**body).isoformat()}

    def rotate_keys(self, body: Body) -> Any:
        return {"kid": self.signet.rotate_keys(**body)}

    def suspend(self, body: Body) -> Any:
        self.signet.suspend(self._find(self._users, body["user"]))

    def sign_out(self, body: Body) -> Any:
        self.signet.sign_out(self._find(self._users, body["user"]))

    def requests(self, _body: Body) -> Any:
        return [asdict(one) | {"endpoint": one.endpoint} for one in self.signet.requests]

    def assert_safe_sign_in(self, body: Body) -> Any:
        self.signet.requests.assert_safe_sign_in(**body)

    def emails(self, _body: Body) -> Any:
        return [asdict(one) | {"code": one.code, "link": one.link} for one in self.signet.emails]

    def logouts(self, _body: Body) -> Any:
        return [asdict(one) | {"form": one.form} for one in self.signet.logouts]

    def reset(self, _body: Body) -> Any:
        self._users.clear()
        self._clients.clear()
        self.signet.restore(self._before)

    def _find(self, among: Mapping[str, Any], name: str) -> Any:
        """Return the user or client of this id, or the user with this email address."""
        found = among.get(name) or next((one for one in among.values() if getattr(one, "email", None) == name), None)
        if found is None:
            raise Unknown(f"{name!r} was not created here, or before the last reset.")
        return found


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "users"): Control.user,
    ("POST", "clients"): Control.client,
    ("POST", "tokens"): Control.token,
    ("POST", "sign-in"): Control.sign_in,
    ("POST", "faults"): Control.fault,
    ("DELETE", "faults"): Control.clear_faults,
    ("POST", "clock"): Control.move_clock,
    ("POST", "rotate-keys"): Control.rotate_keys,
    ("POST", "suspend"): Control.suspend,
    ("POST", "sign-out"): Control.sign_out,
    ("GET", "requests"): Control.requests,
    ("POST", "assert-safe-sign-in"): Control.assert_safe_sign_in,
    ("GET", "emails"): Control.emails,
    ("GET", "logouts"): Control.logouts,
    ("POST", "reset"): Control.reset,
}
"""The operations, by method and path."""


def control_app(signet: Signet) -> ASGIApp:
    """Return the control API of a Signet."""
    control, host = Control(signet), urlsplit(signet.issuer).netloc.encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        body = await read_body(receive)
        if headers.get(b"host") != host or b"origin" in headers:
            response: Response = _error(403, "The control API is for programs on this machine.")
        elif body and not headers.get(b"content-type", b"").startswith(b"application/json"):
            response = _error(415, "The body must be application/json.")
        else:
            operation = OPERATIONS.get((scope["method"], scope["path"].removeprefix(f"{CONTROL}/")))
            # In a thread: an operation may send requests to the loop that this runs in.
            response = await asyncio.to_thread(_run, control, operation, body)
        await response(scope, receive, send)

    return app


def _run(control: Control, operation: Operation | None, body: bytes) -> Response:
    if operation is None:
        known = ", ".join(f"{method} {path}" for method, path in OPERATIONS)
        return _error(404, f"There is no such operation. There are: {known}")
    try:
        given = json.loads(body or b"{}")
        if not isinstance(given, dict | None):
            return _error(400, "The body must be a JSON object.")
        result = operation(control, given or {})
    except Unknown as error:
        return _error(404, str(error))
    except AssertionError as error:
        return _error(409, str(error))
    except KeyError as error:
        return _error(400, f"The member {error} is missing.")
    except (AttributeError, TypeError, ValueError, Refusal) as error:
        return _error(400, f"{error or type(error).__name__}")
    return Response(status_code=204) if result is None else JSONResponse(result)


def _error(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)
