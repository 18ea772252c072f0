"""What a client reads about an invalid body: our words, never those of Pydantic."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from starlette.routing import Route

from provider.admin.api.registration_tokens import RegistrationTokenRequest
from provider.admin.api.sessions import SessionChange
from provider.admin.api.users.credentials import EmailRequest
from provider.admin.api.users.users import Change, NewAccount, Suspension
from provider.admin.api.webhooks import NewWebhook
from provider.api.bodies import File, Nothing
from provider.api.endpoints.password import PasswordChange
from provider.api.operation import Operation
from provider.api.validation import IN_WORDS, INVALID, problems_of
from provider.config.settings import Settings
from provider.languages.text import Text
from provider.routes import routes
from tests.api.conftest import App
from tests.support.relying_party import basic

WORDS: dict[str, tuple[type[BaseModel], Any, str, str]] = {
    "a member is missing": (NewAccount, {}, "email", "This member is required. Add it."),
    "a member is unknown": (NewAccount, {"email": "a@b.example", "x": 1}, "x", "There is no such member. Remove it."),
    "a name is mistyped": (Change, {"role": ["a"]}, "role", "There is no such member. Did you mean roles?"),
    "a name within an object is mistyped": (
        Change,
        {"claims": {"address": {"contry": "FR"}}},
        "claims.address.contry",
        "There is no such member. Did you mean country?",
    ),
    "no string": (NewAccount, {"email": 5}, "email", "This must be a string. You sent 5."),
    "null": (NewAccount, {"email": None}, "email", "This must be a string. You sent null."),
    "no boolean": (
        Change,
        {"email_verified": "yes"},
        "email_verified",
        'This must be true or false. You sent "yes".',
    ),
    "no number": (RegistrationTokenRequest, {"uses": "2"}, "uses", 'This must be a whole number. You sent "2".'),
    "too small a number": (RegistrationTokenRequest, {"uses": 0}, "uses", "This must be 1 or more. You sent 0."),
    "too large a number": (
        RegistrationTokenRequest,
        {"uses": 1_000_001},
        "uses",
        "This must be 1000000 or less. You sent 1000001.",
    ),
    "no array": (NewWebhook, {"url": "https://a.example", "events": "x"}, "events", "This must be an array."),
    "no object": (Change, {"claims": "x"}, "claims", "This must be an object."),
    "no object at all": (Change, [], "", "This must be an object."),
    "an empty text": (Change, {"roles": [""]}, "roles.0", "This can't be empty."),
    "a text with spaces": (
        Change,
        {"roles": ["a", "b c"]},
        "roles.1",
        'This can contain only visible ASCII characters, without spaces. You sent "b c".',
    ),
    "a long text": (
        Change,
        {"roles": ["r" * 201]},
        "roles.0",
        'This can have at most 200 characters. Shorten it. You sent "' + "r" * 98 + "….",
    ),
    "none of the choices": (
        EmailRequest,
        {"purpose": "spam"},
        "purpose",
        "This must be one of: 'verify', 'reset' or 'invite'. You sent \"spam\".",
    ),
    "no time": (
        SessionChange,
        {"expires_at": "soon"},
        "expires_at",
        'This must be a date and time in RFC 3339 format, for example 2026-11-21T06:00:00Z. You sent "soon".',
    ),
    "a time without a zone": (
        SessionChange,
        {"expires_at": "2026-11-21T06:00:00"},
        "expires_at",
        'Add the time zone, for example 2026-11-21T06:00:00Z. You sent "2026-11-21T06:00:00".',
    ),
    "a time that no calendar has": (
        SessionChange,
        {"expires_at": "9999-12-31T23:59:59-10:00"},
        "expires_at",
        "This must be between the years 1 and 9999 in UTC.",
    ),
    "a character that is refused": (
        Suspension,
        {"reason": "a\x07"},
        "reason",
        "Remove this character: U+0007 (a control character).",
    ),
    "a secret, which is not repeated": (
        PasswordChange,
        {"current_password": 12345678, "new_password": "x"},
        "current_password",
        "This must be a string.",
    ),
}
WRONG: tuple[Any, ...] = (
    "",
    "x" * 5000,
    "a b\x00",
    "soon",
    -1,
    10**12,
    1.5,
    True,
    None,
    [],
    [5],
    {},
    {"x": 1},
    "2026-11-21T06:00:00",
)


def refusal_of(kind: type[BaseModel], given: Any) -> ValidationError | None:
    try:
        kind.model_validate_json(json.dumps(given))
    except ValidationError as refused:
        return refused
    return None


def sentences(kind: type[BaseModel], given: Any) -> dict[str, str]:
    """What is said about each member."""
    refused = refusal_of(kind, given)
    assert refused is not None
    found = {}
    for one in problems_of(refused, kind):
        texts = [one["problem"], *([one["sent"]] if "sent" in one else [])]
        found[one["member"]] = " ".join(texts)
    return found


def bodies() -> Iterator[type[BaseModel]]:
    """Every body that an operation takes."""
    for route in routes(Settings()):
        taken = route.endpoint.takes if isinstance(route, Route) and isinstance(route.endpoint, Operation) else Nothing
        if taken is not Nothing and not issubclass(taken, File):
            yield taken


@pytest.mark.parametrize(("kind", "given", "member", "said"), WORDS.values(), ids=WORDS)
def test_a_member_that_is_invalid_is_named_with_its_value_and_what_to_send(
    kind: type[BaseModel], given: Any, member: str, said: str
) -> None:
    assert sentences(kind, given)[member] == said


def test_every_error_of_every_member_has_words_that_are_translated() -> None:
    seen = set()
    for kind in set(bodies()):
        for name in kind.model_fields:
            for value in WRONG:
                refused = refusal_of(kind, {name: value})
                if refused is not None:
                    seen |= {error["type"] for error in refused.errors()}
                    problems = [one["problem"] for one in problems_of(refused, kind)]
                    assert all(isinstance(problem, Text) for problem in problems), problems
                    assert not any(problem is INVALID for problem in problems), (kind, refused)
    assert len(seen) > 12
    assert seen <= {*IN_WORDS, "extra_forbidden"}


def test_the_response_has_the_words_in_the_language_of_the_client(app_of_ours: App) -> None:
    """RFC 9457: `errors` says what to send instead; a secret is not repeated."""
    assert app_of_ours.rp.secret is not None
    credentials = basic(app_of_ours.rp.client_id, app_of_ours.rp.secret)
    answer = app_of_ours.http.post(
        "/api/account/reset-password",
        json={"token": 5, "password": "x", "Password": "y"},
        headers={"authorization": credentials, "accept-language": "de"},
    )
    assert answer.status_code == 400
    assert answer.json()["title"] == "Ungültige Anfrage"
    assert answer.json()["errors"] == [
        {"member": "token", "problem": "Hier muss eine Zeichenkette stehen."},
        {"member": "Password", "problem": "Dieses Feld gibt es nicht. Meinten Sie password?"},
    ]
