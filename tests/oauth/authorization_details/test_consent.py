"""What users read of authorization details, when they are asked again, and where they see what they allowed."""

import html
import re
from typing import Any

import pytest
from sqlalchemy import select

from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.oauth.authorization_details.types import delete_type
from provider.oauth.authorize import connected_apps
from provider.oauth.authorize.consent import MOST_REMEMBERED
from provider.oauth.authorize.store import consents
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.grants import grants
from tests.oauth.authorization_details.conftest import (
    ACCESS,
    FILES_TYPE,
    PAYMENT,
    PAYMENT_TYPE,
    Declare,
    files,
    payment,
    sent,
)
from tests.oauth.conftest import Register
from tests.oauth.endpoints.test_consent import allow
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty


def shown(shop: RelyingParty, browser: WatchedClient, *details: dict[str, Any], language: str = "en") -> str:
    answer = shop.ask(browser, authorization_details=sent(*details), prompt="consent")
    assert answer.page == "/consent", answer.location
    return browser.get(
        "/consent", params={"request_uri": answer.request_uri}, headers={"accept-language": language}
    ).text


def words(page: str) -> str:
    text = re.sub(r"<(?:/?d[dt]|br)>", " ", page.partition("<main")[2].partition("</main>")[0])
    text = re.sub(r"<[^>]+>", "", text)
    return " ".join(html.unescape(text).split())


def test_consent_shows_details_in_the_words_of_the_operator(shop: RelyingParty, browser: WatchedClient) -> None:
    page = words(shown(shop, browser, payment(reference="Invoice 7", urgent=True)))
    assert "Make a payment Pay 12.50 EUR to Green Grocer Reference Invoice 7 urgent Yes" in page
    german = words(shown(shop, browser, payment(reference="Rechnung 7"), language="de"))
    assert "Eine Zahlung ausführen Pay 12.50 EUR" in german.replace("\u2068", "").replace("\u2069", "")
    assert "Verwendungszweck Rechnung 7" in german


def test_nothing_that_an_app_asks_for_is_hidden(shop: RelyingParty, browser: WatchedClient) -> None:
    """N-180. RFC 9396 section 13: members without a label, lists, empty and false values are shown too."""
    asked = files("read", "delete", locations=["https://files.example.test/a"], identifier="", privileges=[])
    page = words(shown(shop, browser, asked, payment(urgent=False)))
    for text in (
        "Actions read delete",
        "Where https://files.example.test/a",
        "Identifier",
        "Privileges None",
        "urgent No",
    ):
        assert text.replace(" ", "") in page.replace(" ", ""), text


def test_values_of_an_app_are_text_and_look_like_values(shop: RelyingParty, browser: WatchedClient) -> None:
    """N-181. A value can't be taken for a sentence of this page, nor be markup (A-95)."""
    page = shown(shop, browser, payment(creditor="Ada</strong><b>. You pay nothing"))
    assert '<strong><span dir="auto">Ada&lt;/strong&gt;&lt;b&gt;. You pay nothing</span></strong>' in page


def test_a_sentence_that_lacks_a_value_is_not_shown(
    declare: Declare, register: Register, browser: WatchedClient
) -> None:
    declare(FILES_TYPE, ACCESS, description="Use {identifier} for {actions}")
    rp = register(first_party=False, authorization_details_types=(FILES_TYPE,))
    page = words(shown(rp, browser, files("read")))
    assert "Access your files Actions read" in page
    assert "Use " not in page
    assert "Use docs for read, write" in words(shown(rp, browser, files("read", "write", identifier="docs")))


def test_users_are_asked_again_when_details_change(shop: RelyingParty, browser: WatchedClient) -> None:
    """N-182. RFC 9396 section 4. Less than before was allowed before."""
    asked = {"authorization_details": sent(payment(), files("read", "write"))}
    allow(shop, browser, **asked)
    for same in (payment(), files("write"), files("read", "write")):
        assert shop.ask(browser, authorization_details=sent(same), prompt="none").error is None
    for other in (payment("12.51"), files("read", "delete"), files()):
        assert shop.ask(browser, authorization_details=sent(other), prompt="none").error == "consent_required"
        assert shop.ask(browser, authorization_details=sent(other)).page == "/consent"


def test_users_are_asked_each_time_for_types_that_want_it(
    declare: Declare, register: Register, browser: WatchedClient, work: Work, ada: str
) -> None:
    """N-183. The second of two equal payments needs the user too."""
    declare(PAYMENT_TYPE, PAYMENT, ask_each_time=True)
    rp = register(first_party=False, authorization_details_types=(PAYMENT_TYPE,))
    tokens = rp.redeem(allow(rp, browser, authorization_details=sent(payment())))
    assert tokens.body["authorization_details"] == [payment()]
    assert rp.ask(browser, authorization_details=sent(payment()), prompt="none").error == "consent_required"
    assert allow(rp, browser, authorization_details=sent(payment())).error is None
    with work() as w:
        kept = consents.find(w.read, ada, rp.client_id)
    assert kept is not None
    assert kept.authorization_details is None


def test_the_grant_and_the_audit_log_have_what_was_allowed(
    shop: RelyingParty, browser: WatchedClient, work: Work, ada: str
) -> None:
    allow(shop, browser, authorization_details=sent(payment()))
    with work() as w:
        assert list(w.read.scalars(select(grants.c.authorization_details))) == [[payment()]]
        event = find_events(w.read, user_id=ada, names=[Event.CONSENT_GRANTED], limit=1)[0]
    assert event.details["authorization_details_types"] == [PAYMENT_TYPE]


@pytest.mark.both_databases
def test_a_limited_number_of_details_is_remembered(
    shop: RelyingParty, browser: WatchedClient, work: Work, ada: str
) -> None:
    for number in range(0, MOST_REMEMBERED + 20, 20):
        details = [files("read", identifier=str(number + one)) for one in range(20)]
        allow(shop, browser, authorization_details=sent(*details))
    with work() as w:
        kept = consents.find(w.read, ada, shop.client_id)
    assert kept is not None
    assert kept.authorization_details is not None
    assert len(kept.authorization_details) == MOST_REMEMBERED
    assert kept.authorization_details[-1] == details[-1]


def test_a_user_sees_the_details_of_connected_apps(
    shop: RelyingParty, browser: WatchedClient, work: Work, ada: str, server: AuthorizationServer
) -> None:
    allow(shop, browser, authorization_details=sent(payment(), files("read")))

    def page() -> str:
        return words(browser.get("/account/applications/app", params={"client_id": shop.client_id}).text)

    assert "Make a payment Pay 12.50 EUR to Green Grocer" in page()
    assert "Access your files Actions read" in page()
    with work() as w:
        exported = connected_apps.export(server, w, ada)
    assert exported[0]["authorization_details"] == [payment(), files("read")]
    with work() as w:
        delete_type(w, PAYMENT_TYPE)
    assert f"{PAYMENT_TYPE} amount.currency EUR" in page()
    assert "Make a payment" not in page()
