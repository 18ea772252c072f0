"""The OpenAPI 3.1 document of the account API, computed from the routes and the operations behind them."""

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute, Route

from provider.api.bodies import JSON_TYPE, Body, File, InvalidBody, Nothing, NotJson, UnknownType
from provider.api.operation import Operation
from provider.api.problems import MEDIA_TYPE, PROTOCOL_TITLES, URN, type_of
from provider.oauth.scopes import ACCOUNT, IN_WORDS
from provider.refusals import Refusal, TooManyRequests, Unavailable
from provider.settings import Settings
from provider.web.documents import Document
from provider.web.errors import Crash, TooLarge

PATH = "/api/account"
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
OF_CALLER = {
    "person": {400: ["invalid_request"], 401: ["invalid_token"], 403: ["insufficient_scope"]},
    "client": {400: ["invalid_request", "unauthorized_client"], 401: ["invalid_client"]},
}
"""The error codes that authentication may end in, by status."""


def document(settings: Settings, routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Of what these settings offer: an operation of a feature that is off is not in it."""
    found = [(route, route.endpoint) for route in routes if isinstance(route, Route)]
    operations = [(route, endpoint) for route, endpoint in found if isinstance(endpoint, Operation)]
    paths: dict[str, Any] = {}
    for route, operation in operations:
        method = next(name for name in sorted(route.methods or ()) if name != "HEAD").lower()
        paths.setdefault(_path_of(route), {})[method] = _describe(route, operation)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": f"{settings.brand} account API",
            "version": "1",
            "description": (
                "What a person may do with their own account, through an app. Errors are problem details (RFC 9457)."
            ),
        },
        "servers": [{"url": settings.issuer}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM, **_schemas(operation for _, operation in operations)},
            "securitySchemes": {
                "person": {
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
            },
        },
    }


def served(settings: Settings, routes: Iterable[BaseRoute]) -> Document:
    body = text(settings, routes).encode()
    return Document(body, f'"{sha256(body).hexdigest()[:16]}"')


def text(settings: Settings, routes: Iterable[BaseRoute]) -> str:
    return json.dumps(document(settings, routes), indent=1, ensure_ascii=False) + "\n"


def _path_of(route: Route) -> str:
    """Without the converters, which are our router's own."""
    return re.sub(r"{(\w+):\w+}", r"{\1}", route.path)


def _describe(route: Route, operation: Operation) -> dict[str, Any]:
    said = (operation.__doc__ or "").strip()
    described: dict[str, Any] = {
        "operationId": route.name,
        "summary": re.split(r"[.:;?,](?:\s|$)", said, maxsplit=1)[0],
        "description": " ".join(said.split()),
        "tags": [route.path.removeprefix(PATH + "/").partition("/")[0]],
        "security": [{"person": [ACCOUNT]} if operation.caller == "person" else {"client": []}],
        "responses": {str(operation.status): _answer(operation), **_problems(operation)},
    }
    names = re.findall(r"{(\w+)}", _path_of(route))
    if names:
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
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
    return {"description": "Done.", "content": {JSON_TYPE: {"schema": {"$ref": SCHEMAS + gives.__name__}}}}


def _problems(operation: Operation) -> dict[str, Any]:
    """By status: the types an answer of it may have."""
    by_status: dict[int, dict[str, str]] = {}
    for status, codes in OF_CALLER[operation.caller].items():
        by_status.setdefault(status, {}).update({URN + code: PROTOCOL_TITLES[code] for code in codes})
    kinds: list[type[Refusal]] = [*operation.problems, TooLarge, Crash, Unavailable]
    if operation.caller == "client":
        kinds.append(TooManyRequests)  # after too many wrong secrets
    if issubclass(operation.takes, File):
        kinds.append(UnknownType)
    elif operation.takes is not Nothing:
        kinds += [NotJson, InvalidBody]
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
