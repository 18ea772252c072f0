"""Create an account, confirm its address, sign in."""



from provider.accounts.store import email_addresses
from provider.accounts.store.users import Status
from tests.browser import Browser, Page
from tests.conftest import Work
from tests.factories import PASSWORD
from tests.inbox import Inbox

ADDRESS = "ada@example.test"


def sign_up(browser: Browser, email: str = ADDRESS, *, password: str = PASSWORD, name: str = "") -> Page:
    browser.open("/signup")
    return browser.submit({"email": email, "password": password, "name": name})


def sign_in(browser: Browser, email: str = ADDRESS, *, password: str = PASSWORD) -> Page:
    browser.open("/login")
    return browser.submit({"username": email, "password": password})


def status_of(work: Work, email: str = ADDRESS) -> str:
    with work() as w:
        owner = email_addresses.find_owner(w.read, email)
        assert owner is not None
        return owner[0].status


def test_a_person_signs_up_confirms_by_link_and_signs_in(browser: Browser, inbox: Inbox, work: Work) -> None:
    page = sign_up(browser, name="Ada Lovelace")
    assert page.title.startswith("Check your email")
    assert ADDRESS in page.text
    assert status_of(work) == Status.INACTIVE
    browser.open(inbox.latest(ADDRESS).link)
    page = browser.submit(button="Confirm")
    assert page.title.startswith("Email address confirmed")
    assert status_of(work) == Status.ACTIVE
    browser.follow("Sign in")
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert page.path == "/account"
    assert "Ada Lovelace" in page.text
