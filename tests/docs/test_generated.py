"""The reference pages say what the code has: settings, commands, endpoints, scopes, claims, operations and errors."""

import jsonschema_rs
import pytest

from tests.docs.generate import chart
from tests.docs.generate import pages as generated
from tests.docs.generate.examples import OF_A_BODY, VALUES, example
from tests.docs.generate.operations import Reference


def test_the_generated_parts_of_the_pages_are_those_of_the_code() -> None:
    lagging = [path.name for path, text in generated.pages() if path.read_text("utf-8") != text]
    assert lagging == [], "run `make references`"


def test_the_schema_of_the_chart_has_the_settings_of_the_code() -> None:
    path, text = chart.schema()
    assert path.read_text("utf-8") == text, "run `make references`"


def test_every_generated_part_is_on_one_page() -> None:
    placed = [part[1] for path, text in generated.pages() for part in generated.GENERATED.finditer(text)]
    assert sorted(placed) == sorted(generated.PARTS)


@pytest.mark.parametrize("api", ["admin", "account"])
def test_every_example_of_a_body_is_valid(api: str) -> None:
    """The schemas are those of the OpenAPI documents (JSON Schema 2020-12)."""
    schemas = Reference(api).schemas
    names = schemas.keys() - {"Problem"}
    assert names
    for name in names:
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        problems = [str(error) for error in validator.iter_errors(example(name, schemas))]
        assert problems == [], name


def test_every_value_of_the_examples_is_of_a_member() -> None:
    members, paths = set(), set()
    for api in ("admin", "account"):
        for name, schema in Reference(api).schemas.items():
            members |= set(schema.get("properties", {}))
            paths |= {f"{name}.{member}" for member in schema.get("properties", {})}
    assert (VALUES.keys() - members, OF_A_BODY.keys() - paths) == (set(), set())


def test_every_member_of_a_body_is_in_a_table() -> None:
    """Of the operation, or of an object that it links to."""
    for api in ("admin", "account"):
        reference = Reference(api)
        text = reference.operations() + reference.objects()
        assert reference.schemas
        for name in reference.schemas.keys() - {"Problem"}:
            for member in reference.schemas[name].get("properties", {}):
                assert f"| `{member}` | " in text, f"{name}.{member}"
