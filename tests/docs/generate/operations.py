"""The operations of the APIs, from their OpenAPI documents."""

import json
from typing import Any

from tests.docs.generate.markdown import DOCS, table


def admin_operations() -> str:
    return _operations("admin")


def account_operations() -> str:
    return _operations("account")


def _operations(api: str) -> str:
    document = json.loads((DOCS / f"reference/{api}-api.json").read_text("utf-8"))
    schemas = document["components"]["schemas"]
    return "\n".join(
        _operation(f"{method.upper()} {path}", operation, schemas)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )


def _operation(name: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    text = f"## {operation['summary']}\n\n`{name}`\n\n"
    if (more := operation["description"].removeprefix(operation["summary"]).lstrip(". ")) != "":
        text += f"{more}\n\n"
    (scheme, scopes_needed), *_ = operation["security"][0].items()
    with_ = " or ".join(f"`{scope}`" for scope in scopes_needed)
    text += f"Called with: {scheme}{f', scope {with_}' if with_ else ''}.\n\n"
    taken = [
        (f"`{one['name']}`", f"in the {one['in']}", one.get("description", ""))
        for one in operation.get("parameters", ())
    ]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
        for member, described in schema.get("properties", {}).items():
            need = "in the body, required" if member in schema.get("required", ()) else "in the body"
            taken.append((f"`{member}`", need, described.get("description", "")))
    if taken:
        text += table(("parameter", "where", "what it is"), taken) + "\n"
    answers = [(status, _types(answer), answer["description"]) for status, answer in operation["responses"].items()]
    return text + table(("status", "type of the problem", "meaning"), answers)


def _types(answer: dict[str, Any]) -> str:
    problem = answer.get("content", {}).get("application/problem+json", {}).get("schema", {})
    types = problem.get("properties", {}).get("type", {}).get("enum", ())
    return ", ".join(f"`{each.rpartition(':')[2]}`" for each in types)
