"""The words for invalid members of a request body: Pydantic finds them, and this table says what is wrong and what to
send instead. Its own messages, which name Python types, reach no client.
"""

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NotRequired, TypedDict, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from provider.languages.text import Text
from provider.observability.json_lines import is_secret

LONGEST_VALUE = 100
"""How many characters of an invalid value are repeated."""
VISIBLE, WITHOUT_NUL = "^[!-~]+$", r"^[^\x00]*$"

NOT_A_TIME = Text("This must be a date and time in RFC 3339 format, for example 2026-11-21T06:00:00Z.")
INVALID = Text("This value is invalid. Check it against the API reference.")
PATTERNS: Mapping[str, Text] = {
    VISIBLE: Text("This can contain only visible ASCII characters, without spaces."),
    WITHOUT_NUL: Text("This can't contain the character U+0000. Remove it."),
}
IN_WORDS: Mapping[str, Callable[[Mapping[str, Any]], Text]] = {
    "missing": lambda _limits: Text("This member is required. Add it."),
    "string_type": lambda _limits: Text("This must be a string."),
    "bool_type": lambda _limits: Text("This must be true or false."),
    "int_type": lambda _limits: Text("This must be a whole number."),
    "list_type": lambda _limits: Text("This must be an array."),
    "tuple_type": lambda _limits: Text("This must be an array."),
    "dict_type": lambda _limits: Text("This must be an object."),
    "model_type": lambda _limits: Text("This must be an object."),
    "string_too_short": lambda _limits: Text("This can't be empty."),
    "string_too_long": lambda limits: Text(
        "This can have at most %(count)s characters. Shorten it.", count=limits["max_length"]
    ),
    "greater_than_equal": lambda limits: Text("This must be %(least)s or more.", least=limits["ge"]),
    "less_than_equal": lambda limits: Text("This must be %(most)s or less.", most=limits["le"]),
    "literal_error": lambda limits: Text("This must be one of: %(values)s.", values=limits["expected"]),
    "string_pattern_mismatch": lambda limits: PATTERNS[limits["pattern"]],
    "timezone_aware": lambda _limits: Text("Add the time zone, for example 2026-11-21T06:00:00Z."),
    "datetime_type": lambda _limits: NOT_A_TIME,
    "datetime_parsing": lambda _limits: NOT_A_TIME,
    "datetime_from_date_parsing": lambda _limits: NOT_A_TIME,
    "datetime_object_invalid": lambda _limits: NOT_A_TIME,
    "value_error": lambda limits: getattr(limits["error"], "problem", INVALID),
}
"""The sentence for each type of error, from its limits (`ctx`)."""
WITHOUT_VALUE = {
    "missing",
    "extra_forbidden",
    "list_type",
    "tuple_type",
    "dict_type",
    "model_type",
    "string_too_short",
    "value_error",
}
"""Errors that do not repeat what was sent: it is missing, of any kind, or named in the sentence."""


class MemberProblem(TypedDict):
    """The problem with one member of a body, or with one query parameter."""

    member: str
    """Its name, a path such as `address.country`, or "" for the body as a whole."""
    problem: str
    sent: NotRequired[Text]
    """A second sentence, which repeats the value that was sent."""


def problems_of(error: ValidationError, kind: type[BaseModel]) -> list[MemberProblem]:
    """Return what is wrong with each member, in words. Values of members whose names are those of secrets, and of
    unknown members, are not repeated.
    """
    return [_problem(each, kind) for each in error.errors(include_url=False)]


def _problem(error: ErrorDetails, kind: type[BaseModel]) -> MemberProblem:
    path = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        words = _unknown(path[-1], _members(kind, path[:-1]))
    else:
        in_words = IN_WORDS.get(error["type"])
        words = INVALID if in_words is None else in_words(error.get("ctx", {}))
    said = MemberProblem(member=".".join(path), problem=words)
    value = error["input"]
    is_repeated = error["type"] not in WITHOUT_VALUE and isinstance(value, str | int | float | bool | None)
    if is_repeated and not any(is_secret(part) for part in path):
        said["sent"] = Text("You sent %(value)s.", value=_shortened(json.dumps(value, ensure_ascii=False)))
    return said


def _unknown(name: str, known: list[str]) -> Text:
    close = get_close_matches(name, known, n=1)
    if close:
        return Text("There is no such member. Did you mean %(name)s?", name=close[0])
    return Text("There is no such member. Remove it.")


def _members(kind: type[BaseModel], path: list[str]) -> list[str]:
    """Return the members of the object at this path in the body."""
    for name in path:
        annotation = kind.model_fields[name].annotation
        kind = next(each for each in (annotation, *get_args(annotation)) if _is_model(each))
    return list(kind.model_fields)


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
