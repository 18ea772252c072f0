"""Which authorization details a token gets (RFC 9396 sections 6, 7, 9)."""

import json
from typing import Any

import pytest
from joserfc.util import urlsafe_b64decode

from provider.oauth.authorization_details.granting import is_within
from provider.oauth.authorization_details.types import delete_type, parse_declaration, update_type
from provider.oauth.clients import clients
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.clients.metadata import ClientMetadata
from provider.work import Installation
from tests.oauth.authorization_details.conftest import (
    ACCESS,
    FILES,
    FILES_TYPE,
    PAYMENT,
    PAYMENT_TYPE,
    PAYMENTS,
    files,
    payment,
    sent,
)
from tests.oauth.conftest import Explain, Register
from tests.oauth.endpoints.test_consent import allow
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.installation import Work
from tests.support.relying_party import TOKEN, RelyingParty, Tokens
from tests.support.statements import recorded

ERROR = "invalid_authorization_details"
OFFLINE = "openid offline_access"


def api(work: Work, resource: str, **members: Any) -> tuple[str, str]:
    given = {"client_name": "API", "grant_types": (), "response_types": (), "redirect_uris": (), **members}
    with work() as w:
        client, secret = clients.create_client(w, ClientMetadata(resource_identifiers=(resource,), **given))
    return client.client_id, str(secret)


@pytest.fixture
def apis(work: Work, shop: RelyingParty) -> dict[str, RelyingParty]:
    found = {}
    for resource in (PAYMENTS, FILES):
        client_id, secret = api(work, resource)
        with work() as w:
            client = clients.find_client(w, client_id)
        assert client is not None
        found[resource] = RelyingParty(shop.http, client, secret)
    return found


def claims_of(tokens: Tokens) -> Any:
    payload = json.loads(urlsafe_b64decode(tokens.access_token.split(".")[1].encode()))
    return payload.get("authorization_details")


def granted(shop: RelyingParty, browser: WatchedClient, *details: dict[str, Any], **parameters: Any) -> Tokens:
    parameters = {"scope": OFFLINE, "prompt": "consent", **parameters}
    return shop.redeem(allow(shop, browser, authorization_details=sent(*details), **parameters))


def test_the_access_token_and_its_introspection_have_the_details(shop: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9396 sections 9.1, 9.2. The refresh token has all that was granted."""
    tokens = granted(shop, browser, payment(), files("read"))
    assert claims_of(tokens) == [payment(), files("read")]
    assert shop.introspect(tokens.access_token)["authorization_details"] == [payment(), files("read")]
    assert shop.introspect(tokens.refresh_token)["authorization_details"] == [payment(), files("read")]


def test_a_token_for_an_api_has_only_the_details_for_it(
    shop: RelyingParty, browser: WatchedClient, apis: dict[str, RelyingParty]
) -> None:
    """RFC 9396 section 9.1: by its locations, else by the APIs of the type."""
    details = (
        payment(),
        files("read", locations=[f"{FILES}alice"]),
        files("write"),
        files("delete", locations=[PAYMENTS]),
    )
    tokens = granted(shop, browser, *details, scope="offline_access", resource=f"{PAYMENTS} {FILES}")
    assert claims_of(tokens) == [*details]
    narrowed = shop.refresh(tokens, resource=FILES)
    assert claims_of(narrowed) == narrowed.body["authorization_details"] == [details[1], details[2]]
    narrowed = shop.refresh(narrowed, resource=PAYMENTS)
    assert claims_of(narrowed) == [details[0], details[2], details[3]]


def test_an_api_sees_only_its_details_of_a_token_for_several(
    shop: RelyingParty, browser: WatchedClient, apis: dict[str, RelyingParty]
) -> None:
    """N-172. RFC 9396 section 9.2."""
    here, there = files("read", locations=[FILES]), files("read", locations=[PAYMENTS])
    asked = here, there, payment(), files("write")
    tokens = granted(shop, browser, *asked, scope="offline_access", resource=f"{PAYMENTS} {FILES}")
    assert apis[FILES].introspect(tokens.access_token)["authorization_details"] == [here, files("write")]
    assert apis[PAYMENTS].introspect(tokens.access_token)["authorization_details"] == [there, payment(), files("write")]
    assert shop.introspect(tokens.access_token)["authorization_details"] == [*asked]


def test_a_location_must_be_the_api_or_below_it(
    shop: RelyingParty, browser: WatchedClient, apis: dict[str, RelyingParty]
) -> None:
    """N-173. Another host that begins with the same characters is another API."""
    elsewhere = [
        files("read", locations=[uri]) for uri in (f"{FILES[:-1]}.evil.test/", "https://files.example.test:8443/")
    ]
    tokens = granted(shop, browser, *elsewhere, scope="offline_access", resource=FILES)
    assert claims_of(tokens) is None
    assert "authorization_details" not in tokens.body


def test_a_token_request_narrows_what_was_granted(shop: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9396 sections 6, 6.1. The grant keeps all of it."""
    answer = allow(shop, browser, authorization_details=sent(payment(), files("read", "write")), scope=OFFLINE)
    tokens = shop.redeem(answer, authorization_details=sent(files("read")))
    assert claims_of(tokens) == tokens.body["authorization_details"] == [files("read")]
    tokens = shop.refresh(tokens, authorization_details=sent(payment()))
    assert claims_of(tokens) == [payment()]
    assert claims_of(shop.refresh(tokens)) == [payment(), files("read", "write")]


@in_one_world(
    "more",
    [
        payment("12.51"),
        payment(reference="x"),
        {**payment(), "amount": {"value": "12.50", "currency": "USD"}},
        files("read", "write"),
        files(),
        files("read", identifier="other"),
        {"type": "unknown"},
    ],
)
def test_a_refresh_never_widens_what_was_granted(
    shop: RelyingParty, browser: WatchedClient, more: dict[str, Any], explain: Explain
) -> None:
    """N-174. RFC 9396 section 6. The refresh token stays valid."""
    tokens = granted(shop, browser, payment(), files("read"))
    refused = shop.refresh(tokens, authorization_details=sent(more))
    assert (refused.status, refused.error) == (400, ERROR)
    assert explain(refused.error_id).checks[-1]["section"] == "RFC 9396 section 6"
    assert claims_of(shop.refresh(tokens)) == [payment(), files("read")]


def test_a_code_never_gives_more_than_was_granted_and_stays_usable(shop: RelyingParty, browser: WatchedClient) -> None:
    """N-175. RFC 9396 section 6."""
    answer = allow(shop, browser, authorization_details=sent(files("read")))
    assert shop.redeem(answer, authorization_details=sent(files("delete"))).error == ERROR
    assert claims_of(shop.redeem(answer)) == [files("read")]


def test_details_without_a_grant_of_them_are_refused_at_the_token_endpoint(
    shop: RelyingParty, browser: WatchedClient
) -> None:
    """N-176. RFC 9396 section 6."""
    tokens = shop.redeem(allow(shop, browser, scope=OFFLINE))
    assert shop.refresh(tokens, authorization_details=sent(files("read"))).error == ERROR
    assert shop.refresh(tokens, authorization_details="[").error == ERROR
    assert "authorization_details" not in shop.refresh(tokens).body


def test_details_of_a_deleted_or_changed_type_end_with_the_next_token(
    shop: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """N-177. Decision 287. What still conforms stays."""
    tokens = granted(shop, browser, payment("900.00"), payment("5.00"), files("read"))
    strict = json.loads(json.dumps(PAYMENT))
    strict["json_schema"]["$defs"]["amount"]["properties"]["value"]["pattern"] = "^[0-9]{1,2}\\.[0-9]{2}$"
    with work() as w:
        update_type(w, PAYMENT_TYPE, parse_declaration(strict))
        delete_type(w, FILES_TYPE)
    tokens = shop.refresh(tokens)
    assert claims_of(tokens) == [payment("5.00")]
    assert shop.refresh(tokens, authorization_details=sent(payment("900.00"))).error == ERROR


def test_details_of_a_type_that_the_client_may_no_longer_use_end_with_the_next_token(
    shop: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """N-178. RFC 9396 section 10; A-59."""
    tokens = granted(shop, browser, payment(), files("read"))
    with work() as w:
        kept = shop.client.metadata
        members = kept.as_json() | {"authorization_details_types": (FILES_TYPE,)}
        clients.update_client(w, shop.client_id, ClientMetadata(**members))
    assert claims_of(shop.refresh(tokens)) == [files("read")]


def test_a_client_gets_details_for_itself(register: Register, types: None, apis: dict[str, RelyingParty]) -> None:
    """RFC 9396 section 6: the client's policy are its types and their schemas."""
    job = register(
        grant_types=("client_credentials",), scope="jobs:run", authorization_details_types=(PAYMENT_TYPE, FILES_TYPE)
    )
    tokens = job.client_credentials(authorization_details=sent(payment(), files("read")))
    assert claims_of(tokens) == tokens.body["authorization_details"] == [payment(), files("read")]
    assert "scope" not in tokens.body
    tokens = job.client_credentials(authorization_details=sent(payment(), files("read")), resource=FILES)
    assert claims_of(tokens) == [files("read")]
    assert job.client_credentials(authorization_details=sent(payment("x"))).error == ERROR
    assert job.client_credentials(authorization_details=sent({"type": "other"})).error == ERROR


def test_an_api_exchanges_no_more_details_than_it_got(
    register: Register, shop: RelyingParty, browser: WatchedClient, apis: dict[str, RelyingParty]
) -> None:
    """N-179. RFC 8693 section 2.1, RFC 9396 section 6."""
    orders = "https://orders.example.test/"
    exchanger = register(
        redirect_uris=(), post_logout_redirect_uris=(), response_types=(), grant_types=(TOKEN_EXCHANGE,),
        resource_identifiers=(orders,), exchange_targets=(FILES,), authorization_details_types=(FILES_TYPE,),
    )  # fmt: skip
    tokens = granted(shop, browser, payment(), files("read", "write"), scope="offline_access", resource=orders)
    given = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": tokens.access_token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": FILES,
    }
    assert claims_of(Tokens(exchanger.post(TOKEN, **given))) == [files("read", "write")]
    narrowed = Tokens(exchanger.post(TOKEN, **given, authorization_details=sent(files("read"))))
    assert claims_of(narrowed) == [files("read")]
    for more in (files("delete"), payment()):
        assert Tokens(exchanger.post(TOKEN, **given, authorization_details=sent(more))).error == ERROR


@pytest.mark.parametrize(
    ("wanted", "granted", "expected"),
    [
        ({"actions": ["a"]}, {"actions": ["a", "b"]}, True),
        ({"actions": ["b", "a"]}, {"actions": ["a", "b"]}, True),
        ({"actions": []}, {"actions": ["a"]}, False),  # to many types, no action means every action
        ({}, {"actions": ["a"]}, False),
        ({"actions": ["a"]}, {}, False),
        ({"other": ["a"]}, {"other": ["a", "b"]}, False),
        ({"limit": 1}, {"limit": 1.0}, True),
        ({"limit": 1}, {"limit": True}, False),
        ({"limit": 1}, {"limit": 2}, False),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}, True),
    ],
)
def test_less_is_what_is_less_for_every_type(wanted: Any, granted: Any, expected: bool) -> None:
    """RFC 9396 section 6.1."""
    assert is_within({"type": "x", **wanted}, {"type": "x", **granted}) is expected


def test_requests_without_details_look_up_no_types(
    shop: RelyingParty, browser: WatchedClient, installation: Installation
) -> None:
    with recorded(installation.database.engine) as statements:
        tokens = shop.redeem(allow(shop, browser, scope=OFFLINE))
        shop.introspect(shop.refresh(tokens).access_token)
    assert not any("authorization_details_types" in statement for statement in statements)


def test_the_declaration_of_the_tests_is_one() -> None:
    assert parse_declaration(ACCESS).label == {"en": "Access your files"}
