"""The chart's files without helm: what it is for, and that its settings and secrets are those of the code."""

import json
from typing import Any

import jsonschema_rs
import pytest
import yaml

from provider import __version__
from provider.config.secrets import may_be_in_a_file
from provider.config.settings import PREFIX, Settings
from tests.chart.helm import CHART, EXAMPLES

VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text("utf-8"))


def problems(values: dict[str, Any]) -> list[str]:
    merged = VALUES | values | {"settings": VALUES["settings"] | values.get("settings", {})}
    return [str(error) for error in jsonschema_rs.Draft202012Validator(SCHEMA).iter_errors(merged)]


def test_the_chart_is_for_this_version_of_signet() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


@pytest.mark.parametrize("name", ["ingress", "gateway"])
def test_the_values_of_each_example_are_valid(name: str) -> None:
    assert problems(yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text("utf-8"))) == []


def test_the_schema_knows_every_default_and_no_other_value() -> None:
    def compare(values: dict[str, Any], schema: dict[str, Any], place: str) -> None:
        for name, known in schema.get("properties", {}).items():
            assert name in values or name == "global", f"{place}.{name} has no default"
            if known.get("additionalProperties") is False:
                compare(values[name], known, f"{place}.{name}")

    assert SCHEMA["properties"]
    compare(VALUES, SCHEMA, "values")


GIVEN = {"image": {"repository": "signet"}, "settings": {"SIGNET_ISSUER": "https://id.example.com"}}


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"settings": {"SIGNET_ISUER": "https://id.example.com"}}, "SIGNET_ISUER"),
        ({"settings": {"SIGNET_ISSUER": ""}}, "does not match"),
        ({"settings": {"SIGNET_SECRET_KEY": "k" * 32}}, "SIGNET_SECRET_KEY"),
        ({"secrets": {"SIGNET_BRAND": {"secret": "signet", "key": "brand"}}}, "SIGNET_BRAND"),
        ({"secrets": {"SIGNET_SECRET_KEY": "k" * 32}}, "is not of type"),
        ({"image": {"repository": ""}}, "shorter than 1"),
        ({"web": {"replica": 3}}, "replica"),
        ({"mutualTls": {"url": "http://mtls.id.example.com"}}, "does not match"),
    ],
)
def test_a_mistake_is_found_before_the_installation(values: dict[str, Any], wrong: str) -> None:
    assert problems(GIVEN) == []
    found = problems(GIVEN | values)
    assert any(wrong in problem for problem in found), found


def test_each_default_secret_is_a_setting_that_may_be_in_a_file() -> None:
    files = {PREFIX + name.upper() for name, field in Settings.model_fields.items() if may_be_in_a_file(name, field)}
    assert VALUES["secrets"].keys() <= files
