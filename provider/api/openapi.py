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
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable; for programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people."},
        "instance": {"type": "string", "description": "The id to quote; `signet explain` may know more."},
        "errors": {
            "type": "array",
            "description": "With invalid-body: what is wrong with which member.",
            "items": {
                "type": "object",
                "required": ["member", "problem"],
                "properties": {"member": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}


@dataclass(frozen=True)
class Api:
    """One of our APIs: the operations below `path`."""

    name: str
    path: str
    about: str


ACCOUNT_API = Api(
    "account API",
    "/api/account",
    "What a person may do with their own account, through an app. Errors are problem details (RFC 9457).",
)
ADMIN_API = Api(
    "admin API",
    "/api/admin",
    "What an operator may do with everybody's accounts, applications, keys and the record of what happened. Errors are "
    "problem details (RFC 9457). Lists come in pages: `next` is given as `after` to go on. One thing comes with an "
    "ETag; with If-Match it is changed only if it still is that version (412). What makes something takes an "
    "Idempotency-Key and may then be sent again within a day.",
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
            "description": "client_id and client_secret of a confidential client marked first_party.",
        },
        "operator": {
            "type": "oauth2",
            "description": (
                "An access token with admin:read or admin:write, of a client acting for itself, or of a person "
                "with the role admin who showed a second factor."
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
        "responses": {str(operation.status): _answer(operation), **_problems(operation)},
    }
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
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
        return {"description": "Done." if operation.status == 204 else "Taken; what happens is told by letter only."}
    if isinstance(gives, str):
        return {"description": "The picture.", "content": {gives: {"schema": {"type": "string"}}}}
    if isinstance(gives, tuple):
        return {"description": "The file.", "content": {each: {"schema": {"type": "string"}} for each in gives}}
    answer = {"description": "Done.", "content": {JSON_TYPE: {"schema": {"$ref": SCHEMAS + gives.__name__}}}}
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
