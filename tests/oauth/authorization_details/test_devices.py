"""Authorization details in the device flow (RFC 9396 section 3, RFC 8628)."""

import html
import json
from dataclasses import replace
from typing import Any

import pytest

from provider.oauth.authorization_details.types import delete_type, parse_declaration, update_type
from provider.oauth.authorize.store import consents
from provider.oauth.clients import clients
from tests.oauth.authorization_details.conftest import (
    FILES_TYPE,
    PAYMENT,
    PAYMENT_TYPE,
    PAYMENTS,
    files,
    payment,
    sent,
)
from tests.oauth.conftest import Register, Unchanged
from tests.oauth.devices import (
    DEVICE_AUTHORIZATION,
    DEVICE_CODE,
    FOR_DEVICES,
    Device,
    allow,
    page_of,
    press,
    start,
    words,
)
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.installation import Work
from tests.support.relying_party import TOKEN, RelyingParty, Tokens

ERROR = "invalid_authorization_details"


@pytest.fixture
def till(register: Register, types: None) -> RelyingParty:
    """A device at a counter: somebody else's app."""
    may = {"authorization_details_types": (PAYMENT_TYPE, FILES_TYPE)}
    return register(first_party=False, scope="openid offline_access", **may, **FOR_DEVICES)


def asking(till: RelyingParty, *details: dict[str, Any]) -> Device:
    return start(till, scope="openid offline_access", authorization_details=sent(*details))


def poll(device: Device, *details: dict[str, Any]) -> Tokens:
    more = {"authorization_details": sent(*details)}
    return Tokens(device.rp.post(TOKEN, grant_type=DEVICE_CODE, device_code=device.device_code, **more))


@pytest.mark.both_databases
def test_a_user_reads_what_a_device_asks_for_and_its_tokens_have_it(
    till: RelyingParty, register: Register, browser: WatchedClient, work: Work, ada: str
) -> None:
    """RFC 9396 sections 7, 9.1 and 9.2: the token response, the access token, introspection, and the next tokens."""
    device = asking(till, payment(), files("read", "write"))
    page = html.unescape(words(page_of(browser, device.user_code)))
    assert "Make a payment" in page
    assert "Green Grocer" in page
    assert "Access your files" in page
    allow(browser, device)
    tokens = device.poll()
    granted = [payment(), files("read", "write")]
    assert tokens.body["authorization_details"] == granted
    assert till.introspect(tokens.access_token)["authorization_details"] == granted
    assert till.introspect(tokens.refresh_token)["authorization_details"] == granted
    api = register(resource_identifiers=(PAYMENTS,), grant_types=(), redirect_uris=(), post_logout_redirect_uris=())
    assert api.introspect(tokens.access_token)["authorization_details"][0] == payment()
    less = till.refresh(tokens, authorization_details=sent(files("read")))
    assert less.body["authorization_details"] == [files("read")]
    assert till.refresh(less).body["authorization_details"] == granted
    with work() as w:
        kept = consents.find(w.read, ada, till.client_id)
    assert kept is not None
    assert kept.authorization_details == granted


def test_a_device_may_ask_for_details_alone_and_for_less_at_last(till: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9396 sections 2 and 6: without a scope, none is asked for."""
    device = start(till, scope=None, authorization_details=sent(payment(), files("read")))  # type: ignore[arg-type]
    allow(browser, device)
    tokens = poll(device, files("read"))
    assert tokens.body["authorization_details"] == [files("read")]
    assert "scope" not in tokens.body


@in_one_world(
    "details",
    ["x", "{}", "[]", '[{"type": "unknown"}]', '["files"]', sent(payment(creditor=1)), sent(payment(x=1)),
     json.dumps([{"type": FILES_TYPE, "identifier": "\u0007"}]), sent(*[files(identifier=str(n)) for n in range(21)])],
)  # fmt: skip
def test_invalid_details_of_a_device_are_refused(till: RelyingParty, unchanged: Unchanged, details: str) -> None:
    """N-171. RFC 9396 section 5."""
    with unchanged():
        refused = till.post(DEVICE_AUTHORIZATION, scope="openid", authorization_details=details)
    assert (refused.status_code, refused.json()["error"]) == (400, ERROR)


def test_a_type_that_a_device_is_not_registered_for_is_refused(register: Register, types: None) -> None:
    tv = register(public=True, authorization_details_types=(FILES_TYPE,), **FOR_DEVICES)
    refused = tv.post(DEVICE_AUTHORIZATION, scope="openid", authorization_details=sent(payment()))
    assert (refused.status_code, refused.json()["error"]) == (400, ERROR)


def end(work: Work, till: RelyingParty, how: str) -> None:
    with work() as w:
        if how == "deleted":
            delete_type(w, PAYMENT_TYPE)
        elif how == "changed":
            schema = PAYMENT["json_schema"] | {"required": ["type", "amount", "creditor", "reference"]}
            update_type(w, PAYMENT_TYPE, parse_declaration(PAYMENT | {"json_schema": schema}))
        else:
            clients.update_client(
                w, till.client_id, replace(till.client.metadata, authorization_details_types=(FILES_TYPE,))
            )


@pytest.mark.parametrize("how", ["deleted", "changed", "taken"])
def test_details_that_are_not_allowed_any_more_cannot_be_approved(
    till: RelyingParty, browser: WatchedClient, work: Work, how: str
) -> None:
    """N-309. RFC 9396 section 5: never less than the page said, nor what no operator allows."""
    device = asking(till, payment(), files("read"))
    assert page_of(browser, device.user_code).status_code == 200
    end(work, till, how)
    assert press(browser, device.user_code, "allow").status_code == 400
    assert page_of(browser, device.user_code).status_code == 400
    assert device.poll().error == "authorization_pending"


@pytest.mark.parametrize("how", ["deleted", "changed", "taken"])
def test_details_that_end_before_the_device_polls_are_not_in_its_token(
    till: RelyingParty, browser: WatchedClient, work: Work, how: str
) -> None:
    """N-310. RFC 9396 section 10, as for codes and refresh tokens."""
    device = asking(till, payment(), files("read"))
    allow(browser, device)
    end(work, till, how)
    assert device.poll().body["authorization_details"] == [files("read")]


def test_a_device_never_gets_more_than_was_allowed(till: RelyingParty, browser: WatchedClient) -> None:
    """N-311. RFC 9396 section 6."""
    device = asking(till, files("read"))
    allow(browser, device)
    for more in (files("read", "write"), files(), payment(), {"type": "unknown"}):
        assert poll(device, more).error == ERROR
    assert device.poll().body["authorization_details"] == [files("read")]


def test_details_that_were_not_asked_for_are_refused_with_the_device_code(
    till: RelyingParty, browser: WatchedClient
) -> None:
    """N-312. RFC 9396 section 6."""
    device = start(till, scope="openid")
    allow(browser, device)
    assert poll(device, files("read")).error == ERROR
    assert "authorization_details" not in device.poll().body
