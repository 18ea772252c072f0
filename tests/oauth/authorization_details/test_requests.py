"""Where authorization details are asked for, and which are refused (RFC 9396 sections 2, 3, 5)."""

import json
import math
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from provider.installation import open_installation
from provider.oauth.authorization_details.types import delete_type, parse_declaration, update_type
from provider.oauth.authorize.store.authorization_requests import authorization_requests
from provider.oauth.syntax import SYNTAX
from provider.oauth.tokens.server import AuthorizationServer
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
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.endpoints.test_consent import allow, decide, show
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import AUTHORIZE, PAR, Answer, RelyingParty

ERROR = "invalid_authorization_details"


def test_the_details_that_a_user_allowed_are_in_the_token_response(shop: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9396 section 7."""
    tokens = shop.redeem(allow(shop, browser, authorization_details=sent(payment(), files("read"))))
    assert tokens.status == 200
    assert tokens.body["authorization_details"] == [payment(), files("read")]


def test_details_alone_ask_for_no_scope(shop: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9396 section 3.1: scope is a request of its own."""
    answer = shop.ask(browser, scope=None, authorization_details=sent(payment()))
    assert "See your email address" not in show(browser, answer).text
    tokens = shop.redeem(allow(shop, browser, scope=None, authorization_details=sent(payment())))
    assert "scope" not in tokens.body
    assert tokens.body["authorization_details"] == [payment()]


def test_details_are_pushed(shop: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9126 section 2.1; errors are answered immediately."""
    parameters, _ = shop.request(authorization_details=sent(payment()))
    assert shop.post(PAR, **parameters).status_code == 201
    parameters, _ = shop.request(authorization_details=sent({"type": "unknown"}))
    refused = shop.post(PAR, **parameters)
    assert (refused.status_code, refused.json()["error"]) == (400, ERROR)


def test_details_in_a_request_object_are_a_list(register: Register, types: None, browser: WatchedClient) -> None:
    """RFC 9396 section 3, RFC 9101 section 4."""
    keys = Signatory()
    rp = register(jwks=keys.jwks, authorization_details_types=(PAYMENT_TYPE,))
    parameters, verifier = rp.request()
    claims = parameters | {"authorization_details": [payment()], "iss": rp.client_id, "aud": ISSUER}
    query = {"client_id": rp.client_id, "request": keys.sign(claims)}
    answer = Answer(browser.get(AUTHORIZE, params=query), parameters, verifier)
    assert rp.redeem(answer).body["authorization_details"] == [payment()]


def test_an_unknown_type_is_refused(shop: RelyingParty, browser: WatchedClient, explain: Explain) -> None:
    """N-165. RFC 9396 section 5."""
    answer = shop.ask(browser, authorization_details=sent({"type": "other"}))
    assert answer.error == ERROR
    check = explain(answer.parameters["error_description"].rpartition("error ID ")[2].rstrip(")")).checks[-1]
    assert (check["name"], check["got"]) == ("Each type of authorization_details is declared", "other")
    assert check["section"] == "RFC 9396 section 5"


def test_a_type_that_the_client_is_not_registered_for_is_refused(
    register: Register, types: None, browser: WatchedClient
) -> None:
    """N-166. RFC 9396 section 10."""
    rp = register(authorization_details_types=(FILES_TYPE,))
    assert rp.ask(browser, authorization_details=sent(files("read"))).error is None
    assert rp.ask(browser, authorization_details=sent(files("read"), payment())).error == ERROR


@pytest.mark.parametrize(
    "given",
    [
        "", "{}", "[]", "[{}]", "[1]", '["x"]', '[{"type":1}]', '[{"type":null}]', "[", "nonsense", "[NaN]", "null",
        '[{"type":"a","type":"b"}]', "[" * 3000, '[{"type":"files","identifier":"\\u0000"}]',
        '[{"type":"files","identifier":"\\ud800"}]', '[{"type":"files","identifier":"\\u202e"}]',
        '[{"type":"files","\\n":1}]',
    ],
)  # fmt: skip
def test_what_is_no_array_of_typed_objects_is_refused(shop: RelyingParty, browser: WatchedClient, given: str) -> None:
    """N-167. RFC 9396 section 2."""
    answer = shop.ask(browser, authorization_details=given)
    assert answer.error == (ERROR if given else None)


@in_one_world(
    "details",
    [
        [files(identifier="x" * 5000)],
        [files(identifier=str(number)) for number in range(21)],
        [files(identifier=[[[[[[[[1]]]]]]]])],
        [files(*["read"] * 500)],
    ],
)
def test_details_that_are_too_large_are_refused(
    shop: RelyingParty, browser: WatchedClient, details: list[dict[str, Any]], unchanged: Unchanged
) -> None:
    """N-168. RFC 9396 section 12: a request must not cost the server or the user too much."""
    with unchanged():
        assert shop.ask(browser, authorization_details=sent(*details)).error == ERROR


@in_one_world(
    ("details", "said"),
    [
        (payment(extra=1), "extra is an unknown member"),
        ({"type": PAYMENT_TYPE, "creditor": "A"}, "amount is missing"),
        (payment("12,50"), "amount.value does not conform to pattern"),
        (payment("12.50\n"), None),
        (payment(urgent="yes"), "urgent does not conform to type"),
        (payment(amount={"currency": "EUR", "value": "1", "x": 1}), "amount.x is an unknown member"),
        (files("own"), "actions.0 does not conform to enum"),
        (files(locations=["not a uri"]), "locations.0 does not conform to format"),
        ({**payment(), "please call 555": 1}, "a member is an unknown member"),
    ],
)
def test_details_that_do_not_conform_to_the_schema_are_refused(
    shop: RelyingParty, browser: WatchedClient, details: dict[str, Any], said: str | None
) -> None:
    """N-169. RFC 9396 section 5: unknown, missing and invalid members."""
    answer = shop.ask(browser, authorization_details=sent(details))
    assert answer.error == ERROR
    assert said is None or said in answer.parameters["error_description"]


def test_a_type_that_is_deleted_or_changed_while_a_user_decides_is_not_granted(
    shop: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """N-170. RFC 9396 section 5: the details are checked at each step."""
    stricter = PAYMENT["json_schema"] | {"required": ["type", "amount", "creditor", "reference"]}
    answer = shop.ask(browser, authorization_details=sent(payment()))
    assert answer.page == "/consent"
    with work() as w:
        update_type(w, PAYMENT_TYPE, parse_declaration(PAYMENT | {"json_schema": stricter}))
    decide(browser, answer, "allow")
    assert shop.resume(browser, answer).error == ERROR
    answer = shop.ask(browser, authorization_details=sent(files("read")))
    assert answer.page == "/consent"
    with work() as w:
        delete_type(w, FILES_TYPE)
    decide(browser, answer, "allow")
    assert shop.resume(browser, answer).error == ERROR


def test_a_first_party_app_gets_details_without_consent(
    register: Register, declare: Declare, browser: WatchedClient
) -> None:
    declare(FILES_TYPE, ACCESS)
    rp = register(authorization_details_types=(FILES_TYPE,))
    assert rp.sign_in(browser, authorization_details=sent(files("read"))).body["authorization_details"] == [
        files("read")
    ]


def test_the_same_object_twice_is_granted_once(shop: RelyingParty, browser: WatchedClient) -> None:
    tokens = shop.redeem(allow(shop, browser, authorization_details=sent(files("read"), files("read"))))
    assert tokens.body["authorization_details"] == [files("read")]


def test_the_error_is_named_for_other_reasons_than_the_request_too(shop: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9396 section 5: details sent twice are an invalid request (RFC 6749 section 3.1)."""
    answer = shop.ask(browser, authorization_details=sent(files("read")))
    url = str(answer.response.request.url) + "&authorization_details=" + json.dumps([files()])
    assert "invalid_request" in browser.get(url).headers["location"]


def test_metadata_names_the_declared_types(client: TestClient, server: AuthorizationServer, declare: Declare) -> None:
    """RFC 9396 section 10, RFC 9728 section 2. They are read again as often as the keys."""
    paths = ("openid-configuration", "oauth-authorization-server", "oauth-protected-resource")

    def published() -> list[Any]:
        member = "authorization_details_types_supported"
        return [client.get(f"/.well-known/{path}").json().get(member) for path in paths]

    assert published() == [None] * 3
    server.details_types._until = math.inf
    declare(FILES_TYPE, ACCESS)
    assert published() == [None] * 3
    server.details_types._until = 0.0
    assert published() == [[FILES_TYPE]] * 3
    away = open_installation(settings_for("sqlite:////nowhere/signet.db"))
    server.details_types.refresh(away)
    away.database.close()
    assert published() == [[FILES_TYPE]] * 3


def test_a_node_of_the_previous_release_asks_for_no_scope_in_place_of_details(
    shop: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """It ignores the details of a stored request, and no scope would mean every scope of the client to it."""
    shop.ask(browser, scope=None, authorization_details=sent(payment()))
    with work() as w:
        stored = w.read.execute(select(authorization_requests.c.parameters)).scalar_one()
    assert stored["scope"] == ""
    assert not SYNTAX["scope"].matches(stored["scope"])
