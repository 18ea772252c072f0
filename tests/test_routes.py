"""Which URLs there are."""

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.config.general import FEATURES, Feature
from provider.config.settings import Settings
from provider.routes import routes
from tests.support.installation import settings_for

ALL = frozenset(FEATURES)


def urls(features: frozenset[Feature]) -> set[tuple[str, str]]:
    found = [route for route in routes(Settings(features=features)) if isinstance(route, Route)]
    return {(method, route.path) for route in found for method in route.methods or ()}


@pytest.fixture
def settings(database_url: str, feature: Feature) -> Settings:
    return settings_for(database_url, features=ALL - {feature})


@pytest.mark.parametrize(
    ("feature", "path"),
    [
        ("registration", "/signup"),
        ("reset-passwords", "/forgot-password"),
        ("email-verification", "/verify-email"),
        ("update-profile", "/account/profile"),
        ("update-passwords", "/account/password"),
        ("two-factor", "/account/two-factor"),
    ],
)
def test_what_belongs_to_a_feature_that_is_off_does_not_exist(client: TestClient, feature: Feature, path: str) -> None:
    """A-86: neither its page nor anything that its forms and the API do. Replaces: feature flags."""
    left = urls(ALL - {feature})
    gone = urls(ALL) - left
    assert ("GET", path) in gone
    for method, address in gone:
        is_still_there = any(address == other for _, other in left)
        assert client.request(method, address).status_code == (405 if is_still_there else 404), (method, address)
