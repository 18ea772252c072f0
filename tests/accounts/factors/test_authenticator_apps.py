"""Several authenticator apps of one user: adding, using, naming, moving and removing them."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import insert

from provider.accounts.data_export import export
from provider.accounts.factors import authenticator_apps, removal, second_factor
from provider.accounts.factors.authenticator_apps import OnlyAuthenticatorApp
from provider.accounts.factors.store import passkeys, totp, two_factor_choices
from provider.accounts.factors.store.totp import TotpCredential, further_totp_credentials, totp_credentials
from provider.audit import store as audit
from tests.accounts.account_with_everything import make_passkey
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import (
    ADDRESS,
    add_authenticator_app,
    code_of,
    is_signed_in,
    key_on,
    recovery_codes_on,
    sign_in,
    turn_on_two_factor,
)


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def keys(browser: Browser, ada: str, clock: Clock) -> tuple[str, str]:
    """The keys of her first app and of another one, "Tablet". Their codes can be used a minute later."""
    sign_in(browser)
    first, _ = turn_on_two_factor(browser, clock.now)
    second = add_authenticator_app(browser, clock.now, "Tablet")
    clock.advance(minutes=1)
    return first, second


def names(work: Work, user_id: str) -> list[str]:
    with work() as w:
        return [one.name for one in authenticator_apps.find_of_user(w, user_id)]


def signs_in(browser: Browser, code: str) -> bool:
    sign_in(browser)
    return browser.submit({"code": code}).path == "/account"


@pytest.mark.both_databases
def test_a_code_of_any_app_signs_in_once(browser: Browser, ada: str, keys: tuple[str, str], clock: Clock) -> None:
    """RFC 6238 section 5.2, for each app by itself."""
    codes = [code_of(key, clock.now) for key in keys]
    assert [signs_in(browser, code) for code in codes] == [True, True]
    assert [signs_in(browser, code) for code in codes] == [False, False]
    sign_in(browser)
    assert "You already used this code." in browser.submit({"code": codes[1]}).text


def test_adding_one_keeps_sessions_and_recovery_codes(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, clock: Clock, work: Work
) -> None:
    sign_in(browser)
    first, codes = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=1)
    other = new_browser()
    assert signs_in(other, code_of(first, clock.now))
    add_authenticator_app(browser, clock.now, "Tablet")
    assert is_signed_in(other)
    assert inbox.latest(ADDRESS).subject == "An authenticator app was added to your Signet account"
    assert "Tablet" in inbox.latest(ADDRESS).text
    assert signs_in(browser, code_of(first, clock.now, steps=1))
    sign_in(browser)
    browser.follow("Lost your device?")
    assert browser.submit({"code": codes[0]}).path == "/account"
    assert names(work, ada) == ["", "Tablet"]
    page = browser.open("/account/two-factor")
    assert "Tablet" in page.text
    assert "not used yet" in page.text
    assert "Authenticator app, Tablet" in browser.open("/account/security").text


def test_moving_one_leaves_the_others(
    browser: Browser, inbox: Inbox, ada: str, keys: tuple[str, str], clock: Clock, work: Work
) -> None:
    """The old one works until the new one is confirmed."""
    first, tablet = keys
    with work() as w:
        moved = authenticator_apps.find_of_user(w, ada)[1]
    browser.open("/account/two-factor")
    page = browser.submit(button="Move to a new device Tablet")
    assert "“Tablet” keeps working until you finish." in page.text
    new = key_on(page)
    assert len(recovery_codes_on(browser.submit({"code": code_of(new, clock.now), "name": "New tablet"}))) == 10
    assert names(work, ada) == ["", "New tablet"]
    letter = inbox.latest(ADDRESS)
    assert letter.subject == "Your Signet codes moved to a new device"
    assert "New tablet" in letter.text
    clock.advance(minutes=1)
    assert [signs_in(browser, code_of(key, clock.now)) for key in (tablet, new, first)] == [False, True, True]
    with work() as w:
        told = [(event.name, event.details.get("authenticator_app")) for event in audit.find(w.read, user_id=ada)]
    assert ("account.authenticator_app.removed", moved.id) in told


@pytest.mark.both_databases
def test_the_first_one_can_be_removed_and_the_next_takes_its_place(
    browser: Browser, inbox: Inbox, ada: str, keys: tuple[str, str], clock: Clock, work: Work
) -> None:
    """The release before this one reads the first row only, and must not accept the codes of a removed app."""
    first, tablet = keys
    third = add_authenticator_app(browser, clock.now, "Laptop")
    browser.open("/account/two-factor")
    browser.submit(button="Remove Authenticator app")
    assert names(work, ada) == ["Tablet", "Laptop"]
    assert inbox.latest(ADDRESS).subject == "An authenticator app was removed from your Signet account"
    clock.advance(minutes=1)
    assert [signs_in(browser, code_of(key, clock.now)) for key in (first, tablet, third)] == [False, True, True]
    with work() as w:
        tablet_row = authenticator_apps.find_of_user(w, ada)[0]
        assert w.read.scalar(totp_credentials.select().with_only_columns(totp_credentials.c.seed)) == tablet_row.seed


def test_the_last_one_is_removed_by_turning_two_factor_off(
    browser: Browser, ada: str, keys: tuple[str, str], work: Work
) -> None:
    browser.open("/account/two-factor")
    browser.submit(button="Remove Tablet")
    page = browser.open("/account/two-factor")
    assert "Remove Authenticator app" not in page.text
    with work() as w, pytest.raises(OnlyAuthenticatorApp):
        (last,) = authenticator_apps.find_of_user(w, ada)
        authenticator_apps.remove(w, user_id=ada, app_id=last.id)
    assert names(work, ada) == [""]


@pytest.mark.both_databases
def test_of_two_that_are_removed_at_the_same_time_one_stays(ada: str, work: Work) -> None:
    with work() as w:
        for name in ("Phone", "Tablet"):
            totp.add(w.db, TotpCredential(ada, f"sealed {name}", w.now, 0, name=name))
        ids = [one.id for one in authenticator_apps.find_of_user(w, ada)]
    start = Barrier(len(ids))

    def remove(app_id: str) -> bool:
        start.wait()
        try:
            with work() as w:
                authenticator_apps.remove(w, user_id=ada, app_id=app_id)
        except OnlyAuthenticatorApp:
            return False
        return True

    with ThreadPoolExecutor(len(ids)) as pool:
        assert sorted(pool.map(remove, ids)) == [False, True]
    assert len(names(work, ada)) == 1


def test_the_last_one_can_go_if_passkeys_are_asked_for(ada: str, work: Work) -> None:
    with work() as w:
        totp.add(w.db, TotpCredential(ada, "sealed", w.now, 0))
        passkeys.add(w.db, make_passkey(ada, w.now))
        (last,) = authenticator_apps.find_of_user(w, ada)
        with pytest.raises(OnlyAuthenticatorApp):  # the password alone would sign in
            authenticator_apps.remove(w, user_id=ada, app_id=last.id)
        two_factor_choices.add(w.db, ada, now=w.now)
        authenticator_apps.remove(w, user_id=ada, app_id=last.id)
        assert second_factor.is_enabled(w, ada)


def test_it_is_renamed(browser: Browser, ada: str, keys: tuple[str, str], work: Work) -> None:
    with work() as w:
        first, _ = authenticator_apps.find_of_user(w, ada)
    browser.open("/account/two-factor")
    assert browser.submit({f"name-{first.id}": "\u202e"}).status == 400
    assert "Authenticator app renamed." in browser.submit({f"name-{first.id}": " Phone "}).text
    assert names(work, ada) == ["Phone", "Tablet"]


def test_there_are_ten_at_most(browser: Browser, ada: str, keys: tuple[str, str], clock: Clock, work: Work) -> None:
    """Also if the set-up of the last one began earlier."""
    browser.open("/account/two-factor")
    key_on(browser.submit(button="Add another authenticator app"))
    with work() as w:
        for number in range(8):
            totp.add(w.db, TotpCredential(ada, f"sealed {number}", w.now, 0))
    assert browser.open("/account/two-factor").text.count("Move to a new device") == 10
    key = key_on(browser.open("/account/two-factor/set-up"))
    page = browser.submit({"code": code_of(key, clock.now)})
    assert page.path == "/account/two-factor"
    assert "Add another authenticator app" not in page.text
    assert len(names(work, ada)) == 10


def test_one_of_another_user_is_not_there(browser: Browser, ada: str, keys: tuple[str, str], work: Work) -> None:
    with work() as w:
        eve = make_user(w, "eve@example.test")
        totp.add(w.db, TotpCredential(eve, "sealed", w.now, 0, name="Hers"))
        (hers,) = authenticator_apps.find_of_user(w, eve)
    (token,) = (one for one in browser.open("/account/two-factor").forms[0].fields if one.name == "csrf_token")
    for path in ("rename", "remove", "begin"):
        data = {"csrf_token": token.value, "id": hers.id, "replaces": hers.id, f"name-{hers.id}": "Mine"}
        answer = browser.client.post(
            f"/account/two-factor/{path}", data=data, headers={"sec-fetch-site": "same-origin"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/two-factor")
    assert names(work, eve) == ["Hers"]
    assert browser.open("/account/two-factor/set-up").path == "/account/two-factor"


def test_turning_off_and_a_reset_remove_them_all(ada: str, keys: tuple[str, str], work: Work) -> None:
    with work() as w:
        removal.reset(w, user_id=ada)
    assert names(work, ada) == []


def test_the_copy_of_ones_data_names_them(ada: str, keys: tuple[str, str], work: Work) -> None:
    with work() as w:
        document = json.loads(export(w, user_id=ada, applications=[]))
    apps = document["two_factor"]["authenticator_apps"]
    assert [(one["name"], one["last_used_at"]) for one in apps] == [("Authenticator app", None), ("Tablet", None)]
    assert document["two_factor"]["on_since"] == apps[0]["created_at"]


@pytest.mark.both_databases
def test_what_the_previous_release_wrote_is_a_first_app(ada: str, work: Work) -> None:
    """It moves to a new device by deleting the row and inserting another one, which ends the user's other apps, as its
    page says.
    """
    with work() as w:
        row = {"user_id": ada, "seed": "old", "confirmed_at": w.now, "last_step": 7}
        w.db.execute(insert(totp_credentials), row)
        (only,) = authenticator_apps.find_of_user(w, ada)
        assert (only.id, only.name, only.last_step) == (ada, "", 7)
        totp.add(w.db, TotpCredential(ada, "second", w.now, 0))
        authenticator_apps.rename(w, user_id=ada, app_id=ada, name="Phone")
        assert [one.name for one in authenticator_apps.find_of_user(w, ada)] == ["Phone", ""]
        w.db.execute(totp_credentials.delete().where(totp_credentials.c.user_id == ada))
        w.db.execute(insert(totp_credentials), row | {"seed": "new"})
    with work() as w:
        assert [one.seed for one in authenticator_apps.find_of_user(w, ada)] == ["new"]
        assert w.read.execute(further_totp_credentials.select()).all() == []
