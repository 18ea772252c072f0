"""What a proxy's question costs: it is asked for each request to a protected site."""

from collections.abc import Callable, Iterator

import pytest

from provider.config.settings import Settings
from provider.web import threads
from provider.work import Installation
from tests.oauth.forward_auth.conftest import PROXY, WIKI, Protect, Visitor
from tests.support.costs import Calls, Costs, counted, require_costs
from tests.support.installation import settings_for

pytestmark = pytest.mark.both_databases

COSTS: Costs = {"forward auth": {"sqlite": (1, 199), "postgresql": (1, 249)}}
"""The statements and the Python calls on each database, as in `oauth/test_cost_of_operations.py`."""


@pytest.fixture
def settings(database_url: str) -> Settings:
    """With the caches that an installation has."""
    usual = Settings.model_fields
    caches = {name: usual[name].default for name in ("client_cache", "key_cache")}
    return settings_for(database_url, trusted_proxies=frozenset({PROXY}), allowed_hosts=frozenset({WIKI}), **caches)


@pytest.fixture(autouse=True)
def _endpoints_stay_in_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LOOP_PAUSE", 0.0)


@pytest.fixture(autouse=True)
def calls() -> Iterator[Calls]:
    with counted() as calls:
        yield calls


def test_a_question_of_a_proxy_reads_the_database_once(
    calls: Calls, protect: Protect, visitor: Callable[..., Visitor], ada: str, installation: Installation
) -> None:
    protect(protected_paths={"/admin": {"allowed_groups": ["admins"]}})
    visit = visitor(ada)
    visit.sign_in()
    require_costs(calls, installation, {"forward auth": visit.ask}, COSTS)
