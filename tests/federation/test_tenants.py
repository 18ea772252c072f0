"""Several upstreams with the preset of Microsoft: one for each tenant."""

from pathlib import Path
from typing import Any

import pytest

from provider.config.environment import SettingsError
from provider.federation.configuration import load_upstreams, parse_upstream
from provider.federation.issuers import is_issuer, share_an_issuer
from provider.federation.upstream_settings import UpstreamSettings
from tests.federation.conftest import write_upstreams

ONE, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"


def microsoft(tenant: str) -> UpstreamSettings:
    return parse_upstream("x", {"preset": "microsoft", "client_id": "us", "client_secret": "s", "tenant": tenant})


def issuer_of(tenant: str) -> str:
    return f"https://login.microsoftonline.com/{tenant}/v2.0"


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (ONE, OTHER, False),
        (ONE, ONE, True),
        (ONE, "common", True),
        (ONE, "organizations", True),
        (ONE, "consumers", False),
        (PERSONAL, "consumers", True),
        ("consumers", "organizations", False),
        ("consumers", "common", True),
        ("organizations", "common", True),
        ("organizations", "organizations", True),
    ],
)
def test_two_upstreams_share_an_issuer_if_a_user_could_come_from_both(one: str, other: str, shared: bool) -> None:
    """N-401: whose account it is must not depend on the button."""
    assert share_an_issuer(microsoft(one), microsoft(other)) is shared
    assert share_an_issuer(microsoft(other), microsoft(one)) is shared


def test_an_issuer_belongs_to_the_upstream_of_its_tenant() -> None:
    assert is_issuer(microsoft(ONE), issuer_of(ONE))
    assert not is_issuer(microsoft(ONE), issuer_of(OTHER))
    assert is_issuer(microsoft("common"), issuer_of(OTHER))
    plain = parse_upstream("y", {"name": "Y", "issuer": issuer_of(ONE), "client_id": "us", "client_secret": "s"})
    assert share_an_issuer(microsoft(ONE), plain)
    assert not share_an_issuer(plain, microsoft(OTHER))


def test_a_file_has_an_upstream_for_each_tenant(tmp_path: Path) -> None:
    table: dict[str, Any] = {"preset": "microsoft", "client_id": "us", "client_secret": "s"}
    both = {"one": {**table, "tenant": ONE}, "other": {**table, "tenant": OTHER}}
    assert len(load_upstreams(write_upstreams(tmp_path / "u.toml", both))) == 2
    with pytest.raises(SettingsError, match="an issuer twice"):
        load_upstreams(write_upstreams(tmp_path / "u.toml", both | {"every": table}))
