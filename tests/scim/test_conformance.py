"""What scim2-tester says of the service (RFC 7643, RFC 7644)."""

import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server
from scim2_tester.utils import ResourceManager
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.scim.conftest import BASE, Directory
from tests.support.installation import ISSUER


@pytest.mark.slow
def test_scim2_tester_finds_no_error(app: Starlette, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    original = ResourceManager.cleanup

    def cleanup(self: ResourceManager) -> None:
        original(self)
        self.resources.clear()  # or every check would delete those of all checks before it: 500 requests

    monkeypatch.setattr(ResourceManager, "cleanup", cleanup)
    http = TestClient(app, base_url=ISSUER + BASE, headers={"authorization": f"Bearer {directory.token}"})
    results = check_server(SyncSCIMClient(http))
    bad = [one for one in results if one.status in {Status.ERROR, Status.CRITICAL, Status.DEVIATION}]
    assert not bad, "\n\n".join(f"{one.title}: {one.reason}" for one in bad)
    assert len([one for one in results if one.status is Status.SUCCESS]) > 80
