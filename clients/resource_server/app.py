"""The API's routes and their guards. Run it with `uvicorn --factory resource_server.app:app` in the folder above."""

import functools
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from resource_server.tokens import AccessTokens, InvalidToken, KeysUnavailable

Claims = dict[str, Any]
Handler = Callable[[Claims], Response]


class Refused(Exception):
    """A bearer challenge (RFC 6750 section 3): status, error and the parameters that say what is missing."""

    def __init__(self, status_code: int, error: str | None = None, description: str = "", **missing: str) -> None:
        self.status_code = status_code
        given = {"error": error, "error_description": description, **missing}
        self.parameters = {"realm": "sample API", **{name: value for name, value in given.items() if value}}


def app() -> Starlette:
    """Create the API from environment variables."""
    issuer, pages = os.environ["ISSUER"], os.environ.get("ALLOWED_ORIGINS", "").split()
    return create_app(issuer, os.environ.get("AUDIENCE", issuer), pages)


def create_app(issuer: str, audience: str, pages: Sequence[str] = ()) -> Starlette:
    """`pages` are the origins of single-page applications that call from browsers; a token is needed all the same."""
    api = Starlette(
        routes=[
            Route("/hello", hello),
            Route("/reports", reports),
            Route("/vault", vault),
            Route("/admin", admin),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=pages,
                allow_headers=["Authorization"],
                expose_headers=["WWW-Authenticate", "Retry-After"],
            )
        ],
        exception_handlers={Refused: challenge, KeysUnavailable: keys_out_of_reach},
    )
    api.state.tokens = AccessTokens(issuer, audience)
    return api


def guarded(
    *, scope: str | None = None, role: str | None = None, acr: str | None = None, max_age: int | None = None
) -> Callable[[Handler], Callable[[Request], Awaitable[Response]]]:
    """Let a handler run only for a good access token that has what the route needs."""

    def wrap(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        @functools.wraps(handler)
        async def guard(request: Request) -> Response:
            claims = await claims_of(request)
            if scope is not None and scope not in str(claims.get("scope", "")).split():
                raise Refused(403, "insufficient_scope", f"This needs the scope {scope}.", scope=scope)
            if role is not None and role not in claims.get("roles", []):
                raise Refused(403, "insufficient_scope", f"This needs the role {role}.")
            if not is_strong_and_recent(claims, acr=acr, max_age=max_age):
                wanted = {"acr_values": acr or "", "max_age": "" if max_age is None else str(max_age)}
                description = "A recent sign-in with a second factor is needed."
                raise Refused(401, "insufficient_user_authentication", description, **wanted)
            return handler(claims)

        return guard

    return wrap


async def claims_of(request: Request) -> Claims:
    """Return the claims of the bearer token (RFC 6750 section 2.1). Without a token, the challenge has no error code
    (section 3.1).
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(401)
    tokens: AccessTokens = request.app.state.tokens
    try:
        return await tokens.verify(token.strip())
    except InvalidToken as problem:
        raise Refused(401, "invalid_token", str(problem)) from problem


def is_strong_and_recent(claims: Claims, *, acr: str | None, max_age: int | None) -> bool:
    """RFC 9470 section 5: `acr` says how the person signed in, `auth_time` when."""
    if acr is not None and claims.get("acr") != acr:
        return False
    return max_age is None or time.time() - float(claims.get("auth_time", 0)) <= max_age


@guarded(scope="profile")
def hello(claims: Claims) -> Response:
    return JSONResponse({"message": "Hello from the API.", "sub": claims["sub"], "client_id": claims["client_id"]})


@guarded(scope="reports:read")
def reports(claims: Claims) -> Response:
    """For programs: see the sample service."""
    return JSONResponse({"reports": ["Monday", "Tuesday"], "for": claims["client_id"]})


@guarded(scope="profile", acr="aal2", max_age=300)
def vault(claims: Claims) -> Response:
    """Only for somebody who has shown a second factor within the last five minutes."""
    return JSONResponse({"message": "The vault is open.", "acr": claims["acr"], "auth_time": claims["auth_time"]})


@guarded(scope="roles", role="admin")
def admin(claims: Claims) -> Response:
    return JSONResponse({"message": "Welcome to the engine room.", "roles": claims["roles"]})


async def challenge(_request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101  # registered for this class
    parameters = ", ".join(f'{name}="{value}"' for name, value in refused.parameters.items())
    return JSONResponse(refused.parameters, refused.status_code, {"www-authenticate": f"Bearer {parameters}"})


async def keys_out_of_reach(_request: Request, _error: Exception) -> Response:
    """Answer 503 when the issuer's keys cannot be read: an outage, not a verdict on the token."""
    return JSONResponse({"error": "temporarily_unavailable"}, 503, {"retry-after": "5"})
