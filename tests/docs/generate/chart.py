"""The schema of the chart's values names every setting: those that are secret come from Secrets, the others do not."""

import json
from pathlib import Path
from typing import Any

from provider.config.secrets import is_secret, may_be_in_a_file
from provider.config.settings import PREFIX, Settings
from tests.docs.generate.markdown import DOCS

SCHEMA = DOCS.parent / "deploy/helm/signet/values.schema.json"
SET_BY_THE_CHART = {"metrics_address"}
VALUE = ["string", "number", "boolean", "null"]
"""The types of a setting. null removes one that another file of values has."""


def schema() -> tuple[Path, str]:
    """Return the file, and its text with the settings that the code has now. The rest of it is written by hand."""
    found = json.loads(SCHEMA.read_text("utf-8"))
    found["$defs"] |= {"settings": _settings(), "secrets": _secrets()}
    return SCHEMA, json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _settings() -> dict[str, Any]:
    properties = {
        PREFIX + name.upper(): {"type": VALUE, "description": field.description}
        for name, field in Settings.model_fields.items()
        if not is_secret(name, field) and name not in SET_BY_THE_CHART
    }
    properties["SIGNET_ISSUER"] |= {"type": "string", "pattern": "^https?://[^/]+"}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["SIGNET_ISSUER"],
        "properties": properties,
    }


def _secrets() -> dict[str, Any]:
    names = [PREFIX + name.upper() for name, field in Settings.model_fields.items() if may_be_in_a_file(name, field)]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"$ref": "#/$defs/secret"} for name in names},
    }
