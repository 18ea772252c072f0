"""The OpenAPI 3.1 documents of our APIs, computed from the routes and their operations."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from provider import __version__
from provider.api.bodies import JSON_TYPE, Body, File, InvalidBody, Nothing, NotJson, UnknownType
from provider.api.callers import CLIENT, Caller
from provider.api.operation import Operation
from provider.api.problems import MEDIA_TYPE, PROTOCOL_TITLES, URN, type_of
from provider.config.settings import Settings
from provider.oauth.scopes import ACCOUNT, ADMIN_READ, ADMIN_WRITE, IN_WORDS
from provider.refusals import Refusal, TooManyRequests, Unavailable
from provider.web.documents import Document
from provider.web.errors import Crash, Malformed, TooLarge

SCHEMAS = "#/components/schemas/"
PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457 problem details).",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri",
            "description": "The problem type. It is stable, so programs can check it.",
        },
        "title": {"type": "string", "description": "A short summary of the problem."},
        "status": {"type": "integer", "description": "The HTTP status code."},
        "detail": {"type": "string", "description": "What is wrong and what to do, for people."},
        "instance": {
            "type": "string",
            "description": "The error ID. For a rejected protocol request, `signet explain` shows the reason.",
        },
        "errors": {
            "type": "array",
            "description": "The invalid members and parameters, if the type is invalid-body.",
            "items": {
                "type": "object",
                "required": ["member", "problem"],
                "properties": {
                    "member": {
                        "type": "string",
                        "description": "The name of the member or query parameter, for example address.country. Empty "
                        "for the body as a whole.",
                    },
                    "problem": {"type": "string", "description": "What is wrong and what to send instead."},
                },
            },
        },
    },
}

IN_PATHS = {
    "name": "The name of the attribute.",
    "client_id": "The client's ID.",
    "error_id": "The error ID of the rejected request.",
    "family_id": "The token family's ID.",
    "app_id": "The authenticator app's ID.",
    "identity_id": "The linked identity's ID.",
    "import_id": "The import's ID.",
    "kid": "The key's ID.",
    "passkey_id": "The passkey's ID.",
    "device_id": "The ID of the remembered device.",
    "promise_id": "The job's ID.",
    "role": "The role's name.",
    "group": "The group's name.",
    "session_id": "The session's ID.",
    "type": "The name of the type.",
    "user_id": "The user's ID.",
    "issuer_id": "The ID of the trusted issuer.",
    "webhook_id": "The webhook's ID.",
}
"""The descriptions of path parameters."""


@dataclass(frozen=True)
class Api:
    """One of our APIs: the operations below `path`."""

    name: str
    path: str
    about: str


ACCOUNT_API = Api(
    "account API",
    "/api/account",
    "Lets apps offer sign-up, account and security settings on their own pages. Errors are problem details (RFC 9457).",
)
ADMIN_API = Api(
    "admin API",
    "/api/admin",
    "Lets operators manage users, clients, keys, webhooks and the audit log. Errors are problem details (RFC 9457). "
    "Lists are paged: send the `next` value of a page as `after` to get the next one. A response with one resource has "
    "an ETag. Send it as If-Match to change the resource only if no one else has changed it (else 412). Operations "
    "that create something accept an Idempotency-Key, so that you can safely retry them for 24 hours.",
)


def document(settings: Settings, routes: Iterable[BaseRoute], api: Api = ACCOUNT_API) -> dict[str, Any]:
    """Build the OpenAPI document for these settings. Operations of a disabled feature are left out."""
    found = [
        (route, route.endpoint)
        for route in routes
        if isinstance(route, Route) and route.path.startswith(f"{api.path}/")
    ]
    operations = [(route, endpoint) for route, endpoint in found if isinstance(endpoint, Operation)]
    paths: dict[str, Any] = {}
    for route, operation in operations:
        method = next(name for name in sorted(route.methods or ()) if name != "HEAD").lower()
        paths.setdefault(_path_of(route), {})[method] = _describe(route, operation, api)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": f"{settings.brand} {api.name}",
            "version": __version__,
            "description": api.about,
        },
        "servers": [{"url": settings.issuer}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM, **_schemas(operation for _, operation in operations)},
            "securitySchemes": _schemes(settings, {operation.caller for _, operation in operations}),
        },
    }


def _schemes(settings: Settings, callers: Iterable[Caller]) -> dict[str, Any]:
    all_schemes = {
        "user": {
            "type": "oauth2",
            "description": "An access token with the scope account, as a bearer token.",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{settings.issuer}/oauth2/authorize",
                    "tokenUrl": f"{settings.issuer}/oauth2/token",
                    "scopes": {ACCOUNT: IN_WORDS[ACCOUNT]},
                }
            },
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "The client_id and client_secret of a confidential client with first_party.",
        },
        "operator": {
            "type": "oauth2",
            "description": (
                "An access token with the scope admin:read or admin:write, issued to a client by client_credentials, "
                "or to a user who signed in with two factors and has a role with the permission in the operation's "
                "x-permission."
            ),
            "flows": {
                "clientCredentials": {
                    "tokenUrl": f"{settings.issuer}/oauth2/token",
                    "scopes": {scope: IN_WORDS[scope] for scope in (ADMIN_READ, ADMIN_WRITE)},
                }
            },
        },
    }
    return {name: all_schemes[name] for name in sorted({caller.scheme for caller in callers})}


class Described:
    """The endpoint of an OpenAPI document. It is built on the first request, because most processes are never asked for
    it.
    """

    def __init__(self, settings: Settings, routes: Iterable[BaseRoute], api: Api = ACCOUNT_API) -> None:
        self._make = partial(text, settings, routes, api)
        self._document: Document | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._document is None:
            body = self._make().encode()
            self._document = Document(body, f'"{sha256(body).hexdigest()[:16]}"')
        await self._document(scope, receive, send)


def text(settings: Settings, routes: Iterable[BaseRoute], api: Api = ACCOUNT_API) -> str:
    return json.dumps(document(settings, routes, api), indent=1, ensure_ascii=False) + "\n"


def _path_of(route: Route) -> str:
    """Return the route's path without converters, which only our router understands."""
    return re.sub(r"{(\w+):\w+}", r"{\1}", route.path)


def _describe(route: Route, operation: Operation, api: Api) -> dict[str, Any]:
    said = (operation.__doc__ or "").strip()
    described: dict[str, Any] = {
        "operationId": route.name,
        "summary": re.split(r"\.(?:\s|$)", " ".join(said.split()), maxsplit=1)[0],
        "description": " ".join(said.split()),
        "tags": [route.path.removeprefix(api.path + "/").partition("/")[0]],
        "security": [{operation.caller.scheme: list(operation.caller.scopes)}],
        **({} if operation.caller.permission is None else {"x-permission": operation.caller.permission.value}),
        "responses": {str(operation.status): _answer(operation), **_problems(operation)},
    }
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "description": IN_PATHS[name], "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", _path_of(route))
    ]
    parameters += [
        {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}
        for name, about in operation.asks.items()
    ]
    parameters += [
        {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}
        for name, about in operation.asks_headers.items()
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.takes is not Nothing:
        described["requestBody"] = {"required": True, "content": _content(operation.takes)}
    return described


def _content(takes: type[Body]) -> dict[str, Any]:
    if issubclass(takes, File):
        return {media_type: {} for media_type in takes.media_types}
    return {JSON_TYPE: {"schema": {"$ref": SCHEMAS + takes.__name__}}}


def _answer(operation: Operation) -> dict[str, Any]:
    gives = operation.gives
    if gives is None:
        return {"description": "Done." if operation.status == 204 else "Accepted. The result is sent by email only."}
    if isinstance(gives, str):
        return {"description": "The image.", "content": {gives: {"schema": {"type": "string"}}}}
    if isinstance(gives, tuple):
        return {"description": "The file.", "content": {each: {"schema": {"type": "string"}} for each in gives}}
    answer = {"description": "Success.", "content": {JSON_TYPE: {"schema": {"$ref": SCHEMAS + gives.__name__}}}}
    headers = {
        name: {"description": about, "required": True, "schema": {"type": "string"}}
        for name, about in operation.gives_headers.items()
    }
    return answer | ({"headers": headers} if headers else {})


def _problems(operation: Operation) -> dict[str, Any]:
    """Return the error responses of an operation by status, each with the problem types it may have."""
    by_status: dict[int, dict[str, str]] = {}
    for status, codes in operation.caller.codes.items():
        by_status.setdefault(status, {}).update({URN + code: PROTOCOL_TITLES[code] for code in codes})
    kinds: list[type[Refusal]] = [*operation.problems, TooLarge, Crash, Unavailable]
    if operation.caller is CLIENT:
        kinds.append(TooManyRequests)  # after too many wrong secrets
    if issubclass(operation.takes, File):
        kinds.append(UnknownType)
    elif operation.takes is not Nothing:
        kinds += [NotJson, InvalidBody]
    if operation.asks:
        kinds += [InvalidBody, Malformed]  # a query that cannot be read
    for kind in kinds:
        by_status.setdefault(kind.status_code, {})[type_of(kind)] = kind.title
    return {
        str(status): {
            "description": "; ".join(dict.fromkeys(types.values())) + ".",
            "content": {
                MEDIA_TYPE: {
                    "schema": {
                        "allOf": [{"$ref": SCHEMAS + "Problem"}],
                        "properties": {"type": {"enum": sorted(types)}},
                    }
                }
            },
        }
        for status, types in sorted(by_status.items())
    }


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    used: dict[str, tuple[type[Body], str]] = {}
    for operation in operations:
        if operation.takes is not Nothing and not issubclass(operation.takes, File):
            used[operation.takes.__name__] = (operation.takes, "validation")
        if isinstance(operation.gives, type):
            used[operation.gives.__name__] = (operation.gives, "serialization")
    models: Any = sorted(used.values(), key=lambda pair: pair[0].__name__)
    _, schemas = models_json_schema(models, ref_template=SCHEMAS + "{model}")
    definitions: dict[str, Any] = schemas.get("$defs", {})
    return definitions
