"""prompt=select_account: go on as who is here, or as somebody else."""

import pytest

from provider.oauth.clients import clients
from provider.work import Installation
from tests.oauth.conftest import Person, Unchanged
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import ISSUER, Answer, RelyingParty, sign_in_person
from tests.support.statements import recorded

PATH = "/select-account"


def choose(browser: WatchedClient, answer: Answer, decision: str) -> str:
    form = {"decision": decision, "csrf_token": csrf_of(browser)}
    response = browser.post(PATH, params={"request_uri": answer.request_uri}, data=form, headers={"origin": ISSUER})
    return str(response.headers["location"])


@pytest.mark.both_databases
def test_continuing_as_the_signed_in_user(rp: RelyingParty, browser: WatchedClient, ada: str) -> None:
    """OIDC Core section 3.1.2.1."""
    answer = rp.ask(browser, prompt="select_account")
    assert "ada@example.test" in browser.get(PATH, params={"request_uri": answer.request_uri}).text
    assert choose(browser, answer, "continue").startswith(f"/oauth2/authorize?client_id={rp.client_id}&request_uri=")
    assert rp.verify(rp.redeem(rp.resume(browser, answer)))["sub"] == ada


def test_continuing_as_another_user(
    rp: RelyingParty, browser: WatchedClient, work: Work, installation: Installation, clock: Clock
) -> None:
    """OIDC Core section 3.1.2.1."""
    with work() as w:
        bob = make_user(w, "bob@example.test")
    answer = rp.ask(browser, prompt="select_account")
    assert choose(browser, answer, "other").startswith("/login?")
    clock.advance(seconds=1)
    sign_in_person(browser, installation, bob, answering=answer.request_uri)
    assert rp.verify(rp.redeem(rp.resume(browser, answer)))["sub"] == bob


def test_another_site_cannot_choose(rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged) -> None:
    """A-49."""
    answer = rp.ask(browser, prompt="select_account")
    with unchanged():
        response = browser.post(PATH, params={"request_uri": answer.request_uri}, data={"decision": "continue"})
    assert response.status_code == 403


def test_another_browser_cannot_choose(
    rp: RelyingParty, browser: WatchedClient, person: Person, ada: str, unchanged: Unchanged
) -> None:
    other = person(ada)
    rp.ask(other, prompt="select_account")
    answer = rp.ask(browser, prompt="select_account")
    with unchanged():
        choose(other, answer, "continue")
    assert rp.resume(browser, answer).page == PATH


def test_a_client_disabled_meanwhile_is_no_crash(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    answer = rp.ask(browser, prompt="select_account")
    with work() as w:
        clients.disable(w, rp.client_id)
    assert browser.get(PATH, params={"request_uri": answer.request_uri}).status_code in {200, 303, 400}


def test_a_made_up_request_gets_a_page(browser: WatchedClient, unchanged: Unchanged) -> None:
    with unchanged():
        assert browser.get(PATH, params={"request_uri": "x"}).status_code == 400


def test_the_page_reads_the_parked_request_once(
    rp: RelyingParty, browser: WatchedClient, installation: Installation
) -> None:
    parked = rp.ask(browser, prompt="select_account")
    with recorded(installation.database.engine) as statements:
        assert browser.get(PATH, params={"request_uri": parked.request_uri}).status_code == 200
    assert sum("FROM authorization_requests" in text for text in statements) == 1
