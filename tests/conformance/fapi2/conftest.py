"""The FAPI plans in process, each with `fapi`: by default the Security Profile with every variant."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.fapi2.plan import HOUR, VARIANTS, Fapi, open_plan
from tests.oauth.sender_constraint.conftest import StoppedTime
from tests.support import client_keys
from tests.support.client_certificates import Shown, issue


@pytest.fixture(scope="session")
def suite_authority() -> Shown:
    return issue("CN=Conformance authority", ca=True, ends=1000 * HOUR)


@pytest.fixture(scope="module", params=VARIANTS, ids="+".join)
def fapi(
    request: pytest.FixtureRequest,
    sqlite_template: Path,
    suite_authority: Shown,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fapi]:
    with open_plan(request.param, sqlite_template, suite_authority, tmp_path_factory.mktemp("fapi2")) as fapi:
        yield fapi


@pytest.fixture(autouse=True)
def _time(fapi: Fapi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the clients is that of the server."""
    monkeypatch.setattr(client_keys, "time", StoppedTime(fapi.clock))
