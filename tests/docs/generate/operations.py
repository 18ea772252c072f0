"""The operations of the APIs, from their OpenAPI documents: parameters, bodies with examples, and answers."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from provider.api.problems import URN
from tests.docs.generate.examples import Schema, example, reference_of
from tests.docs.generate.markdown import DOCS, table
from tests.docs.generate.refusals import meaning_of

JSON_TYPE = "application/json"


def admin_operations() -> str:
    return Reference("admin").operations()


def account_operations() -> str:
    return Reference("account").operations()


def admin_objects() -> str:
    return Reference("admin").objects()


def account_objects() -> str:
    return Reference("account").objects()


def admin_problems() -> str:
    return Reference("admin").common()


def account_problems() -> str:
    return Reference("account").common()


class Reference:
    """The document of an API, as pages."""

    def __init__(self, api: str) -> None:
        document = json.loads((DOCS / f"reference/{api}-api.json").read_text("utf-8"))
        self.schemas: dict[str, Schema] = document["components"]["schemas"]
        self._operations: dict[str, dict[str, Any]] = {
            f"{method.upper()} {path}": operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }

    def operations(self) -> str:
        return "\n".join(self._operation(name, operation) for name, operation in self._operations.items())

    def objects(self) -> str:
        """Return the bodies that several operations take or return, or that are within others."""
        return "\n".join(
            f"### {name}\n\n{self._description(name)}\n\n{self._members(name, in_answers=self._is_answer(name))}"
            for name in sorted(self._shared)
        )

    def common(self) -> str:
        """Return the answers that every operation can have."""
        rows = [(status, f"`{type_}`", meaning_of(type_)) for status, type_ in sorted(self._common)]
        return table(("status", "problem type", "meaning"), rows)

    def problem_types(self) -> set[str]:
        """Return every type of problem, without the prefix of its URN."""
        return {type_ for one in self._operations.values() for _, type_ in _problems(one)}

    @cached_property
    def _common(self) -> set[tuple[str, str]]:
        return set.intersection(*(set(_problems(one)) for one in self._operations.values()))

    @cached_property
    def _shared(self) -> set[str]:
        used = Counter(name for one in self._operations.values() for name in (_taken(one), _given(one)) if name)
        within = set(re.findall(r"schemas/(\w+)\"", json.dumps(self.schemas)))
        return {name for name, times in used.items() if times > 1} | within | self._extended

    @cached_property
    def _extended(self) -> set[str]:
        return {base for name in self.schemas if (base := self._base(name)) is not None}

    def _is_answer(self, name: str) -> bool:
        return not any(_taken(one) == name for one in self._operations.values())

    def _base(self, name: str) -> str | None:
        """Return the largest body whose members this one has too, if they are many."""
        own = self.schemas[name].get("properties", {})
        bases = [
            other
            for other, schema in self.schemas.items()
            if other != name
            and 20 < len(schema.get("properties", {})) < len(own)
            and all(own.get(member) == described for member, described in schema["properties"].items())
        ]
        return max(bases, key=lambda other: len(self.schemas[other]["properties"]), default=None)

    def _operation(self, name: str, operation: dict[str, Any]) -> str:
        text = f"## {operation['summary']}\n\n`{name}`\n\n"
        if (more := operation["description"].removeprefix(operation["summary"]).lstrip(". ")) != "":
            text += f"{more}\n\n"
        (scheme, scopes_needed), *_ = operation["security"][0].items()
        with_ = " or ".join(f"`{scope}`" for scope in scopes_needed)
        text += f"Called with: {scheme}{f', scope {with_}' if with_ else ''}"
        text += f", permission `{operation['x-permission']}`.\n\n" if "x-permission" in operation else ".\n\n"
        taken = [
            (f"`{one['name']}`", f"{one['in']}{', required' if one.get('required') else ''}", one["description"])
            for one in operation.get("parameters", ())
        ]
        if taken:
            text += table(("parameter", "where", "what it is"), taken) + "\n"
        text += self._body("Request body", operation.get("requestBody"), in_answers=False)
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                text += self._body(f"Response {status}", answer, in_answers=True)
        return text + self._answers(operation)

    def _body(self, title: str, body: dict[str, Any] | None, *, in_answers: bool) -> str:
        if body is None:
            return ""
        content = body.get("content", {})
        if JSON_TYPE not in content:
            types = ", ".join(f"`{each}`" for each in content)
            return f"**{title}**: {types or 'no body'}\n\n"
        name = reference_of(content[JSON_TYPE]["schema"]) or ""
        headers = "".join(f" Header `{each}`: {of['description']}" for each, of in body.get("headers", {}).items())
        if name in self._shared:
            return f"**{title}**: [{name}](#{name.lower()}){headers and '.'}{headers}\n\n"
        return f"**{title}**: {self._description(name)}{headers}\n\n{self._members(name, in_answers=in_answers)}\n"

    def _description(self, name: str) -> str:
        return str(self.schemas[name].get("description", ""))

    def _members(self, name: str, *, in_answers: bool) -> str:
        schema, base = self.schemas[name], self._base(name)
        inherited = self.schemas[base]["properties"] if base else {}
        rows = [
            (f"`{member}`", _type(of), _presence(member, schema, in_answers=in_answers), of.get("description", ""))
            for member, of in schema.get("properties", {}).items()
            if member not in inherited
        ]
        text = f"The members of [{base}](#{base.lower()}), and:\n\n" if base else ""
        text += table(("member", "type", "present" if in_answers else "needed", "what it is"), rows)
        shown = json.dumps(example(name, self.schemas), indent=2, ensure_ascii=False)
        return f"{text}\n```json\n{shown}\n```\n"

    def _answers(self, operation: dict[str, Any]) -> str:
        rows = [(status, "", one["description"]) for status, one in operation["responses"].items() if status < "300"]
        rows += [
            (status, f"`{type_}`", meaning_of(type_))
            for status, type_ in _problems(operation)
            if (status, type_) not in self._common
        ]
        return table(("status", "problem type", "meaning"), rows)


def _taken(operation: dict[str, Any]) -> str | None:
    return reference_of(operation.get("requestBody", {}).get("content", {}).get(JSON_TYPE, {}).get("schema", {}))


def _given(operation: dict[str, Any]) -> str | None:
    for answer in operation["responses"].values():
        if (schema := answer.get("content", {}).get(JSON_TYPE, {}).get("schema")) is not None:
            return reference_of(schema)
    return None


def _problems(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the status and the type of each problem that an operation answers with."""
    for status, answer in operation["responses"].items():
        problem = answer.get("content", {}).get("application/problem+json", {}).get("schema", {})
        for type_ in problem.get("properties", {}).get("type", {}).get("enum", ()):
            yield status, type_.removeprefix(URN)


def _type(schema: Schema) -> str:
    """Return the type of a member in words, with its choices and limits."""
    plain = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema) | {
        key: schema[key] for key in ("format",) if key in schema
    }
    if (name := reference_of(plain)) is not None:
        return f"[{name}](#{name.lower()})"
    if "enum" in plain:
        return " or ".join(f"`{choice}`" for choice in plain["enum"])
    if "type" not in plain:
        return "any JSON"
    if plain["type"] == "array":
        each = _type(plain["items"])
        return f"array of {each}" if each.startswith("[") else f"array of {each.replace('string', 'strings', 1)}"
    words = {"date-time": "date and time", "uuid": "UUID"}.get(plain.get("format", ""), plain["type"])
    if "maxLength" in plain:
        words += f", up to {plain['maxLength']} characters"
    if "minimum" in plain:
        words += f", {plain['minimum']} to {plain['maximum']}"
    return str(words)


def _presence(member: str, schema: Schema, *, in_answers: bool) -> str:
    of = schema["properties"][member]
    if member in schema.get("required", ()):
        return "always" if in_answers else "required"
    default = of.get("default")
    if in_answers:
        return "if known" if default is None else "always"
    return f"default `{json.dumps(default)}`" if default not in (None, [], "") else "optional"
