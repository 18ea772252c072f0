"""A client manages its own registration, and nobody else's."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from provider.config.settings import Settings
from provider.oauth.clients import clients, registration
from provider.oauth.clients.clients import Client, find_client
from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.conftest import Person, Register, Unchanged
from tests.oauth.endpoints.test_consent import allow
from tests.oauth.endpoints.test_registration import REGISTER, URI, WEB, assert_refused
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.installation import Work, settings_for
from tests.support.relying_party import RelyingParty

Told = dict[str, Any]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, registration="open")


@pytest.fixture
def told(http: WatchedClient) -> Told:
    """What a client was told when it registered itself."""
    found: Told = http.post(REGISTER, json=WEB | {"contacts": ["ops@app.example.test"]}).json()
    return found


def manage(http: WatchedClient, told: Told, method: str, **body: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {told['registration_access_token']}"}
    return http.request(method, told["registration_client_uri"], headers=headers, **({"json": body} if body else {}))


def replacing(told: Told, **changes: Any) -> Told:
    """The body of an update (RFC 7592 section 2.2): what was told, without what is the provider's to say."""
    ours = {"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"}
    return {name: value for name, value in told.items() if name not in ours} | changes


def test_it_reads_what_it_is_registered_as(http: WatchedClient, told: Told) -> None:
    """RFC 7592 section 2.1; oidcc-3rd_party-init-login: the same token goes on; the secret is not kept, so not told."""
    for _ in range(2):
        response = manage(http, told, "GET")
        assert response.status_code == 200
        assert response.json() == {k: v for k, v in told.items() if not k.startswith("client_secret")}


def test_it_replaces_the_whole_and_its_token(http: WatchedClient, told: Told, work: Work) -> None:
    """RFC 7592 section 2.2: what is left out is gone; the token before is dead."""
    body = replacing(told, redirect_uris=["https://app.example.test/new"], client_name="New")
    body.pop("contacts")
    new = manage(http, told, "PUT", **body).json()
    assert (new["redirect_uris"], new["client_name"]) == (["https://app.example.test/new"], "New")
    assert "contacts" not in new
    assert "client_secret" not in new
    assert new["client_id_issued_at"] == told["client_id_issued_at"]
    assert new["registration_access_token"] != told["registration_access_token"]
    assert_refused(manage(http, told, "GET"), "invalid_token", 401)
    assert manage(http, new, "GET").json() == new
    with work() as w:
        client = find_client(w, told["client_id"])
    assert client is not None
    assert client.has_secret(told["client_secret"])


@in_one_world(
    ("changes", "error"),
    [
        ({"client_id": "another"}, "invalid_client_metadata"),
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_secret": "another" * 8}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"client_id_issued_at": 1}, "invalid_client_metadata"),
        ({"redirect_uris": ["https://evil.test/#"]}, "invalid_redirect_uri"),
        ({"subject_type": "pairwise"}, "invalid_client_metadata"),
    ],
)
def test_what_may_not_be_in_an_update(
    http: WatchedClient, told: Told, unchanged: Unchanged, changes: Told, error: str
) -> None:
    """RFC 7592 section 2.2; OIDC Core section 12.2: refused, nothing is changed, and the token goes on."""
    with unchanged():
        assert_refused(manage(http, told, "PUT", **replacing(told, **changes)), error)
        assert manage(http, told, "GET").status_code == 200


def test_a_client_that_comes_to_need_a_secret_is_given_one(http: WatchedClient, told: Told, work: Work) -> None:
    """RFC 7592 section 3: for a secret that keys an HMAC, the digest that is kept of the one before does not do."""
    public = http.post(REGISTER, json=WEB | {"token_endpoint_auth_method": "none"}).json()
    for before, method in ((public, "client_secret_basic"), (told, "client_secret_jwt")):
        new = manage(http, before, "PUT", **replacing(before, token_endpoint_auth_method=method)).json()
        assert new["client_secret_expires_at"] == 0
        with work() as w:
            client = find_client(w, new["client_id"])
            assert client is not None
            assert client.has_secret(new["client_secret"])
            if method == "client_secret_jwt":
                assert client.open_secrets(w.vault) == [new["client_secret"]]


@pytest.mark.parametrize(
    ("sent_back", "works"), [("client_secret_basic", True), (None, True), ("client_secret_post", True), ("none", False)]
)
def test_a_client_that_chose_no_method_may_post_its_secret(
    http: WatchedClient, told: Told, sent_back: str | None, works: bool
) -> None:
    """RFC 7591 section 2: it is told the default. Sending that back is no choice; sending another is one."""
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": told["client_id"]}
    posted = form | {"client_secret": told["client_secret"]}
    assert http.post("/oauth2/token", data=posted).json()["error"] == "unauthorized_client"
    new = manage(http, told, "PUT", **replacing(told, token_endpoint_auth_method=sent_back)).json()
    assert new["token_endpoint_auth_method"] == (sent_back or "client_secret_basic")
    assert (http.post("/oauth2/token", data=posted).json()["error"] == "unauthorized_client") == works


def test_a_client_can_delete_its_registration(http: WatchedClient, told: Told, work: Work) -> None:
    """RFC 7592 section 2.3: 204, and 401 to anything after."""
    gone = manage(http, told, "DELETE")
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert_refused(manage(http, told, method), "invalid_token", 401)
    assert_refused(manage(http, told, "PUT", **replacing(told)), "invalid_token", 401)
    form = {"grant_type": "authorization_code", "code": "x"}
    refused = http.post("/oauth2/token", data=form, auth=(told["client_id"], told["client_secret"]))
    assert refused.json()["error"] == "invalid_client"
    with work() as w:
        assert find_client(w, told["client_id"]) is None


def test_no_other_token_manages_it(
    http: WatchedClient, told: Told, register: Register, unchanged: Unchanged, work: Work
) -> None:
    """RFC 7592 section 2: not another client's, nor its secret, nor none; and an operator's client is nobody's."""
    other: Told = http.post(REGISTER, json=WEB).json()
    operators = register()
    with unchanged():
        for token in (other["registration_access_token"], told["client_secret"], "", "x"):
            assert manage(http, told | {"registration_access_token": token}, "DELETE").status_code == 401
        uri = f"{REGISTER}/{operators.client_id}"
        assert_refused(manage(http, told | {"registration_client_uri": uri}, "GET"), "invalid_token", 401)
        assert http.get(told["registration_client_uri"]).headers["www-authenticate"] == 'Bearer realm="signet"'
        assert http.post(told["registration_client_uri"]).status_code == 405


def test_a_disabled_client_manages_nothing(http: WatchedClient, told: Told, work: Work, unchanged: Unchanged) -> None:
    """RFC 7592 section 2.1: 403; deleted, it could come again under another name unseen."""
    with work() as w:
        clients.disable(w, told["client_id"])
    with unchanged():
        for method, body in (("GET", {}), ("DELETE", {}), ("PUT", replacing(told))):
            assert_refused(manage(http, told, method, **body), "access_denied", 403)


def test_what_an_operator_added_does_not_outlive_a_change_by_the_client(
    http: WatchedClient, told: Told, work: Work
) -> None:
    """Decision 45: an operator vouched for what the client was then."""
    with work() as w:
        client = find_client(w, told["client_id"])
        assert client is not None
        vouched = replace(client.metadata, first_party=True, scope="openid admin:read", client_name="Ours")
        clients.update_client(w, client.client_id, vouched)
    shown = manage(http, told, "GET").json()
    assert "first_party" not in shown
    manage(http, told, "PUT", **replacing(shown, redirect_uris=[URI, "https://evil.test/"]))
    with work() as w:
        client = find_client(w, told["client_id"])
    assert client is not None
    assert (client.metadata.first_party, client.metadata.scope) == (False, "openid")


@pytest.mark.both_databases
def test_of_two_simultaneous_updates_one_succeeds(http: WatchedClient, told: Told, work: Work) -> None:
    """RFC 7592 section 2.2: the later one has a token that was replaced while it was read."""
    with work() as first, work() as second:
        seen = [find_client(w, told["client_id"]) for w in (first, second)]
        assert seen[0] is not None
        assert seen[1] is not None
        metadata = replace(seen[0].metadata, client_name="First")
        won = registration.update(first, seen[0], metadata)
        first.finish(commit=True)
        assert registration.update(second, seen[1], replace(metadata, client_name="Second")) is None
    assert won is not None
    assert manage(http, told | {"registration_access_token": won.token}, "GET").json()["client_name"] == "First"


def test_an_unused_registration_is_deleted_and_a_used_one_stays(
    http: WatchedClient,
    told: Told,
    person: Person,
    ada: str,
    installation: Installation,
    work: Work,
    clock: Clock,
    hosts: set[str],
) -> None:
    """docs/reference/settings.md: SIGNET_UNUSED_CLIENT_LIFETIME. Used is: a code was issued, or a token."""
    hosts.add("app.example.test")
    lasting: Told = http.post(REGISTER, json=WEB | {"grant_types": ["authorization_code", "refresh_token"]}).json()

    def of(one: Told) -> Client | None:
        with work() as w:
            return find_client(w, one["client_id"])

    def stays_for_long() -> bool:
        found = of(lasting)
        return found is not None and found.expires_at == clock.now + installation.settings.unused_client_lifetime

    client = of(lasting)
    assert client is not None
    rp = RelyingParty(http, client, lasting["client_secret"])
    clock.advance(days=2)
    browser = person(ada)
    answer = allow(rp, browser, scope="openid offline_access", prompt="consent")
    assert stays_for_long()
    tokens = rp.redeem(answer)
    clock.advance(days=2)
    assert rp.refresh(tokens).status == 200
    assert stays_for_long()
    clock.advance(days=86, seconds=1)
    assert purge(installation)["unused clients"] == 1
    assert of(told) is None
    clock.advance(days=4)
    assert purge(installation)["unused clients"] == 1
    assert of(lasting) is None
