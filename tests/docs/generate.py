"""The generated parts of the reference pages: `make references` writes them, and a test compares.

A page marks the place of each: `<!-- generated: NAME -->` and `<!-- end -->`. What is around them is written by hand.
"""

import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from starlette.routing import Route

from provider.cli.run import command_line
from provider.config.settings import Settings
from provider.languages.catalogs import ENGLISH
from provider.mail.rendering import FOLDER
from provider.oauth.scopes import CLAIM_IN_WORDS, CLAIMS_OF_SCOPE, IN_WORDS, SCOPE_OF_CLAIM
from provider.routes import routes
from tests.support.emails import NAMES, rendered
from tests.support.server_process import REPOSITORY

DOCS = REPOSITORY / "docs"
GENERATED = re.compile(r"(?<=<!-- generated: )([a-z-]+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
CITED = re.compile(r"(?:RFC \d+|OIDC [A-Z]\w+|OpenID Connect [\w .-]*?\d\.\d|draft-[\w-]+)(?: section \d+(?:\.\d+)*)?")
"""A specification and its section in a docstring."""
PROTOCOL = ("/oauth2/", "/.well-known/o")
ASIDE = re.compile(r" \([^)]*\)")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(_cell(text) for text in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.?])\s", " ".join(text.split()), maxsplit=1)[0]


# The command line


def commands() -> str:
    return "\n".join(_command(name, command) for name, command in _walk("signet", command_line()))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not (below := getattr(command, "commands", None)):
        yield name, command
        return
    for each in below:
        yield from _walk(f"{name} {each}", below[each])


def _command(name: str, command: Any) -> str:
    shown = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    options = [one for one in shown if one.param_type_name == "option"]
    words = [one.metavar or str(one.name).upper() for one in arguments]
    usage = [name, *(["[OPTIONS]"] if options else []), *words]
    help_, example = _help(command.help or "")
    text = f"## {name}\n\n{help_}\n\n```text\n{' '.join(usage)}\n```\n\n"
    if example:
        text += f"For example:\n\n```text\n{example}\n```\n\n"
    described = [(f"`{word}`", "", one.help or "") for word, one in zip(words, arguments, strict=True)]
    described += [(_names(one), _default(one), one.help or "") for one in options]
    return text + (table(("option", "default", "what it does"), described) if described else "")


def _help(text: str) -> tuple[str, str]:
    about, _, example = text.partition("Example:")
    return "\n\n".join(" ".join(part.split()) for part in about.strip().split("\n\n")), " ".join(example.split())


def _names(option: Any) -> str:
    return ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))


def _default(option: Any) -> str:
    if option.required:
        return "required"
    default = option.default
    empty = default is None or default is False or default == () or callable(default)
    return "" if empty else f"`{getattr(default, 'value', default)}`"


# Endpoints


def every_route() -> list[Route]:
    """Return all routes, also of features that are off by default."""
    settings = Settings(registration="open", session_management=True).model_copy(update={"upstreams": ()})
    return [route for route in routes(settings) if isinstance(route, Route)]


def protocol_endpoints() -> str:
    found = [route for route in every_route() if route.path.startswith(PROTOCOL)]
    return table(("path", "methods", "what it is", "specification"), _endpoints(found))


def page_endpoints() -> str:
    found = [route for route in every_route() if not route.path.startswith((*PROTOCOL, "/api/"))]
    return table(("path", "methods", "what it is"), (row[:3] for row in _endpoints(found)))


def _endpoints(found: list[Route]) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each path. HEAD comes with GET, and OPTIONS with the method it asks for."""
    for path, of_path in groupby(sorted(found, key=lambda route: route.path), lambda route: route.path):
        same = [route for route in of_path if route.methods != {"OPTIONS"}]
        if same:
            about = importlib.import_module(_module(same[0])).__doc__ or ""
            methods = sorted({method for route in same for method in route.methods or ()} - {"HEAD"})
            cited = "; ".join(dict.fromkeys(CITED.findall(" ".join(about.split()))))
            yield f"`{path}`", ", ".join(methods), ASIDE.sub("", _first_sentence(about)), cited


def _module(route: Route) -> str:
    """Return the module that describes an endpoint. Metadata is served by a class of its own."""
    if route.endpoint.__module__ == "provider.web.documents":
        resource = "protected-resource" in route.path
        return f"provider.oauth.endpoints.{'protected_resources' if resource else 'discovery'}"
    return str(route.endpoint.__module__)


# Scopes and claims


def scopes() -> str:
    rows = [
        (f"`{scope}`", str(IN_WORDS[scope]), ", ".join(f"`{claim}`" for claim in claims))
        for scope, claims in CLAIMS_OF_SCOPE.items()
    ]
    return table(("scope", "what the consent page says", "claims"), rows)


def claims() -> str:
    rows = [
        (f"`{claim}`", f"`{scope}`", str(CLAIM_IN_WORDS.get(claim, IN_WORDS[scope])))
        for claim, scope in SCOPE_OF_CLAIM.items()
    ]
    return table(("claim", "scope", "what the consent page says"), rows)


# The APIs, from their OpenAPI documents


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


# Emails


def emails() -> str:
    """List the emails: the comment at the top of a template says when it is sent."""
    settings = Settings(brand="Acme")
    rows = [(f"`{name}`", _sent_when(name), rendered(settings, ENGLISH, name).subject) for name in NAMES]
    return table(("email", "sent", "subject"), rows)


def _sent_when(name: str) -> str:
    comment = re.match(r"\{# Sent (.*?) #\}", (FOLDER / f"{name}.jinja").read_text("utf-8"), re.DOTALL)
    assert comment is not None, f"{name}.jinja begins with no comment that says when it is sent"
    return comment[1][:1].upper() + comment[1][1:]


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "protocol-endpoints": protocol_endpoints,
    "page-endpoints": page_endpoints,
    "scopes": scopes,
    "claims": claims,
    "admin-operations": admin_operations,
    "account-operations": account_operations,
    "emails": emails,
}
"""What computes each part, by its name in the pages."""


def pages() -> Iterator[tuple[Path, str]]:
    """Yield each page that has generated parts, and its text with them as the code has them now."""
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text("utf-8")
        if GENERATED.search(text):
            yield path, GENERATED.sub(lambda part: f"{part[1]}{part[2]}\n{PARTS[part[1]]()}\n", text)


if __name__ == "__main__":
    for path, text in pages():
        path.write_text(text, "utf-8")
