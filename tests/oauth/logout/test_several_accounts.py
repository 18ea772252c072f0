"""Signing out where several accounts are signed in in one browser: exactly the sessions that end are notified."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from provider.config.settings import Settings
from provider.outbox import store as outbox
from provider.work import Installation
from tests.oauth.conftest import Register
from tests.oauth.http.test_session_state import is_unchanged
from tests.oauth.logout.test_front_channel import frames_of
from tests.oauth.watched_http import WatchedClient
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import LOGOUT, RelyingParty, Tokens
from tests.support.several_accounts import ACCOUNTS, CHOOSER, SESSION, accounts_on, choose, csrf_on, sign_in_beside

ADA, BOB = "ada@example.test", "bob@example.test"
OUT = "https://app.example.test/signed-out"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, session_management=True)


@pytest.fixture
def both(browser: WatchedClient, installation: Installation, work: Work) -> WatchedClient:
    """Ada's browser, in which Bob signed in too. He is the current account."""
    with work() as w:
        bob = make_user(w, BOB)
    sign_in_beside(browser, installation, bob)
    return browser


@pytest.fixture
def shop(register: Register) -> RelyingParty:
    return register(
        backchannel_logout_uri="https://app.example.test/back",
        frontchannel_logout_uri="https://app.example.test/front",
        frontchannel_logout_session_required=True,
    )


@pytest.fixture
def notified(work: Work) -> Callable[[], list[str]]:
    """The sessions of which apps are notified by the back channel, as they are in the queue."""

    def find() -> list[str]:
        with work() as w:
            abouts = [message.about for message in outbox.find(w.read) if message.topic == "logout"]
        return [about.partition("session ")[2] for about in abouts]

    return find


def tokens_of(shop: RelyingParty, browser: WatchedClient, address: str) -> Tokens:
    return shop.redeem(shop.ask(browser, login_hint=address))


def signed_in_here(browser: WatchedClient) -> list[str]:
    return list(accounts_on(browser.get(CHOOSER).text))


@pytest.mark.also_on_postgresql
@pytest.mark.parametrize("leaving", [ADA, BOB])
def test_an_app_ends_the_session_of_its_user_only(
    shop: RelyingParty, both: WatchedClient, notified: Callable[[], list[str]], leaving: str
) -> None:
    """RP-Initiated Logout section 2: the id_token_hint says whose session ends, whichever account is current."""
    tokens = {address: tokens_of(shop, both, address) for address in (ADA, BOB)}
    sids = {address: shop.verify(each)["sid"] for address, each in tokens.items()}
    answer = shop.log_out(both, tokens[leaving])
    page = both.get(answer.headers["location"]).text
    assert [dict(parse_qsl(urlsplit(frame).query)) for frame in frames_of(page)] == [
        {"iss": ISSUER, "sid": sids[leaving]}
    ]
    assert notified() == [sids[leaving]]
    staying = ADA if leaving == BOB else BOB
    assert signed_in_here(both) == [staying]
    assert shop.verify(tokens_of(shop, both, staying))["sid"] == sids[staying]
    assert SESSION in both.cookies if leaving == ADA else SESSION not in both.cookies


def test_a_post_of_the_app_brings_no_cookie_and_deletes_none(shop: RelyingParty, both: WatchedClient) -> None:
    """Cookies are SameSite=Lax: the session of the hint ends, and the browser keeps its other account."""
    hint = tokens_of(shop, both, ADA).id_token
    cookies = {name: both.cookies[name] for name in (SESSION, ACCOUNTS)}
    for name in cookies:
        both.cookies.delete(name)
    answer = both.post(LOGOUT, data={"id_token_hint": hint}, headers={"origin": "https://app.example.test"})
    assert not any(line.startswith(f"{SESSION}=") for line in answer.headers.get_list("set-cookie"))
    for name, value in cookies.items():
        both.cookies.set(name, value, domain="id.example.test", path="/")
    assert signed_in_here(both) == [BOB]


@pytest.mark.parametrize(("account", "left"), [(ADA, [BOB]), (BOB, [ADA]), ("all", [])])
def test_without_a_hint_the_user_chooses_which_accounts_sign_out(
    shop: RelyingParty, both: WatchedClient, notified: Callable[[], list[str]], account: str, left: list[str]
) -> None:
    """RP-Initiated Logout section 2: the user is asked, because nothing proves who is meant."""
    for address in (ADA, BOB):
        tokens_of(shop, both, address)
    asked = {"client_id": shop.client_id, "post_logout_redirect_uri": OUT}
    page = both.get(LOGOUT, params=asked).text
    offered = accounts_on(page)
    assert list(offered) == [BOB, ADA]
    form = {**asked, "csrf_token": csrf_on(page), "account": offered.get(account, account)}
    answer = both.post(LOGOUT, data=form, headers={"origin": ISSUER})
    assert answer.status_code == 303
    assert len(frames_of(both.get(answer.headers["location"]).text)) == 2 - len(left)
    assert len(notified()) == 2 - len(left)
    assert (signed_in_here(both) if left else []) == left
    if not left:
        assert both.get(CHOOSER).headers["location"] == "/login"


def test_a_hint_of_someone_who_is_not_here_asks(shop: RelyingParty, both: WatchedClient) -> None:
    hint = tokens_of(shop, both, ADA)
    choose(both, CHOOSER, sign_out=ADA)
    page = both.get(LOGOUT, params={"id_token_hint": hint.id_token})
    assert page.status_code == 200
    assert BOB in page.text
    assert signed_in_here(both) == [BOB]


def test_another_site_signs_no_account_out(both: WatchedClient) -> None:
    """A-49."""
    assert both.post(LOGOUT, data={"account": "all"}, headers={"origin": "https://evil.test"}).status_code == 403
    assert both.post("/sign-out", data={"which": "all"}, headers={"origin": "https://evil.test"}).status_code == 403
    assert signed_in_here(both) == [BOB, ADA]


def test_the_chooser_signs_out_of_one_account_or_of_all(
    shop: RelyingParty, both: WatchedClient, notified: Callable[[], list[str]]
) -> None:
    tokens_of(shop, both, ADA)
    answer = choose(both, CHOOSER, sign_out=ADA)
    assert len(frames_of(both.get(answer.headers["location"]).text)) == 1
    assert len(notified()) == 1
    assert signed_in_here(both) == [BOB]
    assert choose(both, CHOOSER, sign_out="all").headers["location"] == "/signed-out"
    assert both.get(CHOOSER).headers["location"] == "/login"
    assert (SESSION in both.cookies, ACCOUNTS in both.cookies) == (False, False)


@pytest.mark.parametrize("which", [ADA, "all"])
def test_a_sign_out_on_the_way_to_an_app_leads_back_to_it(
    shop: RelyingParty, both: WatchedClient, register: Register, which: str
) -> None:
    """Also if other apps are notified first: the page with their frames goes on to the app that waits."""
    waiting = register(redirect_uris=("https://shop.example.test/cb",), client_name="The shop")
    tokens_of(shop, both, ADA)
    chooser = waiting.ask(both).response.headers["location"]
    done = both.get(choose(both, chooser, sign_out=which).headers["location"]).text
    assert len(frames_of(done)) == 1
    assert "The shop" in done
    onward = unescape(re.findall(r'id="onward" href="([^"]+)"', done)[0])
    assert onward.startswith(f"{CHOOSER}?" if which == ADA else "/login?")
    assert "request_uri=" in onward
    assert both.get(onward).status_code == 200


def test_a_sign_out_on_the_way_to_an_app_that_notifies_nobody_leads_straight_back(
    both: WatchedClient, register: Register
) -> None:
    chooser = register().ask(both).response.headers["location"]
    assert choose(both, chooser, sign_out=BOB).headers["location"] == chooser


def test_signing_out_of_the_current_account_leaves_the_choice_of_the_others(both: WatchedClient) -> None:
    token = csrf_on(both.get("/account/sessions").text)
    answer = both.post("/sign-out", data={"csrf_token": token}, headers={"origin": ISSUER})
    page = both.get(answer.headers["location"]).text
    assert "still signed in to other accounts" in page
    assert ADA in page.replace("<wbr>", "")
    assert both.get("/account").headers["location"] == "/login?return_to=%2Faccount"
    assert both.get("/login?return_to=%2Faccount").headers["location"] == "/select-account?return_to=%2Faccount"
    assert choose(both, "/select-account?return_to=%2Faccount", account=ADA).headers["location"] == "/account"
    assert both.get("/account").status_code == 200


def test_session_state_is_right_for_each_account(register: Register, both: WatchedClient) -> None:
    """Session Management section 3: an app sees a change when its own session ends, and none when another account is
    chosen, signs in or signs out.
    """
    home, other = register(), register(redirect_uris=("https://shop.example.test/cb",))
    of_ada = home.ask(both, login_hint=ADA).parameters["session_state"]
    of_bob = other.ask(both, login_hint=BOB).parameters["session_state"]
    assert (is_unchanged(home, both, of_ada), is_unchanged(other, both, of_bob)) == (True, True)
    assert not is_unchanged(home, both, of_bob)
    choose(both, CHOOSER, account=ADA)
    assert (is_unchanged(home, both, of_ada), is_unchanged(other, both, of_bob)) == (True, True)
    choose(both, CHOOSER, sign_out=ADA)
    assert (is_unchanged(home, both, of_ada), is_unchanged(other, both, of_bob)) == (False, True)
    choose(both, CHOOSER, sign_out=BOB)
    assert not is_unchanged(other, both, of_bob)
