"""An address through its life: signed up twice, confirmed, in the grace of a deletion, deleted, and signed up again."""

from collections.abc import Callable

import pytest

from provider.accounts import deletion, invitation
from provider.accounts.email import email_addresses as rules
from provider.accounts.email import operator_emails
from provider.accounts.email.email_addresses import AlreadyConfirmed
from provider.accounts.email.new_addresses import AddressTaken
from provider.accounts.registration import create_user, create_verified, sign_up_unverified
from provider.accounts.store import email_addresses, users
from provider.accounts.store.users import Status
from provider.accounts.users import AmbiguousAddress, find_user, get_user, set_roles
from provider.operators.as_code.planned_changes import NotApplied
from provider.operators.as_code.plans import plan
from provider.work import Installation
from provider.worker.jobs import purge
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, is_signed_in, sign_in, sign_up, turn_on_two_factor

NEW = "another quiet afternoon"


def claims_of(work: Work) -> list[tuple[str, str]]:
    """The id and status of each account with the address, the latest first."""
    with work() as w:
        return [(user.id, user.status) for user, _ in email_addresses.find_claims(w.read, ADDRESS)]


@pytest.mark.also_on_postgresql
def test_signing_up_again_in_one_browser_replaces_what_was_typed_first(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work
) -> None:
    """Back and a second submit within half a minute: only one email is sent, and its code fits the page."""
    sign_up(browser, password=NEW, name="Adda")
    sign_up(browser, name="Ada Lovelace")
    [letter] = inbox.letters(ADDRESS)
    [(user_id, _)] = claims_of(work)
    assert browser.submit({"code": letter.code}).path == "/account"
    assert sign_in(new_browser(), password=NEW).status == 400
    assert "Ada Lovelace" in sign_in(browser).text
    assert claims_of(work) == [(user_id, Status.ACTIVE)]


def test_another_browser_gets_an_account_of_its_own(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work, unlimited: None
) -> None:
    """A stranger who signs up with the address must not choose the password of the account that its owner confirms."""
    sign_up(browser)
    code, stranger = inbox.latest(ADDRESS).code, new_browser()
    sign_up(stranger, password=NEW)
    assert len(claims_of(work)) == 2
    browser.submit({"code": code})
    assert sign_in(browser).path == "/account"
    assert sign_in(new_browser(), password=NEW).path != "/account"


@pytest.mark.also_on_postgresql
def test_whoever_signs_up_in_the_grace_confirms_after_the_deletion_and_inherits_nothing(
    browser: Browser,
    new_browser: Callable[[], Browser],
    inbox: Inbox,
    work: Work,
    clock: Clock,
    installation: Installation,
    unlimited: None,
) -> None:
    with work() as w:
        before = make_user(w, roles=("clerk",), name="Ada before")
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    with work() as w:
        deletion.request_deletion(w, user_id=before)
    again = new_browser()
    assert sign_up(again, password=NEW).title.startswith("Check your email")
    ticket = again.page
    assert inbox.latest(ADDRESS).subject.startswith("You already have")
    # In the grace each password leads to its own account: the old one may be kept, the new one waits.
    assert "will be deleted" in sign_in(again).title
    assert sign_in(again, password=NEW).title.startswith("Check your email")
    clock.advance(days=15)
    purge(installation)
    [(now, status)] = claims_of(work)
    assert (now != before, status) == (True, Status.INACTIVE)
    assert not is_signed_in(browser)
    assert ticket is not None
    assert sign_in(again, password=NEW).title.startswith("Check your email")
    letter = inbox.latest(ADDRESS)
    assert again.submit({"code": letter.code}).path == "/account"
    page = sign_in(again, password=NEW)
    assert (page.path, "Ada before" in page.html) == ("/account", False)
    with work() as w:
        user = users.find(w.read, now)
        assert user is not None
        assert (user.roles, user.claims.get("name")) == ([], None)
    assert sign_in(browser).status == 400, "the old password"


def test_in_the_grace_the_address_is_taken_for_operators_and_upstreams_and_free_afterwards(
    work: Work, clock: Clock, installation: Installation
) -> None:
    with work() as w:
        deletion.request_deletion(w, user_id=make_user(w))
    address = rules.parse_address(ADDRESS)
    assert address is not None
    with work() as w:
        assert create_verified(w, address=address, claims={}) is None
        for create in (make_user, lambda w: invitation.invite(w, email=ADDRESS)):
            with pytest.raises(AddressTaken):
                create(w)
    clock.advance(days=15)
    purge(installation)
    with work() as w:
        created = create_verified(w, address=address, claims={})
        found = find_user(w, ADDRESS)
        assert found is not None
        assert found.id == created


def test_an_operator_can_have_the_address_of_an_active_account_verified(
    work: Work, browser: Browser, inbox: Inbox
) -> None:
    """It signed up while addresses were not verified; now they are."""
    address = rules.parse_address(ADDRESS)
    assert address is not None
    with work() as w:
        user_id = sign_up_unverified(w, address=address, password=PASSWORD, claims={})
        operator_emails.send_verification_again(w, user_id=user_id)
    assert sign_in(browser).path == "/account"
    browser.open(inbox.latest(ADDRESS).link)
    assert browser.submit({"password": PASSWORD}).path == "/account"
    with work() as w, pytest.raises(AlreadyConfirmed):
        operator_emails.send_verification_again(w, user_id=user_id)


def test_whoever_signs_up_with_the_address_of_an_active_account_is_told_by_email(
    work: Work, browser: Browser, inbox: Inbox
) -> None:
    """Also if that account never verified it: an address belongs to one account."""
    address = rules.parse_address(ADDRESS)
    assert address is not None
    with work() as w:
        sign_up_unverified(w, address=address, password=PASSWORD, claims={})
    assert sign_up(browser, password=NEW).title.startswith("Check your email")
    assert inbox.latest(ADDRESS).subject.startswith("You already have")
    assert sign_in(browser).path == "/account"


class TestClaims:
    """Anyone can sign up with an address: what operators do by address must not reach such an account by mistake."""

    @pytest.fixture
    def claims(self, work: Work, clock: Clock) -> list[str]:
        ids = []
        for _ in range(2):
            with work() as w:
                ids.append(create_user(w, email=ADDRESS, password=PASSWORD, verified=False))
            clock.advance(seconds=1)
        return ids

    def test_an_address_that_several_signed_up_with_names_none_of_them(self, work: Work, claims: list[str]) -> None:
        with work() as w, pytest.raises(AmbiguousAddress) as refused:
            get_user(w, ADDRESS)
        assert all(user_id in str(refused.value) for user_id in claims)
        with work() as w:
            rules.verify_by_operator(w, user_id=claims[0])
            assert get_user(w, ADDRESS).id == get_user(w, claims[0]).id == claims[0]

    def test_the_address_of_one_account_cannot_be_verified_for_another(self, work: Work, claims: list[str]) -> None:
        with work() as w:
            rules.verify_by_operator(w, user_id=claims[0])
            with pytest.raises(AlreadyConfirmed, match="This email address is already used by another account"):
                rules.verify_by_operator(w, user_id=claims[1])
        assert dict(claims_of(work)) == {claims[0]: Status.ACTIVE, claims[1]: Status.INACTIVE}

    def test_a_file_gives_roles_to_verified_addresses_only(self, work: Work, claims: list[str]) -> None:
        document = f'[users."{ADDRESS}"]\nroles = ["admin"]'
        with work() as w:
            with pytest.raises(NotApplied, match="the address is not verified"):
                plan(w, document, environ={})
            rules.verify_by_operator(w, user_id=claims[0])
            set_roles(w, user_id=claims[0], roles=["x"])
            [change] = plan(w, document, environ={})
            assert change.values == {"roles": (["x"], ["admin"])}
