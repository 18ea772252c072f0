"""Links in emails that lead to a first-party app's own pages, and what the app does with their tokens."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select, update

from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.store.clients import clients
from tests.api.conftest import App, problem
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, REDIRECT_URI, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, find_user, forgot_password, is_signed_in, sign_up

VERIFY, RESET = "https://app.example.test/verify?lang=en", "https://app.example.test/reset"
NEW = "another quiet afternoon"
GRACE = "grace@example.test"


@pytest.fixture
def app_with_pages(register_app: Callable[..., App]) -> App:
    return register_app(verify_uri=VERIFY, reset_uri=RESET)


def token_for(page: str, link: str) -> str:
    """The token of a link that leads to exactly this page."""
    given, query = urlsplit(page), dict(parse_qsl(urlsplit(link).query))
    token = query.pop("token")
    assert urlsplit(link)._replace(query="") == given._replace(query="")
    assert query == dict(parse_qsl(given.query))
    return token


def test_the_app_that_registered_the_user_confirms_by_link_and_ticket(
    app_with_pages: App, inbox: Inbox, work: Work
) -> None:
    ticket = app_with_pages.call("/register", email=ADDRESS, password=PASSWORD).json()["ticket"]
    token = token_for(VERIFY, inbox.latest(ADDRESS).link)
    assert app_with_pages.call("/verify-email/check", token=token).json() == {"email": ADDRESS}
    assert find_user(work).status == "INACTIVE", "mail scanners open links"
    assert app_with_pages.call("/verify-email/confirm", token=token, ticket=ticket).status_code == 204
    assert find_user(work).status == "ACTIVE"
    for path in ("/verify-email/check", "/verify-email/confirm"):
        again = app_with_pages.call(path, token=token, **({"ticket": ticket} if "confirm" in path else {}))
        assert problem(again) == "already-confirmed"


def test_without_the_ticket_the_password_of_the_registration_is_needed(
    app_with_pages: App, inbox: Inbox, work: Work
) -> None:
    """A stranger may have registered the address: its owner must not activate the stranger's account."""
    app_with_pages.call("/register", email=ADDRESS, password=PASSWORD)
    other = app_with_pages.call("/register", email=GRACE, password=PASSWORD).json()["ticket"]
    token = token_for(VERIFY, inbox.latest(ADDRESS).link)
    for proof in ({"password": NEW}, {"ticket": other}, {"password": ""}):
        assert problem(app_with_pages.call("/verify-email/confirm", token=token, **proof)) == "wrong-sign-up-password"
    for incomplete in ({"token": token}, {"ticket": other}, {"code": "123456"}, {}):
        assert problem(app_with_pages.call("/verify-email/confirm", **incomplete)) == "invalid-body"
    assert problem(app_with_pages.call("/verify-email/check", token="unknown")) == "link-dead"
    assert app_with_pages.call("/verify-email/confirm", token=token, password=PASSWORD).status_code == 204
    assert find_user(work).status == "ACTIVE"


def test_a_reset_link_leads_to_the_app_which_finishes_the_reset(
    app_with_pages: App, inbox: Inbox, work: Work, unlimited: None
) -> None:
    with work() as w:
        make_user(w)
    app_with_pages.call("/forgot-password", email=ADDRESS)
    token = token_for(RESET, inbox.latest(ADDRESS).link)
    assert app_with_pages.call("/reset-password/check", token=token).json() == {"email": ADDRESS}
    assert app_with_pages.call("/reset-password", token=token, password=NEW).status_code == 204
    assert app_with_pages.challenge(password=NEW).status_code == 200


def test_every_email_that_the_app_asks_for_leads_to_its_page(
    app_with_pages: App, inbox: Inbox, unlimited: None
) -> None:
    ticket = app_with_pages.call("/register", email=ADDRESS, password=PASSWORD).json()["ticket"]
    app_with_pages.call("/verify-email/letter", ticket=ticket)
    app_with_pages.challenge()
    app_with_pages.call("/forgot-password", email=ADDRESS)  # not confirmed: it gets the verification email
    letters = inbox.letters(ADDRESS)
    assert len(letters) == len({token_for(VERIFY, letter.link) for letter in letters}) == 4


def test_other_apps_and_our_own_pages_lead_to_our_pages(
    app_with_pages: App, app_of_ours: App, browser: Browser, inbox: Inbox, unlimited: None
) -> None:
    app_of_ours.call("/register", email=ADDRESS, password=PASSWORD)
    sign_up(browser, GRACE)
    forgot_password(browser, GRACE)
    assert {urlsplit(letter.link).path for letter in inbox.letters()} == {"/verify-email/confirm"}
    # A token is the same wherever its link led.
    browser.open(f"/verify-email/confirm?token={inbox.latest(GRACE).link.partition('token=')[2]}")
    browser.submit({"password": PASSWORD})
    assert is_signed_in(browser)


@pytest.mark.parametrize("member", ["verify_uri", "reset_uri"])
def test_the_pages_are_web_pages_of_first_party_clients(member: str) -> None:
    given: dict[str, Any] = {"redirect_uris": [REDIRECT_URI], "first_party": True}
    for uri in ("https://a.example/x?y=z", "http://localhost:3000/verify", "HTTPS://a.example/"):
        assert getattr(parse_metadata(given | {member: uri}), member) == uri
    assert getattr(parse_metadata(given | {member: ""}), member) is None
    for wrong in (
        "http://a.example/",
        "/verify",
        "javascript:alert(1)",
        "https://a.example/#x",
        "https://*.example/",
        "https://a.example/?token=1",
        "com.example.app:/verify",
        "com.example.app://verify",
        "cursor://x",
        "COM.example.app:/verify",
        "//a.example/verify",
        "https:verify",
    ):
        with pytest.raises(InvalidMetadata, match=f"{member}: {re.escape(repr(wrong))}"):
            parse_metadata(given | {member: wrong, "private_use_schemes": ["cursor"]})
    with pytest.raises(InvalidMetadata, match="requires first_party"):
        parse_metadata(given | {member: "https://a.example/", "first_party": False})


@pytest.mark.parametrize(
    ("env", "issuer", "accepted"),
    [
        ("production", "https://id.example.test", False),
        ("development", "https://id.example.test", True),
        ("production", "http://localhost:8000", True),
    ],
)
def test_http_pages_on_loopback_are_for_development(work: Work, env: str, issuer: str, accepted: bool) -> None:
    metadata = parse_metadata(
        {"redirect_uris": [REDIRECT_URI], "first_party": True, "reset_uri": "http://127.0.0.1:3000/reset"}
    )
    with work() as w:
        w.settings = w.settings.model_copy(update={"env": env, "issuer": issuer})
        refused = pytest.raises(InvalidMetadata, match=r"reset_uri: 'http://127.0.0.1:3000/reset'")
        with nullcontext() if accepted else refused:
            create_client(w, metadata)


def test_a_page_of_another_scheme_that_is_stored_already_gets_no_links(
    app_with_pages: App, inbox: Inbox, work: Work
) -> None:
    """An earlier release accepted it (RFC 8252 section 8.4: another app may have claimed the scheme)."""
    with work() as w:
        stored = w.read.scalars(select(clients.c.metadata)).one()
        w.db.execute(update(clients).values(metadata={**stored, "verify_uri": "com.example.app:/verify"}))
    app_with_pages.call("/register", email=ADDRESS, password=PASSWORD)
    assert inbox.latest(ADDRESS).link.startswith("https://id.example.test/verify-email/confirm?")
