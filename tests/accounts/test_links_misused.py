"""A link, a code or a ticket is good for one thing, at one place, for one account, of one installation; and for nothing
after that. The numbers are those of docs/development/negative-cases.md.
"""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from starlette.testclient import TestClient

from provider.accounts import deletion, suspension
from provider.accounts.email import email_addresses, email_change
from provider.accounts.email.verification_emails import Ticket, seal_ticket
from provider.accounts.store import email_addresses as addresses
from provider.accounts.store import passwords, users
from provider.accounts.store.links import one_time_links
from provider.accounts.store.users import Status
from provider.accounts.users import delete_user
from provider.app import create_app
from provider.config.general import Feature
from provider.config.settings import Settings
from provider.crypto.vault import Vault
from provider.installation import open_installation
from provider.sessions import store as sessions
from provider.work import Installation, unit_of_work
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work
from tests.support.people import ADDRESS, find_user, is_signed_in, sign_in, sign_up

NEW = "another quiet afternoon"
OTHER = "grace@example.test"
OPENED_AT = {
    "verify": "/verify-email/confirm",
    "reset": "/reset-password",
    "change": "/account/email/confirm",
    "undo": "/undo-email-change",
}


@pytest.fixture
def ada(browser: Browser, work: Work, unlimited: None) -> str:
    """Signed in."""
    with work() as w:
        user_id = make_user(w)
    sign_in(browser)
    return user_id


@pytest.fixture
def links(browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, clock: Clock) -> dict[str, str]:
    """The token of an open link for each purpose; all but the first are Ada's."""
    sign_up(new_browser(), "new@example.test")
    links = {"verify": inbox.latest("new@example.test").link}
    change_address(browser, "ada@elsewhere.test")
    browser.submit({"code": inbox.latest("ada@elsewhere.test").code}, button="Confirm")
    links["undo"] = next(word for word in inbox.latest(ADDRESS).text.split() if "/undo-email-change" in word)
    clock.advance(minutes=1)
    change_address(browser, "ada@third.test")
    links["change"] = inbox.latest("ada@third.test").link
    ask_for_reset(new_browser(), "ada@elsewhere.test")
    links["reset"] = inbox.latest("ada@elsewhere.test").link
    return {purpose: link.partition("token=")[2] for purpose, link in links.items()}


def change_address(browser: Browser, address: str) -> None:
    browser.open("/account/email")
    browser.submit({"email": address})


def ask_for_reset(browser: Browser, email: str = ADDRESS) -> None:
    browser.open("/forgot-password")
    browser.submit({"email": email})


def stored(work: Work) -> list[tuple[object, ...]]:
    """Links, addresses and passwords: what a link may change."""
    with work() as w:
        tables = (one_time_links, addresses.email_addresses, passwords.passwords)
        return [tuple(row) for table in tables for row in w.read.execute(table.select().order_by(*table.primary_key))]


@pytest.mark.parametrize("purpose", OPENED_AT)
def test_a_link_of_one_purpose_is_dead_where_another_is_opened(
    browser: Browser, links: dict[str, str], work: Work, purpose: str
) -> None:
    """N-1."""
    before = stored(work)
    csrf = browser.open("/account/email").form("email").find("csrf_token")
    assert csrf is not None
    for other, path in OPENED_AT.items():
        if other != purpose:
            assert browser.open(f"{path}?token={links[purpose]}").status == 410, path
            fields = {"csrf_token": csrf.value, "token": links[purpose], "password": NEW}
            answer = browser.client.post(f"{path}?token={links[purpose]}", data=fields)
            assert answer.status_code == 410, path
    assert stored(work) == before


@pytest.mark.parametrize("purpose", OPENED_AT)
def test_a_token_that_is_not_whole_or_not_alone_is_none(
    browser: Browser, links: dict[str, str], work: Work, purpose: str
) -> None:
    """N-2: a prefix, a suffix, another case, a NUL, padding, twice."""
    token, before = links[purpose], stored(work)
    for near in (token[:-1], token + "A", token.swapcase(), token + "%00", token + "=", token * 2, "%20" + token):
        assert browser.open(f"{OPENED_AT[purpose]}?token={near}").status == 410, near
    assert stored(work) == before


def test_a_ticket_is_good_at_its_own_page_only(browser: Browser, work: Work, ada: str) -> None:
    """N-3: the ticket that keeps an account confirms no address, and the other way round."""
    with work() as w:
        deletion.request_deletion(w, user_id=ada)
        keep = deletion.seal_ticket(w, ada)
        verify = seal_ticket(w, Ticket(ada, ADDRESS, ADDRESS))
    assert browser.open(f"/verify-email?ticket={keep}").status == 410
    with work() as w, pytest.raises(deletion.NotLeaving):
        deletion.keep(w, ticket=verify)
    assert find_user(work).status == Status.LEAVING


def test_a_ticket_of_another_installation_is_none(
    browser: Browser, installation: Installation, work: Work, ada: str
) -> None:
    """N-4: sealed for the same account with another secret key."""
    foreign = dataclasses.replace(installation, vault=Vault(("the secret key of another installation, as long",)))
    with work() as w:
        deletion.request_deletion(w, user_id=ada)
    with unit_of_work(foreign) as w:
        keep, verify = deletion.seal_ticket(w, ada), seal_ticket(w, Ticket(ada, ADDRESS, ADDRESS))
    assert browser.open(f"/verify-email?ticket={verify}").status == 410
    with work() as w, pytest.raises(deletion.NotLeaving):
        deletion.keep(w, ticket=keep)


def test_a_code_is_good_for_the_purpose_of_its_letter(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work, ada: str
) -> None:
    """N-5: the code that would confirm a new address confirms no sign-up with it, and the other way round."""
    change_address(browser, OTHER)
    change = inbox.latest(OTHER).code
    stranger = new_browser()
    sign_up(stranger, OTHER)
    verify = inbox.latest(OTHER).code
    if change == verify:
        pytest.skip("one in a million")
    assert stranger.submit({"code": change}).status == 400
    browser.open("/account/email")
    assert browser.submit({"code": verify}, button="Confirm").status == 400
    assert find_user(work).id == ada
    assert find_user(work, OTHER).status == Status.INACTIVE


@pytest.mark.parametrize("by", ["code", "link"])
def test_a_new_password_ends_a_change_of_address_that_waits(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work, ada: str, clock: Clock, by: str
) -> None:
    """N-6: whoever asked for it may be who the password was changed for."""
    intruder = new_browser()
    sign_in(intruder)
    change_address(intruder, OTHER)
    letter = inbox.latest(OTHER)
    clock.advance(minutes=1)
    browser.open("/account/password")
    browser.submit({"Current password": PASSWORD, "New password": NEW})
    assert not is_signed_in(intruder)
    assert OTHER not in browser.open("/account/email").text
    if by == "link":
        assert browser.open(letter.link).status == 410
    else:
        with work() as w, pytest.raises(email_addresses.WrongCode):
            email_change.confirm_by_code(w, user_id=ada, code=letter.code)
    assert find_user(work).id == ada


def test_taking_back_a_change_of_address_lifts_no_suspension(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work, links: dict[str, str], ada: str
) -> None:
    """N-7: the way back leads to the mailbox of before, and no further."""
    with work() as w:
        suspension.suspend(w, user_id=ada, reason="abuse")
    letters = len(inbox.letters())
    stranger = new_browser()
    stranger.open(f"/undo-email-change?token={links['undo']}")
    if stranger.page is not None and stranger.page.status == 200:
        stranger.submit()
    with work() as w:
        user = users.find(w.read, ada)
    assert user is not None
    assert user.status == Status.SUSPENDED
    assert not is_signed_in(stranger)
    for letter in inbox.letters()[letters:]:
        assert "/reset-password" not in letter.text


def test_an_account_that_was_suspended_while_leaving_cannot_be_kept(work: Work, ada: str) -> None:
    """N-8: a ticket from before the suspension does not lift it."""
    with work() as w:
        deletion.request_deletion(w, user_id=ada)
    with work() as w:
        ticket = deletion.seal_ticket(w, ada)
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    with work() as w, pytest.raises(deletion.NotLeaving):
        deletion.keep(w, ticket=ticket)
    assert find_user(work).status == Status.SUSPENDED


@pytest.mark.parametrize(
    ("feature", "purpose"),
    [
        ("email-verification", "verify"),
        ("reset-passwords", "reset"),
        ("update-profile", "change"),
        ("update-profile", "undo"),
    ],
)
def test_a_link_of_a_feature_that_was_turned_off_leads_nowhere(
    links: dict[str, str], settings: Settings, work: Work, clock: Clock, feature: Feature, purpose: str
) -> None:
    """N-9: neither by GET nor by POST, and nothing is consumed."""
    before = stored(work)
    off = settings.model_copy(update={"features": settings.features - {feature}})
    installation = open_installation(off, clock=clock)
    app = create_app(installation)
    http = TestClient(app, base_url=ISSUER, follow_redirects=False)
    path = f"{OPENED_AT[purpose]}?token={links[purpose]}"
    assert http.get(path).status_code == 404
    assert http.post(path, data={"token": links[purpose], "password": NEW}).status_code == 404
    app.state.threads.close()
    installation.database.close()
    assert stored(work) == before


def test_a_reset_signs_out_its_owner_and_nobody_else_at_that_browser(
    new_browser: Callable[[], Browser], inbox: Inbox, work: Work, ada: str
) -> None:
    """N-10: somebody else is signed in where the link is opened; they stay who they are."""
    with work() as w:
        make_user(w, OTHER, name="Grace")
    grace = new_browser()
    sign_in(grace, OTHER)
    ask_for_reset(grace)
    grace.open(inbox.latest(ADDRESS).link)
    grace.submit({"password": NEW})
    assert "Grace" in grace.open("/account").text
    assert sign_in(new_browser(), OTHER).path == "/account"
    assert sign_in(new_browser(), ADDRESS, password=NEW).path == "/account"


def test_the_token_of_a_reset_is_the_one_in_the_form(
    new_browser: Callable[[], Browser], inbox: Inbox, work: Work, ada: str
) -> None:
    """N-11: another one in the address of the form is not looked at."""
    with work() as w:
        make_user(w, OTHER)
    browser = new_browser()
    ask_for_reset(browser, OTHER)
    of_grace = inbox.latest(OTHER).link.partition("token=")[2]
    ask_for_reset(browser)
    page = browser.open(inbox.latest(ADDRESS).link)
    csrf, token = page.form("password").find("csrf_token"), page.form("password").find("token")
    assert csrf is not None
    assert token is not None
    fields = {"csrf_token": csrf.value, "token": token.value, "password": NEW}
    assert browser.client.post(f"/reset-password?token={of_grace}", data=fields).status_code == 303
    assert sign_in(browser, OTHER, password=NEW).status == 400
    assert sign_in(new_browser(), ADDRESS, password=NEW).path == "/account"


@pytest.mark.parametrize(
    "typed",
    [
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "\u00b9\u00b2\u00b3456",
        "-12345",
        "12345\x00",
        "1" * 60_000,
        "1e5",
        "\u0661" * 6,
    ],
    ids=range(7),
)
def test_what_is_no_code_of_a_letter_is_wrong_without_a_crash(
    browser: Browser, work: Work, unlimited: None, typed: str
) -> None:
    """N-12: digits of other scripts, a sign, a NUL, 60,000 of them."""
    sign_up(browser, OTHER)
    assert browser.submit({"code": typed}).status == 400
    assert find_user(work, OTHER).status == Status.INACTIVE


@pytest.mark.both_databases
def test_of_two_confirmations_of_a_change_at_once_one_counts(
    installation: Installation, browser: Browser, inbox: Inbox, work: Work, ada: str
) -> None:
    """N-13: one change, one letter with the way back."""
    change_address(browser, OTHER)
    token = inbox.latest(OTHER).link.partition("token=")[2]
    with work() as w:
        session = sessions.find_all(w.read, ada)[0]
    letters = len(inbox.letters())
    line = Barrier(2)

    def confirm(_: int) -> bool:
        line.wait()
        try:
            with unit_of_work(installation) as w:
                email_change.confirm_by_link(w, session, token=token)
        except (email_addresses.LinkDead, email_change.AlreadyChanged):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, range(2))) == [False, True]
    assert len(inbox.letters()) == letters + 1


@pytest.mark.parametrize("purpose", ["reset", "undo"])
def test_a_link_outlives_no_account(
    links: dict[str, str], browser: Browser, work: Work, ada: str, purpose: str
) -> None:
    """N-14: the account is gone; its link opens nothing, and nobody else's account."""
    with work() as w:
        delete_user(w, user_id=ada)
    assert browser.open(f"{OPENED_AT[purpose]}?token={links[purpose]}").status == 410
