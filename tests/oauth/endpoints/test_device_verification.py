"""/device: what the person is shown, and that nothing is allowed without them."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from provider.oauth.authorize.store import given_access
from provider.oauth.clients import clients
from provider.ratelimits import LIMITS
from tests.oauth.conftest import Person, Register
from tests.oauth.devices import FOR_DEVICES, allow, page_of, press, start, words
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, RelyingParty


@pytest.fixture
def tv(register: Register) -> RelyingParty:
    """Somebody else's app."""
    return register(public=True, first_party=False, client_name="Living <b>room</b>", **FOR_DEVICES)


def test_the_page_names_the_app_the_place_the_time_and_what_it_may(
    tv: RelyingParty, browser: WatchedClient, clock: Clock
) -> None:
    """RFC 8628 section 5.4; A-95; decision 43."""
    device = start(tv, scope="openid email offline_access")
    asked_at = clock.now
    clock.advance(minutes=2)
    page = page_of(browser, device.user_code)
    assert "Living &lt;b&gt;room&lt;/b&gt;" in page.text
    assert f'<time datetime="{asked_at.isoformat()}">' in page.text
    text = words(page)
    assert "Same as yours ( testclient )" in text
    assert "Only continue if you started this" in text
    assert "See your email address" in text
    assert "You can remove access at any time" in text
    assert device.user_code in text


def test_another_network_is_named_as_such(tv: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """RFC 8628 section 5.4: a stranger's device is somewhere else."""
    tv.http = WatchedClient(browser.app, browser.issuer)  # type: ignore[arg-type]
    tv.http._transport.client = ("203.0.113.7", 5000)  # type: ignore[attr-defined]  # Starlette's transport
    assert "Different from yours ( 203.0.113.7 )" in words(page_of(browser, start(tv).user_code))


def test_a_code_is_read_as_people_type_it(tv: RelyingParty, browser: WatchedClient) -> None:
    """RFC 8628 section 6.1: case and punctuation do not matter."""
    code = start(tv).user_code
    dash = code.replace("-", "\u2013")
    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' . ')} ", f"Code: {dash}."):
        assert page_of(browser, typed).status_code == 200, typed
    for typed in (code[:-1], code + "B", "' OR 1=1 --", "\x00" * 8, "ß" * 4, "x" * 3000):
        assert page_of(browser, typed).status_code == 400, typed
    assert "Enter the code shown on your device." in words(browser.get("/device?user_code="))


def test_the_complete_link_allows_nothing_by_itself(tv: RelyingParty, browser: WatchedClient) -> None:
    """RFC 8628 sections 3.3.1, 5.4; A-49: looking, even often, is no answer, and neither is another site's form."""
    device = start(tv)
    for _ in range(3):
        page_of(browser, device.user_code)
    forged = browser.post("/device", params={"user_code": device.user_code}, data={"decision": "allow"})
    assert forged.status_code == 403
    assert press(browser, device.user_code, "perhaps").status_code == 303
    assert device.poll().error == "authorization_pending"


def test_a_user_signs_in_before_entering_the_user_code(tv: RelyingParty, person: Person, ada: str) -> None:
    """RFC 8628 section 3.3; A-106."""
    device = start(tv)
    location = urlsplit(page_of(person(), device.user_code).headers["location"])
    assert location.path == "/login"
    assert parse_qs(location.query)["return_to"] == [f"/device?user_code={device.user_code}"]
    assert person().get("/device").headers["location"].startswith("/login")


def test_a_second_factor_that_was_shown_is_told_to_the_app(tv: RelyingParty, person: Person, ada: str) -> None:
    """OIDC Core section 2: acr and amr are those of the session."""
    device = start(tv)
    allow(person(ada, amr=TWO_FACTORS), device)
    assert tv.verify(device.poll())["acr"] == "aal2"


def test_one_answer_counts(tv: RelyingParty, browser: WatchedClient, person: Person, work: Work) -> None:
    """RFC 8628 section 3.3: whoever was first, with whatever they said."""
    device = start(tv)
    with work() as w:
        eve = make_user(w, "eve@example.test")
    other = person(eve)
    page_of(other, device.user_code)
    allow(browser, device)
    assert press(other, device.user_code, "deny").status_code == 400
    assert press(browser, device.user_code, "deny").status_code == 400
    assert device.poll().status == 200


def test_an_answered_code_is_not_shown_again(tv: RelyingParty, browser: WatchedClient) -> None:
    """RFC 8628 section 3.3."""
    device = start(tv)
    allow(browser, device)
    assert page_of(browser, device.user_code).status_code == 400


def test_guessing_is_slowed_down(tv: RelyingParty, browser: WatchedClient) -> None:
    """RFC 8628 section 5.1: then even the right code waits."""
    device = start(tv)
    most = int(LIMITS.user_code.partition("/")[0])
    for _ in range(most):
        assert page_of(browser, "BBBB-BBBB").status_code == 400
    refused = page_of(browser, device.user_code)
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    assert press(browser, device.user_code, "allow").status_code == 429
    assert device.poll().error == "authorization_pending"


def test_a_user_code_of_a_disabled_client_is_rejected(tv: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """A-26."""
    device = start(tv)
    with work() as w:
        clients.disable(w, tv.client_id)
    assert page_of(browser, device.user_code).status_code == 400


def test_a_scope_taken_from_the_client_meanwhile_is_not_given(
    tv: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """A-59."""
    device = start(tv, scope="openid email")
    with work() as w:
        clients.update_client(w, tv.client_id, replace(tv.client.metadata, scope="openid"))
    assert "See your email address" not in words(page_of(browser, device.user_code))
    allow(browser, device)
    assert device.poll().body["scope"] == "openid"


def test_what_was_allowed_is_remembered_shown_and_taken_back(
    tv: RelyingParty, register: Register, browser: WatchedClient, ada: str, work: Work
) -> None:
    """ASVS v5.0.0-10.7.3: as after the consent page; an operator's own app is asked about too, and not remembered."""
    own = register(public=True, client_name="Own box", **FOR_DEVICES)
    device, own_device = start(tv), start(own)
    allow(browser, device)
    allow(browser, own_device)
    assert {device.poll().status, own_device.poll().status} == {200}
    text = words(browser.get("/account/applications"))
    assert "Living &lt;b&gt;room&lt;/b&gt;" in text
    assert "Own box" in text
    assert "You connected a device" in words(browser.get("/account/activity"))
    with work() as w:
        assert [each.client_id for each in given_access.find_of_user(w.read, ada)[0]] == [tv.client_id]


def test_what_operators_require_applies_to_devices(
    register: Register, person: Person, browser: WatchedClient, ada: str
) -> None:
    """The scope of a device is as good as that of a browser, so the policy of the app holds for it."""
    device = start(register(public=True, required_factor="two-factor", **FOR_DEVICES))
    asked = page_of(browser, device.user_code)
    assert asked.headers["location"].startswith("/login/second-factor?return_to=%2Fdevice")
    assert press(browser, device.user_code, "allow").headers["location"].startswith("/login/second-factor")
    allow(person(ada, amr=TWO_FACTORS), device)
