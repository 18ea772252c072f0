"""What is wrong with a value, in our own words: the messages of the validation library never reach an operator."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

WORDS = {
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "time_delta": "must be a duration, such as 90s, 10m, 24h or 14d",
    "string": "must be text",
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "tuple": "must be a list",
    "dict": "must be a table",
}
"""By the longest beginning of the error's type."""
BOUNDS = {"ge": "{} or more", "gt": "more than {}", "le": "{} or less", "lt": "less than {}"}


def problems_of(error: ValidationError) -> list[tuple[str, str]]:
    """Return the name of each wrong value and what it must be. The name is empty for values that do not go together.

    No value is repeated.
    """
    return [
        (str(problem["loc"][0]) if problem["loc"] else "", _words(problem["type"], problem.get("ctx", {})))
        for problem in error.errors(include_input=False, include_url=False)
    ]


def _words(kind: str, context: Mapping[str, Any]) -> str:
    if isinstance(context.get("error"), Exception):  # of a validator of ours
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {_choices(str(context['expected']))}"
    for name, words in BOUNDS.items():
        if name in context:
            return "must be " + words.format(context[name])
    if "max_length" in context:
        return f"must have at most {context['max_length']} characters"
    known = [beginning for beginning in WORDS if kind.startswith(beginning)]
    return WORDS[max(known, key=len)] if known else "is not a valid value for this setting"


def _choices(expected: str) -> str:
    """Return the choices without the quotes of Python."""
    return expected.replace("'", "")
