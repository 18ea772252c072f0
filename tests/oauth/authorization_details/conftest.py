"""Two declared types, an app that asks for them, and details as apps write them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from provider.oauth.authorization_details.types import create_type, parse_declaration
from tests.oauth.conftest import Register
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty

PAYMENTS = "https://payments.example.test/"
FILES = "https://files.example.test/"
PAYMENT_TYPE, FILES_TYPE = "payment_initiation", "files"
PAYMENT: dict[str, Any] = {
    "label": {"en": "Make a payment", "de": "Eine Zahlung ausführen"},
    "description": {"en": "Pay {amount.value} {amount.currency} to {creditor}"},
    "fields": {"reference": {"en": "Reference", "de": "Verwendungszweck"}},
    "resources": [PAYMENTS],
    "json_schema": {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", "amount", "creditor"],
        "properties": {
            "type": {"const": PAYMENT_TYPE},
            "amount": {"$ref": "#/$defs/amount"},
            "creditor": {"type": "string", "maxLength": 100},
            "reference": {"type": "string"},
            "urgent": {"type": "boolean"},
        },
        "$defs": {
            "amount": {
                "type": "object",
                "additionalProperties": False,
                "required": ["currency", "value"],
                "properties": {
                    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
                    "value": {"type": "string", "pattern": "^[0-9]{1,9}(\\.[0-9]{2})?$"},
                },
            }
        },
    },
}
ACCESS: dict[str, Any] = {
    "label": "Access your files",
    "json_schema": {
        "type": "object",
        "additionalProperties": False,
        "required": ["type"],
        "properties": {
            "type": {"const": FILES_TYPE},
            "locations": {"type": "array", "items": {"type": "string", "format": "uri"}},
            "actions": {"type": "array", "items": {"enum": ["read", "write", "delete"]}},
            "identifier": {"type": "string"},
            "privileges": {"type": "array", "items": {"type": "string"}},
        },
    },
}

Declare = Callable[..., None]


def payment(value: str = "12.50", **members: Any) -> dict[str, Any]:
    amount = {"currency": "EUR", "value": value}
    return {"type": PAYMENT_TYPE, "amount": amount, "creditor": "Green Grocer", **members}


def files(*actions: str, **members: Any) -> dict[str, Any]:
    return {"type": FILES_TYPE, **({"actions": [*actions]} if actions else {}), **members}


def sent(*details: dict[str, Any]) -> str:
    return json.dumps([*details])


@pytest.fixture
def declare(work: Work) -> Declare:
    def make(name: str, declaration: dict[str, Any], **changes: Any) -> None:
        with work() as w:
            create_type(w, name, parse_declaration(declaration | changes))

    return make


@pytest.fixture
def types(declare: Declare) -> None:
    declare(PAYMENT_TYPE, PAYMENT)
    declare(FILES_TYPE, ACCESS)


@pytest.fixture
def shop(register: Register, types: None) -> RelyingParty:
    """An app that must ask."""
    return register(first_party=False, authorization_details_types=(PAYMENT_TYPE, FILES_TYPE))
