"""Users list and remove remembered devices in an app."""

from provider.accounts import known_devices
from provider.accounts.factors import remembered_devices
from tests.api.conftest import Caller
from tests.support.installation import Work


def test_a_user_lists_and_removes_remembered_devices(as_ada: Caller, ada: str, work: Work) -> None:
    with work() as w:
        value = known_devices.remember(w, user_id=ada, value=None)
        assert remembered_devices.remember(w, user_id=ada, device=value, before=None)
    (device,) = as_ada.get("/remembered-devices")["devices"]
    assert device["created_at"] < device["expires_at"]
    path = f"/remembered-devices/{device['id']}"
    assert [as_ada("DELETE", path).status_code, as_ada("DELETE", path).status_code] == [204, 404]
    assert as_ada.get("/remembered-devices") == {"devices": []}
