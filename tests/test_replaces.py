"""docs/replaces.md names what is there: every path, every test, every setting and command in it exists."""

import re

import pytest
from starlette.routing import Route

from provider.routes import routes
from provider.settings import Settings
from tests.server_process import REPOSITORY

TEXT = (REPOSITORY / "docs/replaces.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| there")
]
PATHS = {route.path for route in routes(Settings()) if isinstance(route, Route)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:50])
def test_each_operation_is_replaced_by_something_that_is_there(row: list[str]) -> None:
    assert len(row) in {2, 3}, row
    here = row[1]
    for path in re.findall(r"`(?:GET |POST )?(/[a-z0-9/-]+)`", here):
        assert path in PATHS, path
    if "API" in here:
        for path in re.findall(r"`(?:GET|POST|PUT|DELETE) ([a-z][a-z/{}-]*)`", here):
            wanted = re.sub(r"{\w+}", "{}", f"/api/account/{path}")
            assert wanted in {re.sub(r"{\w+(:\w+)?}", "{}", there) for there in PATHS}, path
    for name in re.findall(r"`SIGNET_([A-Z_]+)`", here):
        assert name.lower() in Settings.model_fields, name


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:\w+/)*test_\w+\.py)`", TEXT))))
def test_each_test_it_points_to_exists(name: str) -> None:
    found = [path for path in (REPOSITORY / "tests").rglob(name.rpartition("/")[2]) if str(path).endswith(name)]
    assert found, name
