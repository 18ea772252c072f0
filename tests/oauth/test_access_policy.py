"""Who may sign in to an app: roles, groups and networks, wherever a user gives an app access."""

import re
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.groups.members import add_member, remove_member
from provider.accounts.users import set_roles
from provider.oauth.authorize.access_policy import denial_of_network
from provider.oauth.clients import clients
from provider.oauth.clients.choices import JWT_BEARER, TOKEN_EXCHANGE
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.grants.id_jag import ID_JAG, ID_TOKEN
from provider.oauth.trusted_issuers import issuers
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from tests.oauth import approvals, devices
from tests.oauth.conftest import Explain, Person, Register
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.client_keys import Signatory
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import TOKEN, RelyingParty

IDP = "https://idp.example.test"

STAFF = {"allowed_groups": ("staff",), "contacts": ("it@example.test",)}


def join(work: Work, user_id: str) -> None:
    with work() as w:
        create_group(w, "inner", GroupSettings())
        create_group(w, "staff", GroupSettings(groups=("inner",)))
        add_member(w, "inner", user_id=user_id)


def change(work: Work, rp: RelyingParty, **changes: Any) -> None:
    with work() as w:
        clients.update_client(w, rp.client_id, parse_metadata(rp.client.metadata.as_json() | changes))


def query_of(answer: httpx2.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def denied_page(browser: WatchedClient, rp: RelyingParty) -> httpx2.Response:
    asked = rp.ask(browser).response
    assert asked.headers["location"].startswith("/access-denied?"), asked.headers
    return browser.get(asked.headers["location"])


def test_who_is_not_allowed_sees_why_and_whom_to_ask(
    register: Register, person: Person, ada: str, explain: Explain
) -> None:
    """N-260: no consent, no code; the error ID leads to the rule."""
    rp, browser = register(**STAFF), person(ada)
    page = denied_page(browser, rp)
    assert page.status_code == 403
    for words in ("You need to be in one of these groups to use it: staff.", "it@example.test", "ada@example.test"):
        assert words in page.text
    found = re.search(r'<code class="id">(\w+)</code>', page.text)
    assert found is not None
    row = explain(found[1])
    assert (row.error, row.checks[-1]["name"]) == (
        "access_denied",
        "The user is in a group that the client allows (allowed_groups)",
    )
    form = {"csrf_token": csrf_of(browser)}
    back = browser.post(str(page.url), data=form, headers={"sec-fetch-site": "same-origin"})
    assert query_of(back)["error"] == "access_denied"
    assert "none of the groups" in query_of(back)["error_description"]


def test_without_a_page_the_app_gets_access_denied(register: Register, person: Person, ada: str) -> None:
    """N-261: OIDC Core section 3.1.2.6, RFC 6749 section 4.1.2.1."""
    rp = register(**STAFF)
    answer = rp.ask(person(ada), prompt="none").response
    assert query_of(answer)["error"] == "access_denied"


@pytest.mark.both_databases
def test_who_leaves_the_group_gets_no_new_tokens_until_they_are_back(
    register: Register, person: Person, ada: str, work: Work
) -> None:
    """N-262: the family stays, so that a mistake of an operator signs no one out for good."""
    join(work, ada)
    rp = register(**STAFF)
    tokens = rp.sign_in(person(ada), scope="openid offline_access")
    with work() as w:
        remove_member(w, "inner", user_id=ada)
    refused = rp.refresh(tokens.refresh_token).response
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    with work() as w:
        add_member(w, "staff", user_id=ada)
    assert rp.refresh(tokens.refresh_token).response.status_code == 200


def test_a_role_is_enough_also_one_of_the_app_alone(register: Register, person: Person, ada: str, work: Work) -> None:
    """N-263: as the app gets it in the claim roles."""
    rp, browser = register(allowed_roles=("editor",)), person(ada)
    assert "You need one of these roles to use it: editor." in denied_page(browser, rp).text
    with work() as w:
        set_roles(w, user_id=ada, roles=("other:editor",))
    denied_page(browser, rp)
    with work() as w:
        set_roles(w, user_id=ada, roles=(f"{rp.client_id}:editor",))
    assert "code" in query_of(rp.ask(browser).response)


def test_each_rule_must_be_met(register: Register, person: Person, ada: str, work: Work) -> None:
    """N-264: the network is that of the user, and none that can't be read is allowed."""
    join(work, ada)
    rp = register(**STAFF, allowed_networks=("192.0.2.0/24", "2001:db8::/32"))
    browser = person(ada)
    assert "use it from your current network, " in denied_page(browser, rp).text
    change(work, rp, allowed_roles=["editor"])
    assert "You need one of these roles" in denied_page(browser, rp).text


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("192.0.2.255", True),
        ("::ffff:192.0.2.1", True),  # the same network as 192.0.2.1, as a socket for both families reads it
        ("2001:db8::7", True),
        ("192.0.3.0", False),
        ("::ffff:192.0.3.0", False),
        ("2001:db9::", False),
        ("", False),
    ],
)
def test_a_network_is_allowed_by_the_addresses_in_it(register: Register, address: str, is_allowed: bool) -> None:
    """N-573."""
    client = register(allowed_networks=("192.0.2.0/24", "2001:db8::/32")).client
    assert (denial_of_network(client, address) is None) == is_allowed


def test_a_refresh_needs_the_factor_that_the_client_requires(
    register: Register, person: Person, ada: str, work: Work
) -> None:
    """N-265: also if the client requires it only since the sign-in."""
    rp = register()
    tokens = rp.sign_in(person(ada), scope="openid offline_access")
    change(work, rp, required_factor="two-factor")
    assert rp.refresh(tokens.refresh_token).response.json()["error"] == "invalid_grant"


def test_an_assertion_is_not_the_factor_that_the_client_requires(register: Register, ada: str, work: Work) -> None:
    """N-593: an assertion is one factor, whatever its issuer checked. It is not used up."""
    signatory = Signatory()
    with work() as w:
        issuers.create(w, IDP, IssuerSettings(jwks=signatory.jwks, user_mapping="sub"))
    rp = register(grant_types=(JWT_BEARER,), required_factor="passkey")
    now = int(time.time())
    claims = {"iss": IDP, "sub": ada, "aud": ISSUER, "exp": now + 300, "iat": now, "jti": "1", "acr": "phr"}
    assertion = signatory.sign(claims)

    def present() -> httpx2.Response:
        return rp.post(TOKEN, grant_type=JWT_BEARER, assertion=assertion)

    refused = present()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant"), refused.text
    change(work, rp, required_factor="none")
    assert present().status_code == 200


@pytest.mark.parametrize("changed", [{"allowed_groups": ["staff"]}, {"required_factor": "two-factor"}])
def test_no_id_jag_is_issued_for_who_may_not_sign_in_any_more(
    register: Register, person: Person, ada: str, work: Work, changed: dict[str, Any]
) -> None:
    """N-594: as at a refresh, although the ID token is still valid."""
    chat = "https://auth.chat.example"
    rp = register(grant_types=("authorization_code", TOKEN_EXCHANGE), id_jag_audiences={chat: "wiki"})
    tokens = rp.sign_in(person(ada))

    def exchange() -> Any:
        subject = {"subject_token": tokens.id_token, "subject_token_type": ID_TOKEN}
        sent = rp.post(TOKEN, grant_type=TOKEN_EXCHANGE, requested_token_type=ID_JAG, audience=chat, **subject)
        return sent.json().get("error")

    assert exchange() is None
    change(work, rp, **changed)
    assert exchange() == "invalid_grant"


def test_a_device_is_not_connected(register: Register, person: Person, ada: str, work: Work) -> None:
    """N-266."""
    rp, browser = register(**devices.FOR_DEVICES, **STAFF), person(ada)
    device = devices.start(rp)
    shown = devices.page_of(browser, device.user_code)
    assert (shown.status_code, "You don't have access to" in shown.text) == (403, True)
    assert devices.press(browser, device.user_code, "allow").status_code == 403
    assert device.poll().response.json()["error"] == "authorization_pending"
    elsewhere = devices.start(register(**devices.FOR_DEVICES, allowed_networks=("192.0.2.0/24",)))
    assert devices.press(browser, elsewhere.user_code, "allow").status_code == 403
    join(work, ada)
    devices.allow(browser, device)


def test_a_backchannel_request_is_denied_without_asking(register: Register, ada: str, work: Work) -> None:
    """N-267: CIBA section 13."""
    rp = register(**{**approvals.FOR_CIBA, **STAFF, "allowed_networks": ("192.0.2.0/24",)})
    assert approvals.refusal(rp) == (403, "access_denied")
    join(work, ada)
    assert approvals.send(rp).status_code == 200  # the network of the app is not where the user is


@pytest.mark.parametrize(
    "changed",
    [
        {"allowed_networks": ["10.0.0.1/8"]},
        {"allowed_networks": ["everywhere"]},
        {"allowed_roles": ["two words"]},
        {"allowed_groups": [f"g{number}" for number in range(101)]},
    ],
)
def test_rules_that_mean_nothing_are_refused(changed: dict[str, Any]) -> None:
    """N-268: a network with host bits is a typing mistake."""
    with pytest.raises(InvalidMetadata, match=next(iter(changed))):
        parse_metadata({"redirect_uris": ["https://app.example.test/callback"], **changed})
