"""A signing key that is still used, as operators see it: in the console, the admin API, the doctor and the metrics."""

from datetime import timedelta

import pytest

from provider.audit import hourly
from provider.doctor.system_checks import _used_keys
from provider.metrics import InstallationCollector
from provider.oauth.keys import rotation, waiting
from provider.oauth.keys.uses import Use
from provider.observability import counters
from provider.operators.overview.health import find_key_ages
from provider.work import Installation
from tests.admin.conftest import Console, Program, events
from tests.support.clock import Clock
from tests.support.installation import Work


def note_use(work: Work, kid: str, use: Use, source: str, count: int = 1) -> None:
    with work() as w:
        hourly.add_key_use(w.db, w.now, counters.use_of_key(kid, use, source), count)
        rotation.follow_schedule(w, "ES256")


def delay_of(installation: Installation, step: str) -> float:
    """The metric, for ES256."""
    return next(
        sample.value
        for metric in InstallationCollector(installation).collect()
        for sample in metric.samples
        if metric.name == "signet_signing_key_delay_seconds" and sample.labels == {"alg": "ES256", "step": step}
    )


@pytest.fixture
def kid(work: Work, clock: Clock) -> str:
    """A retired key whose last token should have expired, and is sent by an app all the same."""
    with work() as w:
        old = rotation.key_states_of(rotation.list_keys(w), "ES256").current
        assert old is not None
        rotation.rotate(w, alg="ES256", at_once=True)
    clock.advance(hours=1, minutes=4)
    note_use(work, old.kid, Use.ACCESS_TOKEN, "shop", 1200)
    note_use(work, old.kid, Use.EXPIRED_ACCESS_TOKEN, "old <app>")
    clock.advance(minutes=20)
    note_use(work, old.kid, Use.ID_TOKEN, "wiki")
    return old.kid


def test_the_console_names_who_uses_a_key_and_removes_it_on_confirmation(
    kid: str, console: Console, work: Work
) -> None:
    page = console.open("/keys")
    assert "still used" in page.text
    assert "valid access tokens (1,200)" in page.text
    assert "old &lt;app&gt;" in page.html
    assert "/admin/clients/client?client_id=shop" in page.html
    assert f"/keys/key/remove?kid={kid}" not in page.html
    assert "It is still used: shop." in console.open(f"/keys/key/remove-now?kid={kid}").text
    page = console.act(f"/keys/key/remove-now?kid={kid}", why="the app is gone")
    assert "Key removed." in page.text
    assert "still used" not in page.text
    (removed,) = events(work, "key.removed")
    assert (removed["kid"], removed["why"], removed["was_delayed"]) == (kid, "the app is gone", True)


def test_the_admin_api_and_the_doctor_name_who_uses_a_key(
    kid: str, operator: Program, work: Work, installation: Installation, clock: Clock
) -> None:
    key = next(one for one in operator.get("/keys")["keys"] if one["kid"] == kid)
    assert key["is_delayed"]
    assert key["tokens_expire_at"] < key["expires_at"] < key["removed_at_the_latest"]
    assert {(use["source"], use["use"], use["count"]) for use in key["uses"]} == {
        ("shop", "access_token", 1200),
        ("old <app>", "expired_access_token", 1),
        ("wiki", "id_token", 1),
    }
    assert delay_of(installation, "removal") == 0.0
    clock.advance(minutes=5)
    assert delay_of(installation, "removal") == 300.0
    assert delay_of(installation, "rotation") == 0.0
    with work() as w:
        assert list(_used_keys(w)) == []
        w.settings = w.settings.model_copy(update={"key_max_wait": timedelta(minutes=30)})
        (found,) = _used_keys(w)
    assert "still used by shop (1200 times, last " in found.problem
    assert f"signet key revoke {kid}" in found.fix
    refused = operator("POST", f"/keys/{kid}/remove", even_if_used=False)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "key-still-used")
    assert "shop" in refused.json()["detail"]
    assert operator("POST", f"/keys/{kid}/remove", even_if_used=True).status_code == 204
    assert operator("POST", f"/keys/{kid}/remove", even_if_used=True).status_code == 404


def test_a_rotation_that_waits_is_not_overdue(work: Work, installation: Installation, clock: Clock) -> None:
    """The doctor says who lacks the next key, and later that no worker seems to run."""
    with work() as w:
        rotation.follow_schedule(w, "ES256")
        upcoming = rotation.key_states_of(rotation.list_keys(w), "ES256").upcoming
    assert upcoming is not None
    clock.advance(days=90, minutes=1)
    note_use(work, upcoming.kid, Use.KEY_SET, "192.0.2.0/24 curl")
    clock.advance(hours=23)
    note_use(work, upcoming.kid, Use.KEY_SET, "192.0.2.0/24 curl")
    assert delay_of(installation, "rotation") == 23 * 3600
    with work() as w:
        (found,) = _used_keys(w)
        assert "these do not know it: 192.0.2.0/24 curl" in found.problem
        assert waiting.find_statuses(w)
    for days, is_late in ((1, False), (1, True)):
        clock.advance(days=days)
        with work() as w:
            assert next(age.is_late for age in find_key_ages(w) if age.alg == "ES256") is is_late
