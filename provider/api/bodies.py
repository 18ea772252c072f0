"""Request and response bodies: JSON objects with known members, validated on arrival. Unknown members are rejected. A
file is taken as it is.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, ClassVar, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from provider.api.validation import WITHOUT_NUL, MemberProblem, problems_of
from provider.jose.json_objects import read_json
from provider.languages.free_text import clean_line
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.web.call import Call

JSON_TYPE = "application/json"
NOT_VALID_JSON = Text("The body must be valid JSON in UTF-8, and no object may have the same member twice.")


class Body(BaseModel):
    """A JSON object with exactly these members, all of which are described in the OpenAPI document."""

    # Each is built at its first use: there are a hundred, and a service starts without any.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class OutOfRange(ValueError):
    """A time that is outside the range of datetime in UTC."""

    problem = Text("This must be between the years 1 and 9999 in UTC.")


def as_moment(given: datetime) -> datetime:
    """Convert a time to UTC; one without a zone is taken as UTC. Raises OutOfRange."""
    try:
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except OverflowError:
        raise OutOfRange from None


Moment = Annotated[AwareDatetime, AfterValidator(as_moment)]
Line = Annotated[str, AfterValidator(partial(clean_line, most=200))]
"""One line of free text that people read, of at most 200 characters."""
Words = Annotated[str, Field(pattern=WITHOUT_NUL)]
"""Text without NUL characters, which PostgreSQL cannot store."""


class Nothing(Body):
    """An empty body."""


class File(Body):
    """A file sent as the body. It has one of these media types, and may be larger than other bodies."""

    media_types: ClassVar[tuple[str, ...]]
    max_body: ClassVar[int]

    content: bytes


Taken = TypeVar("Taken", bound=Body)


class NotJson(Refusal):
    code = "not-json"
    status_code = 415
    title = Text("Unsupported media type")
    message = Text("Send the request body as JSON with the header Content-Type: application/json.")


class UnknownType(Refusal):
    code = "unknown-type"
    status_code = 415
    title = Text("Unsupported media type")
    message = Text("The Content-Type is none of those this operation takes.")


class InvalidBody(Refusal):
    """An invalid body or query. `errors` gives the problem of each wrong member or parameter."""

    code = "invalid-body"
    title = Text("Invalid request")
    message = Text("The request has invalid values. See errors for each one and how to fix it.")

    def __init__(self, errors: Sequence[MemberProblem]) -> None:
        self.errors = errors
        super().__init__()


def read(call: Call, kind: type[Taken]) -> Taken:
    """Parse the body of the request. Raises NotJson, UnknownType or InvalidBody."""
    if kind is Nothing:
        return kind()
    media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if issubclass(kind, File):
        if media_type not in kind.media_types:
            raise UnknownType
        return kind(content=call.body)
    if media_type != JSON_TYPE:
        raise NotJson
    try:
        # Read strictly first: the validator lets NaN in, takes the last of repeated members, and 1.0 for no integer.
        given = read_json(call.body)
        # A lone surrogate is no text: no database keeps it, no letter carries it.
        body = json.dumps(given, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise InvalidBody([{"member": "", "problem": NOT_VALID_JSON}]) from None
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise InvalidBody(problems_of(error, kind)) from None
