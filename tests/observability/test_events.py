"""docs/reference/events.md describes every audit event and log event with the fields that the code gives it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from provider.audit.events import Event
from provider.changes import differences
from tests.support.server_process import REPOSITORY

LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
OF_THE_ROW = {"user_id", "client_id"}
Fields = dict[str, set[str]]


def rows(heading: str) -> list[list[str]]:
    part = (REPOSITORY / "docs/reference/events.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]


def quoted(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def calls(of: str) -> Iterator[ast.Call]:
    """All calls in the modules that have this text."""
    for text in (source.read_text() for source in (REPOSITORY / "provider").rglob("*.py")):
        if of in text:
            yield from (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))


def fields_of(call: ast.Call) -> set[str]:
    named = {keyword.arg for keyword in call.keywords if keyword.arg is not None} - OF_THE_ROW
    changes = any(
        keyword.arg is None and ast.unparse(keyword.value).endswith(".as_details()") for keyword in call.keywords
    )
    return named | set(differences({}, {}).as_details()) if changes else named


def keys_in(details: ast.AST) -> set[str]:
    """The names of the details of many events, which are in dictionaries."""
    keys = (key for node in ast.walk(details) if isinstance(node, ast.Dict) for key in node.keys)
    return {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def test_every_audit_event_is_described_with_its_details() -> None:
    described = {name.strip("`"): quoted(details) for name, _, details in rows("Audit events")}
    assert set(described) == {event.value for event in Event}
    recorded: Fields = defaultdict(set)
    for call in calls("record"):
        if isinstance(call.func, ast.Name) and call.func.id == "record" and len(call.args) == 2:  # (work, event)
            named = call.args[1]
            either = [Event.STEPPED_UP, Event.SIGNED_IN]  # `login.steps` decides between the two
            found = [Event[named.attr]] if isinstance(named, ast.Attribute) else either
            for event in found:
                recorded[event.value] |= fields_of(call)
        elif (
            isinstance(call.func, ast.Name) and call.func.id == "record_all" and isinstance(call.args[1], ast.Attribute)
        ):
            recorded[Event[call.args[1].attr].value] |= keys_in(call.args[2])
    assert len(recorded) > 50
    assert {name: described[name] for name in recorded} == dict(recorded)


def test_every_log_event_is_described_with_its_level_and_fields() -> None:
    logged: Fields = defaultdict(set)
    levels: dict[str, str] = {}
    for call in calls("log."):
        function = call.func
        if isinstance(function, ast.Attribute) and ast.unparse(function.value) == "log" and function.attr in LEVELS:
            for part in ast.walk(call.args[0]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    logged[part.value] |= {keyword.arg for keyword in call.keywords if keyword.arg is not None}
                    levels[part.value] = LEVELS[function.attr]
    described = {name.strip("`"): (level, quoted(fields)) for name, level, _, fields in rows("Log events")}
    assert described == {name: (levels[name], fields) for name, fields in logged.items()}
