"""The certified npm `openid-client` uses DPoP (RFC 9449) with a provider that requires nonces."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import EMAIL, Served, StartApp, serve, sign_in_at
from tests.support.chromium import NewPerson
from tests.support.server_process import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def served(sqlite_template: Path, tmp_path: Path) -> Iterator[Served]:
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    with serve(tmp_path, sqlite_template, issuer=issuer, port=port, SIGNET_DPOP_NONCE_REQUIRED="true") as served:
        yield served


def test_openid_client_signs_in_and_refreshes_with_dpop(start_app: StartApp, new_person: NewPerson) -> None:
    """Sections 5 to 10: it learns each nonce by itself, and nothing works without its key."""
    app = start_app("none", app="dpop", more={"alg": "ES256"}, dpop_bound_access_tokens=True)
    sign_in_at(app, new_person())
    learned = app.listen()
    assert learned["userinfo"]["email"] == EMAIL
    assert learned["same"]
    assert (learned["token_type"], learned["still_refreshed"]) == ("dpop", "dpop")
    assert "ES256" in learned["algorithms"]
    assert learned["refreshed_with_another_key"] == "invalid_grant"
    assert learned["refreshed_without_a_key"] == "invalid_dpop_proof"
    assert learned["used_with_another_key"] == learned["used_without_a_key"] == "invalid_token"
