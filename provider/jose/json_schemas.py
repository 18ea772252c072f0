"""The JSON Schemas (draft 2020-12) of operators, and what they may contain: those of authorization details and of
attributes of users.

The cost of a check has a bound: a schema refers only to itself and without cycles, its size is limited with every
reference followed, patterns are those of `patterns`, and callers limit the size of the values that are checked.
Keywords that are not checked here are rejected, so that a misspelt one is noticed.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from provider.jose.json_objects import is_deeper
from provider.jose.patterns import InvalidPattern, compile_pattern, matches

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

LONGEST_SCHEMA = 20_000
"""The longest schema, in characters of JSON."""
DEEPEST_SCHEMA = 30
MOST_REFERENCES = 10
"""How many references may follow one another."""
MOST_NODES = 1000
"""The largest number of schemas within a schema, each counted as often as it is referred to."""

_ONE = ("items", "contains", "not", "if", "then", "else", "propertyNames", "additionalProperties")
_SOME = ("prefixItems", "allOf", "anyOf", "oneOf")
_NAMED = ("properties", "$defs")
_PLAIN = (
    "type", "enum", "const", "required", "dependentRequired", "minProperties", "maxProperties", "minItems", "maxItems",
    "minContains", "maxContains", "uniqueItems", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf",
)  # fmt: skip
_NOTES = ("$schema", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly")
KEYWORDS = frozenset((*_ONE, *_SOME, *_NAMED, *_PLAIN, *_NOTES, "pattern", "format", "$ref"))
"""The keywords that a schema may use."""
DRAFT = "https://json-schema.org/draft/2020-12/schema"


class InvalidSchema(ValueError):
    """A schema that is invalid or not supported. The message says where and why."""


def check_schema(schema: object) -> dict[str, Any]:
    """Return the schema. Raises InvalidSchema."""
    if not isinstance(schema, dict):
        raise InvalidSchema("must be a JSON object")
    try:
        if len(json.dumps(schema, allow_nan=False)) > LONGEST_SCHEMA or is_deeper(schema, DEEPEST_SCHEMA):
            raise InvalidSchema(f"must have at most {LONGEST_SCHEMA} characters and {DEEPEST_SCHEMA} levels")
    except (TypeError, ValueError) as error:  # of TOML, such as a date
        raise InvalidSchema(str(error) if isinstance(error, InvalidSchema) else "must be JSON") from None
    if schema.get("$schema", DRAFT) != DRAFT:
        raise InvalidSchema(f"must be of the draft {DRAFT}")
    _check(schema, schema, "#", ())
    _check_by_metaschema(schema)
    return schema


def _check(root: dict[str, Any], schema: object, at: str, followed: tuple[str, ...], left: int = MOST_NODES) -> int:
    """Check a schema within the schema `root`, and follow its references. Returns how many more nodes there may be."""
    left -= 1
    if left < 0:
        raise InvalidSchema(f"is too large: it has more than {MOST_NODES} schemas, with every $ref followed")
    if isinstance(schema, bool):
        return left
    if not isinstance(schema, dict):
        raise InvalidSchema(f"{at} must be a schema: an object, true or false")
    unknown = sorted(schema.keys() - KEYWORDS)
    if unknown:
        raise InvalidSchema(f"{at} has the keyword {unknown[0][:60]}, which is not supported")
    _check_texts(schema, at)
    for name, inner in _inside(schema):
        if not name.startswith("$defs/"):  # they count where they are referred to
            left = _check(root, inner, f"{at}/{name}", followed, left)
    reference = schema.get("$ref")
    if reference is None:
        return left
    if not isinstance(reference, str) or not (reference.startswith("#/") or reference == "#"):
        raise InvalidSchema(f"{at} has a $ref to another document. Only references such as #/$defs/name are followed")
    if len(followed) >= MOST_REFERENCES:
        raise InvalidSchema(f"{at} has a $ref that leads over more than {MOST_REFERENCES} others")
    if reference in (*followed, "#"):
        raise InvalidSchema(f"{at} has a $ref that leads back to itself: {reference[:120]}")
    return _check(root, _find(root, reference), reference, (*followed, reference), left)


def _inside(schema: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Iterate over the schemas directly inside a schema, with the way to each."""
    for name in _ONE:
        if name in schema:
            yield name, schema[name]
    for name in _SOME:
        if isinstance(schema.get(name), list):
            yield from ((f"{name}/{number}", inner) for number, inner in enumerate(schema[name]))
    for name in _NAMED:
        if isinstance(schema.get(name), dict):
            yield from ((f"{name}/{key}", inner) for key, inner in schema[name].items())


def _check_texts(schema: Mapping[str, Any], at: str) -> None:
    if "pattern" in schema:
        if not isinstance(schema["pattern"], str):
            raise InvalidSchema(f"{at}: pattern must be a string")
        try:
            compile_pattern(schema["pattern"])
        except InvalidPattern as invalid:
            raise InvalidSchema(f"{at}: the pattern {schema['pattern'][:60]!r} {invalid}") from None
    if "format" in schema and schema["format"] not in list(FORMATS):
        raise InvalidSchema(f"{at}: format must be one of {', '.join(FORMATS)}")


def _find(root: dict[str, Any], reference: str) -> object:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            raise InvalidSchema(f"has a $ref to {reference[:120]}, which does not exist")
        found = found[name]
    return found


def _check_by_metaschema(schema: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415  # few installations have schemas

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidSchema(f"#/{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}") from None


def _is_date(text: str) -> bool:
    return len(text) == len("2026-01-01") and bool(_parsed(date.fromisoformat, text))


def _is_moment(text: str) -> bool:
    found = _parsed(datetime.fromisoformat, text) if "T" in text.upper() else None
    return isinstance(found, datetime) and found.tzinfo is not None


def _parsed(parse: Any, text: str) -> object:
    try:
        return parse(text)
    except ValueError:
        return None


def _is_uri(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", text) is not None


def _is_email(text: str) -> bool:
    return matches("^[^@ ]{1,64}@[^@ ]{1,190}$", text)


def _is_uuid(text: str) -> bool:
    return matches("^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$", text)


FORMATS = {"date": _is_date, "date-time": _is_moment, "email": _is_email, "uri": _is_uri, "uuid": _is_uuid}
"""The values of `format`, each with its check."""


def problem_with_value(schema: Mapping[str, Any], value: object) -> str | None:
    """Return why the value does not conform to the schema, or None. The schema was checked when it was declared.

    The answer contains no value, only the name of the member and the keyword that it breaks.
    """
    errors = _validator(json.dumps(schema)).iter_errors(value)
    try:
        error = next(errors, None)
    except (RecursionError, ArithmeticError, ValueError):  # such as multipleOf of a number beyond its range
        return "a member has a value that can't be checked"
    if error is None:
        return None
    at, keyword = [*map(str, error.absolute_path)], str(error.validator)
    if keyword == "additionalProperties" and isinstance(error.instance, dict):
        unknown = sorted(error.instance.keys() - error.schema.get("properties", {}).keys())
        return f"{_named([*at, *unknown[:1]])} is an unknown member"
    if keyword == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{_named([*at, *missing[:1]])} is missing"
    return f"{_named(at)} does not conform to {keyword} of the schema"


def _named(path: list[str]) -> str:
    """Return the member at this path. A name with a space could put a sentence on the page of an app."""
    name = ".".join(path)
    return (name if re.fullmatch(r"[\w.-]{1,80}", name, re.ASCII) else "a member") if name else "the object"


@lru_cache(maxsize=64)
def _validator(schema: str) -> "Validator":
    """Return the validator of a schema. It fetches no references, and matches patterns at a bounded cost."""
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError  # noqa: PLC0415  # as above
    from jsonschema.validators import extend  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    def pattern(_validator: object, pattern: str, text: object, _schema: object) -> Iterator[ValidationError]:
        if isinstance(text, str) and not matches(pattern, text):
            yield ValidationError("does not match")

    formats = FormatChecker(formats=())
    for name, check in FORMATS.items():
        formats.checks(name)(lambda text, check=check: not isinstance(text, str) or check(text))
    bounded = extend(Draft202012Validator, {"pattern": pattern})
    made: Validator = bounded(json.loads(schema), registry=Registry(), format_checker=formats)
    return made
