"""The tabs of an application's page besides its settings: JSON, secrets and keys, users, rejected requests."""

import html
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from provider.audit import daily, hourly
from provider.audit.active_users import day_of
from provider.config.settings import Settings
from provider.jose.remote_key_sets import ASKED_AGAIN_AFTER
from provider.oauth.authorize import app_users, consent
from provider.oauth.clients import secret_rotation
from provider.oauth.clients.clients import Client, find_client
from provider.oauth.clients.metadata import FIELDS
from provider.observability import counters
from provider.work import Installation
from tests.admin.conftest import Console, events
from tests.support.browser import Browser, Page
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.foreign_server import ForeignServer, answer
from tests.support.installation import Work, settings_for
from tests.support.relying_party import RelyingParty, sign_in_person

URI = "https://shop.example.test/callback"


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


def tab_of(client: Client, tab: str, **query: str) -> str:
    return f"/clients/client/{tab}?{urlencode({'client_id': client.client_id, **query})}"


def json_on(page: Page) -> dict[str, Any]:
    shown = page.form("metadata").find("metadata")
    assert shown is not None
    found: dict[str, Any] = json.loads(html.unescape(shown.value))
    return found


def reload(work: Work, client: Client) -> Client:
    with work() as w:
        found = find_client(w, client.client_id)
        assert found is not None
        return found


def test_the_tabs_lead_to_each_other(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop")
    console.open(f"/clients/client?client_id={made.client_id}")
    for tab in ("Settings", "Secrets & keys", "Users & consents", "Rejected requests", "Overview"):
        page = console.browser.follow(tab)
        assert (page.status, page.heading) == (200, "Shop")
        current = re.findall(r'<a [^>]*aria-current="page"[^>]*>(.*?)</a>', page.html)
        assert tab in map(html.unescape, current)


def test_all_settings_are_edited_as_json_with_the_same_review(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop", jwks=Signatory().jwks)
    shown = json_on(console.open(tab_of(made, "json")))
    assert shown.keys() == FIELDS.keys()
    page = console.browser.submit(button="Review changes")  # it says what is stored
    assert (page.path, page.heading) == ("/admin/clients/client/json", "Shop")
    changed = {**shown, "client_name": "Store", "response_modes": ["query"], "contacts": None}
    page = console.browser.submit({"metadata": json.dumps(changed)}, button="Review changes")
    assert page.heading == "Save changes to Shop?"
    console.browser.submit(button="Save changes")
    assert made.metadata.differences(reload(work, made).metadata) == {
        "client_name": ("Shop", "Store"),
        "response_modes": (made.metadata.response_modes, ("query",)),
    }


@in_one_world(
    ("text", "said"),
    [
        ("{", "This is not a JSON object"),
        ("[" * 1000, "This is not a JSON object"),
        ("[]", "This is not a JSON object"),
        ('{"redirect_url": []}', "'redirect_url' is not a setting of applications."),
        (
            '{"redirect_uris": ["http://shop.example.test/"]}',
            "redirect_uris: 'http://shop.example.test/' must be https",
        ),
        ('{"redirect_uris": "https://shop.example.test/"}', "redirect_uris must be a list of strings"),
        ('{"require_pkce": "yes"}', "require_pkce must be true or false"),
    ],
)
def test_wrong_json_is_kept_with_what_is_wrong(console: Console, work: Work, text: str, said: str) -> None:
    with work() as w:
        made, _ = make_client(w)
    console.open(tab_of(made, "json"))
    page = console.browser.submit({"metadata": text}, button="Review changes")
    assert page.status == 400
    assert said in page.text
    assert page.form("metadata").find("metadata").value == text  # type: ignore[union-attr]
    assert reload(work, made).metadata == made.metadata


def test_secrets_are_shown_with_their_age_and_end_but_not_themselves(
    console: Console, work: Work, clock: Clock
) -> None:
    clock.advance(days=-3)
    with work() as w:
        made, secret = make_client(w)
    clock.advance(days=3)
    with work() as w:
        secret_rotation.rotate_secret(w, made.client_id)
    page = console.open(tab_of(made, "credentials"))
    assert "0 days" in page.text
    assert "3 days" in page.text
    assert str(secret) not in page.html
    assert "rotate-secret" in page.links["Rotate secret"]
    assert "end-old-secrets" in page.links["Revoke old secrets"]


def test_a_published_key_set_is_shown_as_this_server_fetched_it(
    console: Console, work: Work, foreign_server: ForeignServer, clock: Clock
) -> None:
    url = foreign_server.url("/jwks.json")
    with work() as w:
        made, _ = make_client(w, token_endpoint_auth_method="private_key_jwt", jwks_uri=url)
    assert "not yet" in console.open(tab_of(made, "credentials")).text
    foreign_server.behaviour = answer(Signatory(kid="key-7").jwks)
    page = console.browser.submit(button="Fetch now")
    assert "key-7" in page.text
    assert "not yet" not in page.text
    foreign_server.behaviour = answer("keys")
    clock.advance(ASKED_AGAIN_AFTER)
    page = console.browser.submit(button="Fetch now")
    assert "The key set could not be fetched:" in page.text


@pytest.mark.also_on_postgresql
def test_the_users_of_an_application_are_listed_and_access_is_revoked(
    console: Console, work: Work, new_browser: Any, installation: Installation, client: TestClient
) -> None:
    with work() as w:
        made, secret = make_client(w, client_name="Shop")
        signed_in, agreed, other = (make_user(w, f"{name}@example.test") for name in ("ada", "bob", "eve"))
        for user_id in (signed_in, agreed):
            consent.grant(w, user_id=user_id, client=made, scopes=("openid", "email"), claims=frozenset(), resources=())
    browser: Browser = new_browser()
    sign_in_person(browser.client, installation, signed_in)
    rp = RelyingParty(client, made, secret)
    tokens = rp.sign_in(browser.client, scope="openid email")
    page = console.open(tab_of(made, "users"))
    assert "ada@example.test 1 active authorization email openid" in page.text
    assert "bob@example.test" in page.text
    assert "eve@example.test" not in page.text
    console.act(tab_of(made, "users/revoke", user=signed_in), why="asked us")
    assert "ada@example.test" not in console.open(tab_of(made, "users")).text
    assert not rp.is_active(tokens.access_token)
    assert events(work, "consent.withdrawn")[0]["why"] == "asked us"
    for user in (other, "nonsense", signed_in):
        assert console.open(tab_of(made, "users/revoke", user=user)).path == "/admin/clients/client/users"


@pytest.mark.also_on_postgresql
def test_the_users_of_an_application_are_paged_without_gaps(work: Work) -> None:
    with work() as w:
        made, _ = make_client(w)
        users = [make_user(w, f"user{number}@example.test") for number in range(7)]
        for user_id in users:
            consent.grant(w, user_id=user_id, client=made, scopes=("openid",), claims=frozenset(), resources=())
        found: list[str] = []
        after: str | None = None
        while True:
            some, further = app_users.find_users(w, made.client_id, after=after, limit=3)
            found += [one.user_id for one in some]
            if further is None:
                break
            after = further
    assert found == sorted(users)


def test_the_rejected_requests_of_an_application_are_listed(console: Console, work: Work, client: TestClient) -> None:
    with work() as w:
        made, _ = make_client(w)
        other, _ = make_client(w)
    ids = [
        client.post("/oauth2/token", data={"grant_type": "password", "client_id": one.client_id}).json()["error_id"]
        for one in (made, other)
    ]
    page = console.open(tab_of(made, "rejected"))
    assert ids[0] in page.html
    assert ids[1] not in page.html
    page = console.browser.open(f"/admin/explain?error_id={ids[0]}")
    assert page.status == 200


def test_the_overview_counts_sign_ins_and_tokens_by_day_and_rejected_requests(
    console: Console, work: Work, client: TestClient, clock: Clock
) -> None:
    with work() as w:
        made, _ = make_client(w)
        other, _ = make_client(w)
        for app, days_ago, count in ((made, 0, 3), (made, 1, 4), (made, 5, 20), (made, 40, 500), (other, 0, 7000)):
            day = day_of(w.now) - timedelta(days=days_ago)
            if days_ago > 1:
                daily.put(w.db, counters.APP + app.client_id, day, count)
            else:
                hourly.add(w.db, day, counters.APP + app.client_id, count)
        for app, days_ago, grant, count in (
            (made, 0, "authorization_code", 3),
            (made, 9, "refresh_token", 20),
            (made, 1, "refresh_token", 4),
            (other, 1, "refresh_token", 7000),
        ):
            name = counters.tokens_of_app(app.client_id, grant)
            day = day_of(w.now) - timedelta(days=days_ago)
            if days_ago > 1:
                daily.put(w.db, name, day, count)
            else:
                hourly.add(w.db, day, name, count)
    client.post("/oauth2/token", data={"grant_type": "password", "client_id": made.client_id})
    page = console.open(f"/clients/client?client_id={made.client_id}")
    assert "Token requests in the last 30 days 27 issued" in page.text
    assert re.findall(r"<title>[^<]*: (\d+) issued</title>", page.html)[-2:] == ["4", "3"]
    assert "Issued tokens by grant type Grant type Tokens refresh_token 24 authorization_code 3" in page.text
    assert "Sign-ins in the last 30 days 27 sign-ins" in page.text
    assert re.findall(r"<title>[^<]*: (\d+) sign-ins</title>", page.html)[-6:] == ["20", "0", "0", "0", "4", "3"]
    assert "1 rejected request in the last 7 days" in page.links


def test_a_service_has_no_chart_of_sign_ins(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, grant_types=("client_credentials",), response_types=(), redirect_uris=())
    page = console.open(f"/clients/client?client_id={made.client_id}")
    assert "Sign-ins in the last 30 days" not in page.text
    assert "Token requests in the last 30 days 0 issued" in page.text
