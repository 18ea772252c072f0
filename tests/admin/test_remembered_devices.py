"""Operators see and remove a user's remembered devices: admin API and console."""

import pytest

from provider.accounts import known_devices
from provider.accounts.factors import remembered_devices
from provider.database.base import new_id
from tests.admin.conftest import Console, Program, events
from tests.support.installation import Work


@pytest.fixture
def device(work: Work, ada: str) -> str:
    with work() as w:
        value = known_devices.remember(w, user_id=ada, value=None)
        assert remembered_devices.remember(w, user_id=ada, device=value, before=None)
        ((known, _),) = remembered_devices.find_of_user(w, ada)
        return known.id


def test_the_admin_api_lists_and_removes_remembered_devices(
    operator: Program, ada: str, device: str, work: Work
) -> None:
    (shown,) = operator("GET", f"/users/{ada}/remembered-devices").json()["devices"]
    assert shown["id"] == device
    assert shown["created_at"] < shown["expires_at"]
    for unknown in (new_id(), "x"):
        refused = operator("DELETE", f"/users/{ada}/remembered-devices/{unknown}")
        assert (refused.status_code, refused.json()["type"]) == (404, "urn:signet:problem:no-such-remembered-device")
    assert operator("DELETE", f"/users/{ada}/remembered-devices/{device}").status_code == 204
    assert operator("GET", f"/users/{ada}/remembered-devices").json() == {"devices": []}
    assert operator("DELETE", f"/users/{ada}/remembered-devices/{device}").status_code == 404
    (event,) = events(work, "account.remembered_device.removed")
    assert (event["device"], event["reason"]) == (device, "removed")


def test_the_console_shows_it_and_ends_it_with_the_known_device(console: Console, ada: str, device: str) -> None:
    assert "No second factor until" in console.open(f"/users/{ada}/security").text
    console.act(f"/users/{ada}/forget-device?device={device}", "lost laptop")
    assert "No second factor until" not in console.open(f"/users/{ada}/security").text
