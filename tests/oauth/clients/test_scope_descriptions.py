"""What scopes of APIs allow, in the words of operators: which users read where, and who may write them."""

from typing import Any

import pytest

from provider.languages.own_text import InvalidOwnText, format_lines, parse_lines
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.work import Installation
from tests.oauth.conftest import Register
from tests.oauth.devices import FOR_DEVICES, page_of, start
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import ISSUER, Work
from tests.support.statements import recorded

ORDERS, BOOKS = "https://orders.example.test/", "https://books.example.test/"
READ = "orders:read"
ENGLISH, GERMAN = "View your orders", "Ihre Bestellungen ansehen"
WORDS = {READ: {"en": ENGLISH, "de": GERMAN}}


def api(work: Work, resource: str = ORDERS, words: Any = WORDS, **changes: Any) -> str:
    given = {
        "client_name": "API",
        "resource_identifiers": [resource],
        "grant_types": [],
        "response_types": [],
        "scope_descriptions": words,
        **changes,
    }
    with work() as w:
        return clients.create_client(w, parse_metadata(given))[0].client_id


def asked(register: Register, browser: WatchedClient, language: str = "en", **parameters: str) -> str:
    rp = register(first_party=False, scope=f"openid {READ}")
    answer = rp.ask(browser, scope=f"openid {READ}", **parameters)
    headers = {"accept-language": language}
    return browser.get("/consent", params={"request_uri": answer.request_uri}, headers=headers).text


def test_consent_shows_what_a_scope_allows_in_the_language_of_the_page(
    register: Register, browser: WatchedClient, work: Work
) -> None:
    api(work)
    assert ENGLISH in asked(register, browser, resource=ORDERS)
    page = asked(register, browser, "de", resource=ORDERS)
    assert GERMAN in page
    assert READ not in page


def test_a_language_without_a_text_gets_the_english_one_and_a_page_from_right_to_left_isolates_it(
    register: Register, browser: WatchedClient, work: Work
) -> None:
    api(work)
    assert f"\u2068{ENGLISH}\u2069" in asked(register, browser, "ar", resource=ORDERS)


def test_only_the_apis_that_a_token_is_for_describe_its_scopes(
    register: Register, browser: WatchedClient, work: Work
) -> None:
    """RFC 8707 section 2. Another API could describe a dangerous scope in harmless words."""
    api(work, BOOKS, {READ: "Order books"})
    page = asked(register, browser, resource=ORDERS) if api(work, ORDERS, None) else ""
    assert "Order books" not in page
    assert f"“{READ}”" in page


def test_a_token_for_the_issuer_is_described_by_every_api(
    register: Register, browser: WatchedClient, work: Work
) -> None:
    """RFC 8707 section 2: each API that trusts the issuer accepts it. Disabled ones accept nothing."""
    api(work, BOOKS, {READ: "Order books"})
    gone = api(work, "https://old.example.test/", {READ: "Order anything"})
    api(work)
    with work() as w:
        clients.disable(w, gone)
    for parameters in ({}, {"resource": ISSUER}):
        page = asked(register, browser, **parameters)
        assert "Order books" in page
        assert ENGLISH in page
        assert "Order anything" not in page


def test_the_pages_of_devices_and_connected_apps_show_the_descriptions(
    register: Register, browser: WatchedClient, work: Work
) -> None:
    api(work)
    tv = register(public=True, first_party=False, scope=f"openid {READ}", **FOR_DEVICES)
    assert ENGLISH in page_of(browser, start(tv, scope=f"openid {READ}").user_code).text
    app = register(scope=f"openid {READ}")
    app.sign_in(browser, scope=f"openid {READ}", resource=ORDERS)
    assert ENGLISH in browser.get("/account/applications").text
    page = browser.get("/account/applications/app", params={"client_id": app.client.client_id}).text
    assert ENGLISH in page
    assert f"“{READ}”" not in page


def test_descriptions_are_replaced_and_removed(register: Register, browser: WatchedClient, work: Work) -> None:
    client_id = api(work)
    for words, shown in (({READ: "View all orders"}, "View all orders"), ({}, f"“{READ}”")):
        with work() as w:
            kept = clients.find_client(w, client_id)
            assert kept is not None
            clients.update_client(w, client_id, parse_metadata(kept.metadata.as_json() | {"scope_descriptions": words}))
        assert shown in asked(register, browser, resource=ORDERS)


def test_pages_without_scopes_of_apis_look_nothing_up(
    register: Register, browser: WatchedClient, work: Work, installation: Installation
) -> None:
    api(work)
    rp = register(first_party=False)
    answer = rp.ask(browser, scope="openid email")
    with recorded(installation.database.engine) as statements:
        browser.get("/consent", params={"request_uri": answer.request_uri})
    assert not any("api_scopes" in statement for statement in statements)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"openid": "Everything"}, "openid has a description already"),
        ({"two words": "x"}, "is not a scope"),
        ({READ: {"xx": "x"}}, "is not one of the languages"),
        ({READ: 7}, "must be text"),
        ({READ: {"en": 7}}, "must be a string"),
        ({READ: "x" * 201}, "at most 200 characters"),
        ({READ: "a\u202eb"}, "U+202E"),
        ({f"s{n}": "x" for n in range(101)}, "at most 100 scopes"),
        ([READ], "must be a JSON object"),
    ],
)
def test_what_is_no_description_is_refused_with_the_reason(given: Any, said: str) -> None:
    metadata = {"resource_identifiers": [ORDERS], "grant_types": [], "response_types": []}
    with pytest.raises(InvalidMetadata, match="scope_descriptions") as refused:
        parse_metadata({**metadata, "scope_descriptions": given})
    assert said in str(refused.value)


def test_only_apis_describe_scopes() -> None:
    with pytest.raises(InvalidMetadata, match="resource_identifiers"):
        parse_metadata({"grant_types": [], "response_types": [], "scope_descriptions": WORDS})


def test_the_lines_of_forms_and_commands_keep_every_scope_apart() -> None:
    """A scope may contain # (RFC 6749 appendix A.4)."""
    texts = {READ: {"en": ENGLISH, "de": GERMAN}, "a#b": {"en": "A"}, "a#de": {"en": "B", "pt-BR": "C"}}
    lines = format_lines(texts)
    assert lines.splitlines()[:2] == [f"{READ} {ENGLISH}", f"{READ}#de {GERMAN}"]
    assert parse_lines(lines) == texts
    with pytest.raises(InvalidOwnText, match="Line 2"):
        parse_lines(f"{READ} x\n{READ}")
