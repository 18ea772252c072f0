"""The JSON Schema of the authorization details of one type."""

from typing import Any

from provider.jose import json_schemas
from provider.jose.json_schemas import InvalidSchema


def check_schema(schema: object) -> dict[str, Any]:
    """Return the schema. Raises InvalidSchema, also if it would accept unknown members (RFC 9396 section 5)."""
    is_closed = isinstance(schema, dict) and schema.get("additionalProperties") is False
    if isinstance(schema, dict) and (not is_closed or schema.get("type") != "object"):
        raise InvalidSchema(
            'must have "type": "object" and "additionalProperties": false, because unknown members are rejected '
            "(RFC 9396 section 5)"
        )
    return json_schemas.check_schema(schema)
