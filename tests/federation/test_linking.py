"""Linking: nobody gets into an account by an address alone, and nobody is left without a way in."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from provider.accounts import linked_identities as rules
from provider.accounts.linked_identities import LastSignInMethod
from provider.accounts.store import passwords
from provider.accounts.store.linked_identities import linked_identities
from provider.accounts.users import delete_user
from provider.config.settings import Settings
from provider.web.cookies import BROWSER
from provider.work import Installation, unit_of_work
from tests.federation.conftest import EXAMPLE, NewTraveller, events_of, identities_of, sign_out
from tests.federation.fake_provider import ISSUER, FakeProvider, Traveller
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, find_user, forgot_password, is_signed_in, sign_in, turn_on_two_factor
from tests.support.relying_party import RelyingParty

NEW_PASSWORD = "quite another horse battery"
LINKED = "Example was linked to your Signet account"


def prove(browser: Browser, *, password: str = PASSWORD) -> Page:
    """From "you have an account already" to the question whether to link."""
    browser.follow("Sign in and link Example")
    return browser.submit({"username": ADDRESS, "password": password})


def set_password(browser: Browser, inbox: Inbox) -> None:
    forgot_password(browser)
    browser.open(inbox.latest(ADDRESS).link)
    assert "is set" in browser.submit({"password": NEW_PASSWORD}).text


# An account that is there already


def test_an_address_alone_never_opens_an_account(traveller: Traveller, ada: str, work: Work, inbox: Inbox) -> None:
    """Not even a verified one, of an upstream that the operator trusts: the account's owner proves it first.

    Replaces: upstream sign-in with linking.
    """
    browser = traveller.browser
    page = traveller.sign_in("/login?return_to=/account/sessions")
    assert page.title.startswith("You already have an account")
    assert not is_signed_in(browser)
    assert identities_of(work, ada) == []
    browser.page = page
    asked = prove(browser)
    assert asked.title.startswith("Link Example?")
    assert identities_of(work, ada) == []  # a page that is shown changes nothing
    assert browser.submit(button="Link Example").path == "/account/sessions"
    [identity] = identities_of(work, ada)
    assert (identity.issuer, identity.subject) == (ISSUER, "ada-at-example")
    assert inbox.latest(ADDRESS).subject == LINKED
    assert "account.identity.linked" in [event.name for event in events_of(work, ada)]
    sign_out(browser)
    assert traveller.sign_in().path == "/account"


def test_a_wrong_password_links_nothing(traveller: Traveller, ada: str, work: Work) -> None:
    traveller.sign_in()
    page = prove(traveller.browser, password="wrong")
    assert page.status == 400
    assert traveller.browser.submit({"password": PASSWORD}).title.startswith("Link Example?")
    assert identities_of(work, ada) == []


def test_the_second_factor_is_asked_before_anything_is_linked(
    traveller: Traveller, ada: str, work: Work, clock: Clock
) -> None:
    browser = traveller.browser
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    sign_out(browser)
    clock.advance(minutes=1)
    traveller.sign_in()
    page = prove(browser)
    assert page.path == "/login/second-factor"
    question = dict(parse_qsl(urlsplit(page.url).query))["return_to"]
    assert browser.open(question).path == "/login"
    browser.open(page.url)
    assert browser.submit({"code": code_of(key, clock.now)}).title.startswith("Link Example?")
    browser.submit(button="Link Example")
    assert len(identities_of(work, ada)) == 1


@pytest.mark.parametrize("asked", [{}, {"prompt": "login"}], ids=["", "prompt=login"])
def test_the_way_to_the_app_goes_on_after_linking(
    traveller: Traveller, ada: str, work: Work, client: TestClient, asked: dict[str, str]
) -> None:
    """The sign-in on the way counts for an app that asks for a new one (OIDC Core section 3.1.2.1)."""
    with work() as w:
        registered, secret = make_client(w, first_party=True)
    rp = RelyingParty(client, registered, secret)
    answer = rp.ask(traveller.browser.client, **asked)
    traveller.sign_in(answer.location)
    prove(traveller.browser)
    traveller.browser.submit(button="Link Example")
    assert traveller.browser.left_to is not None
    answer.response.headers["location"] = traveller.browser.left_to
    assert rp.verify(rp.redeem(answer))["sub"] == ada


def test_the_question_can_be_answered_with_no(traveller: Traveller, ada: str, work: Work) -> None:
    traveller.sign_in("/login?return_to=/account/sessions")
    prove(traveller.browser)
    assert traveller.browser.follow("Continue without linking").path == "/account/sessions"
    assert identities_of(work, ada) == []


def test_an_offer_is_good_for_the_browser_it_was_made_at(
    traveller: Traveller, new_browser: Callable[[], Browser], ada: str, work: Work
) -> None:
    """A-48: nobody links their own identity to the account of somebody whom they send a link."""
    page = traveller.sign_in()
    link = page.links["Sign in and link Example"]
    victim = new_browser()
    sign_in(victim)
    question = dict(parse_qsl(urlsplit(link).query))["return_to"]
    assert victim.open(question).status == 410
    victim.cookies.set(f"__Host-{BROWSER}", "of their own" * 3, domain="id.example.test")
    assert victim.open(question).status == 410
    assert identities_of(work, ada) == []


def test_an_offer_survives_the_longest_way_back(traveller: Traveller, ada: str, work: Work) -> None:
    traveller.provider.claims["sub"] = "x" * 255
    traveller.sign_in(f"/login?return_to=/account/sessions%3F{'x' * 1900}")
    assert prove(traveller.browser).title.startswith("Link Example?")
    traveller.browser.submit(button="Link Example")
    assert identities_of(work, ada)[0].subject == "x" * 255


def test_an_offer_is_over_after_an_hour(traveller: Traveller, ada: str, clock: Clock) -> None:
    traveller.sign_in()
    url = prove(traveller.browser).url
    clock.advance(minutes=61)
    sign_in(traveller.browser)
    page = traveller.browser.open(url)
    assert page.status == 410
    assert "/account/linked" in page.links.values()


def test_who_signs_up_first_links_in_the_end(traveller: Traveller, work: Work, inbox: Inbox) -> None:
    """An address that the upstream did not verify is verified by us; then the same question."""
    browser = traveller.browser
    traveller.provider.claims["email_verified"] = False
    traveller.sign_in("/login?return_to=/account/sessions")
    page = browser.follow("Create an account and link Example")
    assert f'value="{ADDRESS}"' in page.html
    browser.submit({"password": PASSWORD})
    browser.submit({"code": inbox.latest(ADDRESS).code})
    browser.follow("Sign in")
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert page.title.startswith("Link Example?")
    assert browser.submit(button="Link Example").path == "/account/sessions"
    assert len(identities_of(work, find_user(work).id)) == 1


def test_an_account_somebody_else_began_with_the_address_gives_them_nothing(traveller: Traveller, work: Work) -> None:
    """Whoever signed up with an address that is not theirs, and waits, gets no part of its owner's account."""
    with work() as w:
        waiting = make_user(w, verified=False, password="the stranger's password")
    assert traveller.sign_in().path == "/account"
    owner = find_user(work)
    assert owner.id != waiting
    with work() as w:
        assert passwords.find(w.read, owner.id) is None


# At the account's page


def test_whoever_is_signed_in_links_and_unlinks(traveller: Traveller, ada: str, work: Work, inbox: Inbox) -> None:
    browser = traveller.browser
    sign_in(browser)
    traveller.provider.claims["email"] = "another@mail.example"
    page = traveller.link()
    assert page.path == "/account/linked"
    assert "Example another@mail.example" in page.text
    assert inbox.latest(ADDRESS).subject == LINKED
    assert "/account/linked" in inbox.latest(ADDRESS).text
    page = browser.submit(button="Unlink")
    assert "Account unlinked" in page.text
    assert identities_of(work, ada) == []
    assert inbox.latest(ADDRESS).subject == "Example was unlinked from your Signet account"
    names = [event.name for event in events_of(work, ada)]
    assert names[-2:] == ["account.identity.linked", "account.identity.unlinked"]
    sign_out(browser)
    traveller.sign_in()
    assert find_user(work, "another@mail.example").id != ada  # a stranger's, from here on


def test_linking_what_is_linked_changes_nothing(traveller: Traveller, linked: str, work: Work, inbox: Inbox) -> None:
    sign_in(traveller.browser)
    letters = len(inbox.letters())
    before = identities_of(work, linked)
    assert traveller.link().path == "/account/linked"
    assert identities_of(work, linked) == before
    assert len(inbox.letters()) == letters


def test_an_identity_belongs_to_one_account(traveller: Traveller, linked: str, work: Work) -> None:
    """Decision 32: the issuer and its subject together are unique."""
    with work() as w:
        eve = make_user(w, "eve@example.test")
    sign_in(traveller.browser, "eve@example.test")
    page = traveller.link()
    assert page.status == 409
    assert "already linked to another account" in page.text
    assert identities_of(work, eve) == []
    assert len(identities_of(work, linked)) == 1
    again = traveller.browser.submit({}, button="Link Example")
    assert again.heading != "This page has expired", "the forms of that page work"


def test_a_link_that_took_too_long_is_no_sign_in_afterwards(traveller: Traveller, linked: str, clock: Clock) -> None:
    sign_in(traveller.browser)
    url = traveller.leave("/account/linked", button="Link Example")
    clock.advance(minutes=11)
    page = traveller.come_back(url)
    assert page.heading == "This sign-in has expired"
    assert "Try Example again" not in page.html


@pytest.mark.parametrize("what", ["link", "unlink"])
def test_both_need_a_fresh_sign_in(traveller: Traveller, linked: str, work: Work, clock: Clock, what: str) -> None:
    """OWASP ASVS v5.0.0-7.5.1."""
    browser = traveller.browser
    sign_in(browser)
    browser.open("/account/linked")
    clock.advance(minutes=16)
    page = browser.submit(button="Link Example" if what == "link" else "Unlink")
    assert page.path == "/login"
    assert len(identities_of(work, linked)) == 1
    assert browser.submit({"password": PASSWORD}).path == "/account/linked"


def test_both_need_the_second_factor_of_whoever_has_one(
    traveller: Traveller, linked: str, work: Work, clock: Clock
) -> None:
    browser = traveller.browser
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    sign_out(browser)
    sign_in(browser)
    assert browser.open("/account/linked").path == "/login"  # half signed in is signed out


def test_who_went_to_link_and_came_back_as_somebody_else_links_nothing(
    traveller: Traveller, ada: str, work: Work
) -> None:
    browser = traveller.browser
    with work() as w:
        eve = make_user(w, "eve@example.test")
    sign_in(browser)
    url = traveller.leave("/account/linked", button="Link Example")
    sign_in(browser, "eve@example.test")
    traveller.come_back(url)
    assert identities_of(work, ada) == identities_of(work, eve) == []


@pytest.mark.both_databases
def test_who_signed_out_meanwhile_links_nothing(traveller: Traveller, ada: str, work: Work) -> None:
    sign_in(traveller.browser)
    url = traveller.leave("/account/linked", button="Link Example")
    sign_out(traveller.browser)
    assert traveller.come_back(url).path == "/login"
    assert identities_of(work, ada) == []


def test_an_identity_of_somebody_else_is_not_mine_to_unlink(
    traveller: Traveller, new_browser: Callable[[], Browser], linked: str, work: Work
) -> None:
    """A-55."""
    with work() as w:
        eve_id = make_user(w, "eve@example.test")
        rules.link(w, user_id=eve_id, issuer=ISSUER, subject="eve", email=None, name="Example")
    [adas] = identities_of(work, linked)
    eve = new_browser()
    sign_in(eve, "eve@example.test")
    page = eve.open("/account/linked")
    field = page.form("identity", button="Unlink").find("identity")
    assert field is not None
    field.value = adas.id
    eve.submit(button="Unlink")
    assert identities_of(work, linked) == [adas]


# The last way in


def test_the_last_way_in_stays(traveller: Traveller, work: Work, inbox: Inbox) -> None:
    browser = traveller.browser
    traveller.sign_in()
    user_id = find_user(work).id
    browser.open("/account/linked")
    page = browser.submit(button="Unlink")
    assert page.status == 400
    assert "has no password" in page.text
    assert len(identities_of(work, user_id)) == 1
    assert browser.open("/account/password").links["Email me a link to set a password"] == "/forgot-password"
    set_password(browser, inbox)
    assert len(identities_of(work, user_id)) == 1  # a first password is one more way in
    assert sign_in(browser, password=NEW_PASSWORD).path == "/account"
    browser.open("/account/linked")
    assert "Account unlinked" in browser.submit(button="Unlink").text
    assert identities_of(work, user_id) == []


@pytest.mark.both_databases
def test_of_two_the_last_one_stays_even_when_both_are_unlinked_at_once(
    traveller: Traveller, work: Work, installation: Installation
) -> None:
    traveller.sign_in()
    user_id = find_user(work).id
    with work() as w:
        rules.link(w, user_id=user_id, issuer="https://other.example.test", subject="ada", email=None, name="Other")

    def unlink(identity_id: str) -> str:
        try:
            with unit_of_work(installation) as w:
                rules.unlink(w, user_id=user_id, identity_id=identity_id, name_of=str)
        except LastSignInMethod:
            return "kept"
        return "unlinked"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(unlink, [identity.id for identity in identities_of(work, user_id)]))
    assert sorted(outcomes) == ["kept", "unlinked"]
    assert len(identities_of(work, user_id)) == 1


# Whoever else may have linked something


def test_taking_an_account_back_unlinks_everything(traveller: Traveller, linked: str, work: Work, inbox: Inbox) -> None:
    """A-84: whoever was in the account may have linked an identity of their own to it."""
    set_password(traveller.browser, inbox)
    assert identities_of(work, linked) == []
    page = traveller.sign_in()
    assert page.title.startswith("You already have an account")
    assert events_of(work, linked)[-2].details["reason"] == "password_reset"


def test_saying_this_was_not_me_unlinks_everything(traveller: Traveller, linked: str, work: Work) -> None:
    browser = traveller.browser
    sign_in(browser)
    page = browser.open("/account/activity/not-me")
    assert "Unlink your accounts with other providers" in page.text
    browser.submit(action="/account/activity/not-me")
    assert identities_of(work, linked) == []
    assert traveller.sign_in().title.startswith("You already have an account")


class TestWithoutPasswordReset:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"features": settings.features - {"reset-passwords"}})

    def test_the_only_way_in_is_not_taken_where_no_letter_gives_another(
        self, traveller: Traveller, linked: str, work: Work
    ) -> None:
        sign_in(traveller.browser)
        traveller.browser.open("/account/activity/not-me")
        traveller.browser.submit(action="/account/activity/not-me")
        assert len(identities_of(work, linked)) == 1


# What else knows of it


def test_the_copy_of_ones_data_lists_them(traveller: Traveller, linked: str) -> None:
    sign_in(traveller.browser)
    exported = json.loads(traveller.browser.open("/account/data/export.json").html)
    [identity] = exported["linked_identities"]
    assert (identity["issuer"], identity["subject"], identity["email"]) == (ISSUER, "ada-at-example", ADDRESS)


def test_they_go_with_the_account(linked: str, work: Work) -> None:
    with work() as w:
        delete_user(w, user_id=linked)
    with work() as w:
        assert w.read.execute(select(linked_identities)).all() == []


def test_the_activity_page_says_so(traveller: Traveller, linked: str) -> None:
    sign_in(traveller.browser)
    assert "Account with another provider linked" in traveller.browser.open("/account/activity").text


class TestAnUpstreamThatIsGone:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"other": {**EXAMPLE, "issuer": "https://other.example.test", "name": "Other"}}

    def test_what_is_linked_is_still_shown_and_can_be_unlinked(self, browser: Browser, ada: str, work: Work) -> None:
        with work() as w:
            rules.link(w, user_id=ada, issuer=ISSUER, subject="ada", email=None, name="Example")
        sign_in(browser)
        assert "op.example.test" in browser.open("/account/linked").text
        browser.submit(button="Unlink")
        assert identities_of(work, ada) == []


# At once


@pytest.mark.both_databases
def test_one_identity_at_two_browsers_at_once_makes_one_account(
    new_traveller: NewTraveller, provider: FakeProvider, work: Work
) -> None:
    travellers = [new_traveller() for _ in range(2)]
    urls = [provider.authorize(each.leave()) for each in travellers]

    def come_back(number: int) -> int:
        return travellers[number].browser.open(urls[number]).status

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(come_back, range(2))) == [200, 200]
    user = find_user(work)
    assert len(identities_of(work, user.id)) == 1
    assert [event.name for event in events_of(work, user.id)].count("account.registered") == 1


@pytest.mark.both_databases
def test_two_identities_with_one_address_at_once_make_one_account(
    new_traveller: NewTraveller, provider: FakeProvider, work: Work
) -> None:
    travellers = [new_traveller() for _ in range(2)]
    urls = []
    for number, each in enumerate(travellers):
        urls.append(provider.authorize(each.leave()))
        asked = dict(parse_qsl(urlsplit(urls[-1]).query))
        provider.by_code[asked["code"]] = {"sub": f"ada-{number}"}

    def come_back(number: int) -> int:
        return travellers[number].browser.open(urls[number]).status

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(come_back, range(2))) == [200, 403]
    assert len(identities_of(work, find_user(work).id)) == 1
