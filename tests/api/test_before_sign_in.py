"""Before anybody is signed in: register, confirm the address, forgot password. For first-party apps only, and with the
silence of the pages.
"""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from provider.accounts import suspension
from provider.accounts.factors import second_factor
from provider.accounts.store.users import users
from tests.api.conftest import API, CHALLENGE, App, Caller, problem, turn_on_two_factor
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.names import FAMILY, PERSIAN
from tests.support.people import ADDRESS, find_user, is_signed_in, sign_in
from tests.support.relying_party import RelyingParty

NEW = "another quiet afternoon"
OPERATIONS = ["/register", "/verify-email/letter", "/verify-email/confirm", "/forgot-password", "/reset-password/check"]


def token_of(inbox: Inbox) -> str:
    return inbox.latest(ADDRESS).link.partition("token=")[2]


def test_register_confirm_and_sign_in(app_of_ours: App, inbox: Inbox, work: Work) -> None:
    """Replaces: inactive until verified, refused when suspended."""
    name = f"\ufeff{PERSIAN} {FAMILY}"
    registered = app_of_ours.call("/register", email=ADDRESS, password=PASSWORD, name=name)
    assert registered.status_code == 202
    ticket = registered.json()["ticket"]
    assert find_user(work).status == "INACTIVE"
    wrong = app_of_ours.call("/verify-email/confirm", ticket=ticket, code="000000")
    assert problem(wrong) == "wrong-code"
    confirmed = app_of_ours.call("/verify-email/confirm", ticket=ticket, code=inbox.latest(ADDRESS).code)
    assert confirmed.status_code == 204
    assert find_user(work).status == "ACTIVE"
    assert find_user(work).claims["name"] == f"{PERSIAN} {FAMILY}"
    again = app_of_ours.call("/verify-email/confirm", ticket=ticket, code=inbox.latest(ADDRESS).code)
    assert problem(again) == "wrong-code"
    assert app_of_ours.sign_in().get("/two-factor")["enabled"] is False


def test_an_unconfirmed_address_gets_a_ticket_and_nothing_else(app_of_ours: App, inbox: Inbox, work: Work) -> None:
    """A-106: told only after the right password."""
    app_of_ours.call("/register", email=ADDRESS, password=PASSWORD)
    assert app_of_ours.challenge(password="Wrong password").json()["error"] == "access_denied"
    refused = app_of_ours.challenge()
    assert refused.status_code == 403
    assert refused.json()["error"] == "insufficient_authorization"
    assert "auth_session" not in refused.json()
    assert "authorization_code" not in refused.json()
    ticket = refused.json()["ticket"]
    code = inbox.latest(ADDRESS).code
    assert app_of_ours.call("/verify-email/confirm", ticket=ticket, code=code).status_code == 204
    assert app_of_ours.challenge().status_code == 200


def test_another_letter_is_throttled_in_silence(app_of_ours: App, inbox: Inbox) -> None:
    """A-106. Replaces: verification links and another email."""
    ticket = app_of_ours.call("/register", email=ADDRESS, password=PASSWORD).json()["ticket"]
    for _ in range(3):
        assert app_of_ours.call("/verify-email/letter", ticket=ticket).status_code == 202
    assert len(inbox.letters(ADDRESS)) == 1
    assert problem(app_of_ours.call("/verify-email/letter", ticket="not one")) == "ticket-over"


def test_five_wrong_codes_end_the_code(app_of_ours: App, inbox: Inbox) -> None:
    ticket = app_of_ours.call("/register", email=ADDRESS, password=PASSWORD).json()["ticket"]
    for _ in range(5):
        app_of_ours.call("/verify-email/confirm", ticket=ticket, code="000000")
    right = app_of_ours.call("/verify-email/confirm", ticket=ticket, code=inbox.latest(ADDRESS).code)
    assert problem(right) == "wrong-code"


@pytest.mark.parametrize("email", [ADDRESS, "ADA@EXAMPLE.test", "so\u006ebody@example.test"])
@pytest.mark.parametrize("state", ["active", "suspended", "unverified"])
def test_registering_looks_alike_whoever_has_the_address(
    app_of_ours: App, inbox: Inbox, work: Work, unlimited: None, email: str, state: str
) -> None:
    """A-86."""
    with work() as w:
        user_id = make_user(w, ADDRESS, verified=state != "unverified")
        if state == "suspended":
            suspension.suspend(w, user_id=user_id, reason=None)
    expected = app_of_ours.call("/register", email="nobody@example.test", password=PASSWORD)
    answer = app_of_ours.call("/register", email=email, password=PASSWORD)
    assert answer.status_code == expected.status_code == 202
    assert answer.headers.keys() == expected.headers.keys()
    assert answer.json().keys() == expected.json().keys()
    assert (
        abs(len(answer.json()["ticket"]) - len(expected.json()["ticket"]))
        <= 2 * abs(len(email) - len("nobody@example.test")) * 2
    )
    if state != "unverified" and email.lower() == ADDRESS:
        assert "already" in inbox.latest(ADDRESS).subject.lower()
        for code in ("000000", "123456"):
            tried = app_of_ours.call("/verify-email/confirm", ticket=answer.json()["ticket"], code=code)
            assert problem(tried) == "wrong-code"


@pytest.mark.parametrize("email", ["nobody@example.test", "ADA@Example.test", "ada+tag@example.test", ADDRESS])
@pytest.mark.parametrize("state", ["active", "suspended", "unverified"])
def test_asking_for_a_reset_looks_alike_whoever_asks(
    app_of_ours: App, inbox: Inbox, work: Work, email: str, state: str
) -> None:
    """A-81."""
    with work() as w:
        user_id = make_user(w, ADDRESS, verified=state != "unverified")
        if state == "suspended":
            suspension.suspend(w, user_id=user_id, reason=None)
    before = len(inbox.letters())
    expected = app_of_ours.call("/forgot-password", email="somebody@example.test")
    answer = app_of_ours.call("/forgot-password", email=email)
    assert (answer.status_code, answer.content) == (expected.status_code, expected.content) == (202, b"")
    assert answer.headers.keys() == expected.headers.keys()
    letters = [letter.subject for letter in inbox.letters()[before:]]
    known = email.lower() == ADDRESS
    wanted = {"active": ["Reset your Signet password"], "unverified": ["Confirm your email address for Signet"]}
    assert letters == (wanted.get(state, []) if known else [])


def test_reset_in_three_steps(app_of_ours: App, ada: str, inbox: Inbox, as_ada: Caller, browser: Browser) -> None:
    """A-83, A-84: each link once, and everything else of the person ends. Replaces: password reset in three steps."""
    sign_in(browser)
    assert app_of_ours.call("/forgot-password", email=ADDRESS).status_code == 202
    token = token_of(inbox)
    for _ in range(2):
        looked = app_of_ours.call("/reset-password/check", token=token)
        assert looked.json() == {"email": ADDRESS}
    assert problem(app_of_ours.call("/reset-password", token=token, password="password")) == "unfit-password"
    assert app_of_ours.call("/reset-password", token=token, password=NEW).status_code == 204
    assert problem(app_of_ours.call("/reset-password/check", token=token)) == "reset-link-used"
    assert problem(app_of_ours.call("/reset-password", token=token, password=NEW)) == "reset-link-used"
    assert problem(app_of_ours.call("/reset-password/check", token="x" * 43)) == "reset-link-dead"
    assert problem(as_ada("GET", "/sessions")) == "invalid_token"
    assert not is_signed_in(browser)
    assert app_of_ours.challenge().json()["error"] == "access_denied"
    assert app_of_ours.challenge(password=NEW).status_code == 200


def test_a_reset_leaves_the_second_factor(
    app_of_ours: App, as_ada: Caller, inbox: Inbox, clock: Clock, work: Work, ada: str
) -> None:
    """A-85."""
    turn_on_two_factor(as_ada, clock)
    app_of_ours.call("/forgot-password", email=ADDRESS)
    app_of_ours.call("/reset-password", token=token_of(inbox), password=NEW)
    answer = app_of_ours.challenge(password=NEW)
    assert answer.status_code == 403
    assert "auth_session" in answer.json()
    with work() as w:
        assert second_factor.is_enabled(w, ada)


def test_a_newer_letter_ends_the_link_before(
    app_of_ours: App, ada: str, inbox: Inbox, clock: Clock, unlimited: None
) -> None:
    """A-83."""
    app_of_ours.call("/forgot-password", email=ADDRESS)
    old = token_of(inbox)
    clock.advance(minutes=1)
    app_of_ours.call("/forgot-password", email=ADDRESS)
    assert problem(app_of_ours.call("/reset-password/check", token=old)) == "reset-link-dead"
    clock.advance(minutes=31)
    assert problem(app_of_ours.call("/reset-password", token=token_of(inbox), password=NEW)) == "reset-link-dead"


@pytest.mark.parametrize("path", OPERATIONS)
def test_only_a_first_party_app_with_its_secret_gets_in(
    register_app: Callable[..., App], as_ada: Caller, app_of_ours: App, path: str
) -> None:
    stranger = register_app(first_party=False, authorization_challenge=False)
    assert problem(stranger.call(path)) == "unauthorized_client"
    public = register_app(public=True)
    assert problem(app_of_ours.http.post(API + path, json={})) == "invalid_client"
    headers = {"authorization": f"Bearer {as_ada.token}"}
    assert problem(app_of_ours.http.post(API + path, json={}, headers=headers)) == "invalid_client"
    body = {"client_id": public.rp.client_id}
    assert problem(app_of_ours.http.post(API + path, json=body)) == "invalid_client"


@in_one_world(
    "body",
    [
        {"email": "not an address", "password": PASSWORD},
        {"email": ADDRESS, "password": "short"},
        {"email": ADDRESS, "password": PASSWORD, "name": "two\nlines" * 40},
        {"email": ADDRESS, "password": PASSWORD, "roles": ["admin"]},
        {"email": ADDRESS, "password": PASSWORD, "status": "ACTIVE"},
        {"email": ADDRESS},
        {"email": [ADDRESS], "password": PASSWORD},
        {"email": ADDRESS, "password": "x" * 1025},
        {"email": "a\x00b@example.test", "password": PASSWORD},
        {"email": ADDRESS, "password": PASSWORD, "name": "\x00"},
        {"email": ADDRESS, "password": PASSWORD, "name": "Ada\u202eKing"},
    ],
)
def test_a_body_that_is_not_as_described_is_refused_member_by_member(
    app_of_ours: App, work: Work, body: dict[str, object]
) -> None:
    """A-93; and no member is quietly taken along."""
    refused = app_of_ours.call("/register", **body)
    assert refused.status_code == 400
    assert problem(refused) == "invalid-body"
    assert refused.json()["errors"]
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(users)) == 0


@in_one_world(
    ("body", "content_type", "kind"),
    [
        (b"{", "application/json", "invalid-body"),
        (b"[]", "application/json", "invalid-body"),
        (b"null", "application/json", "invalid-body"),
        (b'{"email":"a@b.test","email":"c@d.test"}', "application/json", "invalid-body"),
        (b'{"email":"\\ud800"}', "application/json", "invalid-body"),
        (b"\xff", "application/json", "invalid-body"),
        (b"[" * 20000, "application/json", "invalid-body"),
        (b'{"email":' + b"9" * 5000 + b"}", "application/json", "invalid-body"),
        (b"email=a@b.test", "application/x-www-form-urlencoded", "not-json"),
        (b"<a/>", "text/xml", "not-json"),
        (b"{" + b" " * 70_000 + b"}", "application/json", "too-large"),
    ],
)
def test_what_is_no_json_object_is_refused(app_of_ours: App, body: bytes, content_type: str, kind: str) -> None:
    """A-90, A-92."""
    rp = app_of_ours.rp
    headers = {**rp.authentication()[0], "content-type": content_type}
    assert problem(app_of_ours.http.post(f"{API}/forgot-password", content=body, headers=headers)) == kind


def test_two_authorization_headers_are_a_muddle(app_of_ours: App) -> None:
    """A-60."""
    basic = app_of_ours.rp.authentication()[0]["authorization"]
    headers = [("authorization", basic), ("authorization", basic)]
    assert problem(app_of_ours.http.post(f"{API}/register", json={}, headers=headers)) == "invalid_request"


def test_passwords_that_begin_alike_are_told_apart(app_of_ours: App, inbox: Inbox) -> None:
    """A-93: 72 bytes are not enough to know a password by."""
    alike = "plenty of words " * 5
    ticket = app_of_ours.call("/register", email=ADDRESS, password=alike + "\x00one").json()["ticket"]
    app_of_ours.call("/verify-email/confirm", ticket=ticket, code=inbox.latest(ADDRESS).code)
    assert app_of_ours.challenge(password=alike + "\x00two").json()["error"] == "access_denied"
    assert app_of_ours.challenge(password=alike).json()["error"] == "access_denied"
    assert app_of_ours.challenge(password=alike + "\x00one").status_code == 200


def test_no_answer_sets_a_cookie(app_of_ours: App) -> None:
    """A-97."""
    for response in (
        app_of_ours.call("/register", email=ADDRESS, password=PASSWORD),
        app_of_ours.call("/forgot-password", email=ADDRESS),
        app_of_ours.rp.post(CHALLENGE),
    ):
        assert "set-cookie" not in response.headers
        assert response.headers["cache-control"] == "no-store"


def test_an_app_that_guesses_its_secret_waits_as_described(app_of_ours: App, lower: Lower) -> None:
    """A-36, at an operation that has no limit of its own."""
    lower(client_secret="4/5minutes")
    wrong = App(app_of_ours.http, RelyingParty(app_of_ours.http, app_of_ours.rp.client, "wrong"))
    answers = [wrong.call("/forgot-password", email=ADDRESS) for _ in range(5)]
    assert {problem(answer) for answer in answers[:4]} == {"invalid_client"}
    assert problem(answers[4]) == "too-many-requests"
    described = app_of_ours.http.get(f"{API}/openapi.json").json()["paths"][f"{API}/forgot-password"]["post"]
    assert "429" in described["responses"]


@in_one_world(
    "body",
    [
        b'{"email":NaN,"password":"x"}',
        b'{"email":"a@b.test","password":1e400}',
        b'{"email":"a@b.test","password":-0}',
        b'{"email":"a@b.test","password":"x","name":Infinity}',
        b'{"email":{"x":1,"x":2},"password":"x"}',
        b'{"email":"a@b.test","password":"x","__proto__":{"first_party":true}}',
        b'{"email":"a@b.test","password":"x","":""}',
        b"\xef\xbb\xbf" + b'{"email":"a@b.test","password":"a quiet afternoon"}',
        '{"email":"a@b.test","password":"a quiet afternoon"}'.encode("utf-16"),
        b'{"email":"a@b.test","password":"a quiet afternoon"} {}',
        b'{"email":"a@b.test","password":"a quiet afternoon",}',
        b"{'email':'a@b.test','password':'a quiet afternoon'}",
        b'{"email":"a@b.test","password":"a quiet afternoon"}//',
        b'{"email":"a\\udc00@b.test","password":"a quiet afternoon"}',
        b'{"email":"a@b.test","password":"\\ud83d a quiet afternoon"}',
    ],
)
def test_what_only_some_parsers_take_is_refused(app_of_ours: App, work: Work, body: bytes) -> None:
    """N-28: two readers of one body must not see two things."""
    headers = {**app_of_ours.rp.authentication()[0], "content-type": "application/json"}
    assert problem(app_of_ours.http.post(f"{API}/register", content=body, headers=headers)) == "invalid-body"
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(users)) == 0


def test_codes_are_counted_together_wherever_they_are_typed(app_of_ours: App, browser: Browser, inbox: Inbox) -> None:
    """N-29: three at the page and two by API end the code of the letter."""
    ticket = app_of_ours.call("/register", email=ADDRESS, password=PASSWORD).json()["ticket"]
    browser.open(f"/verify-email?ticket={ticket}")
    for _ in range(3):
        assert browser.submit({"code": "000000"}).status == 400
    for _ in range(2):
        app_of_ours.call("/verify-email/confirm", ticket=ticket, code="000000")
    right = inbox.latest(ADDRESS).code
    assert problem(app_of_ours.call("/verify-email/confirm", ticket=ticket, code=right)) == "wrong-code"
    assert browser.submit({"code": right}).status == 400
