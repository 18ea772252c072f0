"""Nodes whose clocks differ: what ends at one node ends at all of them, and what begins afterwards does not.

Each test runs on two nodes with one database. The clock of one is two minutes, or an hour, behind the other's.
"""

from collections.abc import Callable, Iterator

import pytest

from provider.accounts.access import Cause, end_access
from provider.accounts.passwords import password_reset
from provider.config.settings import Settings
from tests.oauth.watched_http import WatchedClient
from tests.support import people
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER
from tests.support.relying_party import RelyingParty
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


@pytest.mark.both_databases
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


@pytest.mark.both_databases
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
    assert ["new device" in letter.subject for letter in inbox.letters()] == [True]
