"""Nodes whose clocks differ: what ends at one node ends at all of them, and what begins afterwards does not.

Each test runs on two nodes with one database. The clock of one is two minutes, or an hour, behind the other's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from provider.accounts.access import Cause, end_access
from provider.accounts.passwords import password_reset
from provider.accounts.store import users
from provider.config.settings import Settings
from provider.database.security_stamp import FIRST
from provider.oauth.tokens.store.grants import grants
from provider.sessions.lifecycle import open_session
from provider.sessions.store import sessions
from tests.oauth.watched_http import WatchedClient
from tests.support import people
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER
from tests.support.relying_party import RelyingParty, Tokens, plant_cookie
from tests.support.two_nodes import Node, Nodes, running_nodes

NEW = "a brand new and long password"
Pick = Callable[[Nodes], tuple[Node, Node]]


@pytest.fixture(params=[120, 3600], ids=["two minutes", "an hour"])
def nodes(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Nodes]:
    with running_nodes(settings, apart=request.param) as nodes:
        with nodes.fast.work() as w:
            make_user(w)
        yield nodes


@pytest.fixture
def browser(nodes: Nodes) -> Browser:
    return Browser(nodes, ISSUER)  # type: ignore[arg-type]  # any ASGI application


@pytest.fixture
def rp(nodes: Nodes) -> RelyingParty:
    with nodes.fast.work() as w:
        client, secret = make_client(w, first_party=True, scope="openid email offline_access")
    http = WatchedClient(nodes, ISSUER)  # type: ignore[arg-type]
    http.may_go_to = {"app.example.test"}
    return RelyingParty(http, client, secret)


directions: pytest.MarkDecorator = pytest.mark.parametrize(
    "pick",
    [lambda nodes: (nodes.fast, nodes.slow), lambda nodes: (nodes.slow, nodes.fast)],
    ids=["fast then slow", "slow then fast"],
)


def is_signed_in(browser: Browser) -> bool:
    return browser.open("/account").path == "/account"


@pytest.mark.also_on_postgresql
@directions
def test_after_a_reset_at_one_node_the_user_signs_in_at_the_other(
    nodes: Nodes, pick: Pick, browser: Browser, rp: RelyingParty
) -> None:
    first, then = pick(nodes)
    nodes.at = first
    people.forgot_password(browser)
    with first.work() as w:
        token = Inbox(first.installation).latest(people.ADDRESS).link.partition("token=")[2]
        password_reset.reset_password(w, token=token, password=NEW)
    nodes.at = then
    people.sign_in(browser, password=NEW)
    assert is_signed_in(browser)
    tokens = rp.sign_in(browser.client, scope="openid offline_access")
    assert rp.userinfo(tokens).status_code == 200
    assert rp.is_active(tokens.access_token)
    assert rp.userinfo(rp.refresh(tokens)).status_code == 200


@pytest.mark.also_on_postgresql
@directions
def test_what_began_at_one_node_ends_at_the_other(nodes: Nodes, pick: Pick, browser: Browser, rp: RelyingParty) -> None:
    first, then = pick(nodes)
    nodes.at = first
    people.sign_in(browser)
    tokens = rp.sign_in(browser.client, scope="openid offline_access")
    nodes.pass_time(seconds=1)
    user_id = people.find_user(then.work).id
    with then.work() as w:
        end_access(w, user_id=user_id, cause=Cause.SIGNED_OUT_EVERYWHERE)
    for node in (first, then):
        nodes.at = node
        assert not is_signed_in(browser)
        assert rp.userinfo(tokens).status_code == 401
        assert not rp.is_active(tokens.access_token)
        assert not rp.is_active(tokens.refresh_token)
        assert rp.refresh(tokens).error == "invalid_grant"


@pytest.mark.parametrize("nodes", [120], indirect=True)
@directions
@pytest.mark.parametrize(
    ("asked", "minutes"),
    [({"prompt": "login"}, 1), ({"prompt": "select_account"}, 1), ({"max_age": "30"}, 3)],
    ids=["login", "select_account", "max_age"],
)
def test_only_a_sign_in_since_answers_a_request_whichever_node_it_waits_at(
    nodes: Nodes, pick: Pick, browser: Browser, rp: RelyingParty, asked: dict[str, str], minutes: int
) -> None:
    """OIDC Core section 3.1.2.1. The sign-in page is at one node, the authorization endpoint at the other."""
    nodes.at, nodes.sign_in_at = pick(nodes)
    people.sign_in(browser)
    nodes.pass_time(minutes=minutes)
    waiting = rp.ask(browser.client, **asked)
    assert waiting.page in {"/login", "/select-account"}
    assert rp.resume(browser.client, waiting).page == waiting.page  # nothing happened since
    browser.open(f"/login?request_uri={waiting.request_uri}&prompt=login")
    browser.submit({"username": people.ADDRESS, "password": PASSWORD})
    assert browser.left_to is not None, browser.page
    assert "code=" in browser.left_to


@pytest.mark.parametrize("nodes", [3600], indirect=True)
@directions
def test_a_new_device_is_noticed_whichever_node_the_account_was_used_at_before(
    nodes: Nodes, pick: Pick, browser: Browser
) -> None:
    """OWASP ASVS v5.0.0-6.3.5."""
    first, then = pick(nodes)
    nodes.at = first
    people.sign_in(browser)
    inbox = Inbox(then.installation)
    assert inbox.letters() == []
    nodes.at = then
    people.sign_in(Browser(nodes, ISSUER))  # type: ignore[arg-type]
    assert [letter.subject.startswith("New sign-in") for letter in inbox.letters()] == [True]


# One node: what the mark of an account, its security stamp, has to do with the time, and with earlier releases


@dataclass
class SignedIn:
    """A session and tokens with offline_access of one user at one node."""

    browser: Browser
    rp: RelyingParty
    tokens: Tokens

    def counts(self) -> tuple[bool, bool]:
        """Whether the session is active, and whether the tokens are."""
        is_active = self.rp.is_active(self.tokens.access_token)
        assert is_active == (self.rp.userinfo(self.tokens).status_code == 200)
        return is_signed_in(self.browser), is_active


@pytest.fixture
def node(nodes: Nodes) -> Node:
    return nodes.fast


@pytest.fixture
def signed_in(nodes: Nodes, browser: Browser, rp: RelyingParty) -> SignedIn:
    people.sign_in(browser)
    return SignedIn(browser, rp, rp.sign_in(browser.client, scope="openid offline_access"))


one_pair: pytest.MarkDecorator = pytest.mark.parametrize("nodes", [120], indirect=True)


@one_pair
def test_access_ends_again_within_the_same_microsecond(node: Node, browser: Browser, rp: RelyingParty) -> None:
    user_id = people.find_user(node.work).id
    for _ in range(3):
        people.sign_in(browser)
        one = SignedIn(browser, rp, rp.sign_in(browser.client, scope="openid offline_access"))
        assert one.counts() == (True, True)
        with node.work() as w:
            users.change_security_stamp(w.db, user_id, now=w.now)
        assert one.counts() == (False, False)


@one_pair
@pytest.mark.also_on_postgresql
def test_a_sign_in_that_was_under_way_as_access_ended_counts_for_nothing(node: Node, browser: Browser) -> None:
    """Its password may be the old one."""
    before = people.find_user(node.work)
    with node.work() as w:
        end_access(w, user_id=before.id, cause=Cause.PASSWORD_RESET)
    node.clock.advance(seconds=1)
    with node.work() as w:
        cookie = open_session(w, user_id=before.id, security_stamp=before.security_stamp, factor="pwd")
    plant_cookie(browser.client, node.installation, cookie)
    assert not is_signed_in(browser)


@one_pair
@pytest.mark.also_on_postgresql
@pytest.mark.parametrize(
    ("seconds", "counts"), [(None, (True, True)), (-1, (True, True)), (0, (True, False)), (1, (False, False))]
)
def test_times_are_compared_for_what_an_earlier_release_stored(
    node: Node, signed_in: SignedIn, seconds: int | None, counts: tuple[bool, bool]
) -> None:
    """`seconds` after the sign-in access ended, if ever. A grant of that very moment may be the older one."""
    with node.work() as w:
        for table in (sessions, grants):
            w.db.execute(update(table).values(security_stamp=None))
        if seconds is not None:
            w.db.execute(update(users.users).values(not_before=w.now + timedelta(seconds=seconds)))
    assert signed_in.counts() == counts


@one_pair
def test_what_begins_in_a_session_of_an_earlier_release_has_a_stamp(node: Node, signed_in: SignedIn) -> None:
    with node.work() as w:
        w.db.execute(update(sessions).values(security_stamp=None))
    signed_in.tokens = signed_in.rp.sign_in(signed_in.browser.client, scope="openid offline_access")
    with node.work() as w:
        assert set(w.read.scalars(select(grants.c.security_stamp))) == {FIRST}
    node.clock.advance(hours=-2)
    with node.work() as w:
        end_access(w, user_id=people.find_user(node.work).id, cause=Cause.SIGNED_OUT_EVERYWHERE)
    assert signed_in.counts() == (False, False)


@one_pair
def test_access_that_an_earlier_release_ends_is_over(node: Node, signed_in: SignedIn) -> None:
    with node.work() as w:  # all it writes besides the ends of sessions
        w.db.execute(update(users.users).values(not_before=w.now - timedelta(hours=2)))
    assert signed_in.counts() == (False, False)


@one_pair
def test_a_session_that_is_kept_takes_over_the_new_stamp(node: Node, browser: Browser, rp: RelyingParty) -> None:
    node.clock.advance(hours=1)
    with node.work() as w:  # at a node whose clock is ahead
        end_access(w, user_id=people.find_user(node.work).id, cause=Cause.SIGNED_OUT_EVERYWHERE)
    node.clock.advance(hours=-1)
    people.sign_in(browser)
    before = SignedIn(browser, rp, rp.sign_in(browser.client, scope="openid offline_access"))
    browser.open("/account/password")
    browser.submit({"Current password": PASSWORD, "New password": NEW})
    assert before.counts() == (True, False)
    assert rp.userinfo(rp.sign_in(browser.client)).status_code == 200
