"""Trial sign-ins from the console: what they show, and that no one gets a token of theirs."""

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from provider.oauth.authorize import consent
from provider.oauth.authorize.store import consents
from provider.oauth.authorize.trials import LIFETIME, find_trial, redirect_uri_of, request_of
from provider.oauth.clients import clients
from provider.oauth.clients.clients import Client
from provider.oauth.tokens.store import grants
from provider.oauth.tokens.store.grants import GRANT
from provider.work import Installation
from tests.admin.conftest import Console, events
from tests.support.browser import Browser, Page
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person

JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.")


@pytest.fixture
def quill(work: Work) -> Client:
    with work() as w:
        return make_client(w, client_name="Quill", scope="openid email orders:read")[0]


def try_page(client: Client) -> str:
    return f"/clients/client/try?{urlencode({'client_id': client.client_id})}"


def start(console: Console, client: Client) -> Page:
    console.open(try_page(client))
    return console.browser.submit(button="Start sign-in")


def grants_of(work: Work, client: Client) -> list[Any]:
    with work() as w:
        return GRANT.all(w.read, GRANT.select().where(grants.grants.c.client_id == client.client_id))


@pytest.mark.both_databases
def test_each_step_is_shown_decoded_and_everything_is_revoked(console: Console, work: Work, quill: Client) -> None:
    assert "Quill" in start(console, quill).text  # asks for consent
    page = console.browser.submit(button="Allow")
    assert (page.status, page.path) == (200, "/admin/clients/try")
    for step in ("Authorization request", "Sign-in", "Consent", "Authorization response", "Token response", "UserInfo"):
        assert step in page.text
    for claim in ('"aud": "' + quill.client_id, '"sub": "' + console.user_id, "at+jwt", "operator@example.test"):
        assert claim in page.text
    assert not JWT.search(page.html)
    (grant,) = grants_of(work, quill)
    assert (grant.user_id, grant.revoke_reason) == (console.user_id, "trial")
    with work() as w:
        assert consents.find(w.read, console.user_id, quill.client_id) is None
    told = events(work, "client.tried")[0]
    assert told["operator"] == f"user {console.user_id}"
    assert "already used" in console.browser.reload().text
    assert console.browser.open(f"/admin/clients/client?client_id={quill.client_id}").status == 200


def test_consent_that_was_there_before_stays(console: Console, work: Work, quill: Client) -> None:
    with work() as w:
        scopes = tuple(quill.metadata.scopes)
        consent.grant(w, user_id=console.user_id, client=quill, scopes=scopes, claims=frozenset(), resources=())
    start(console, quill)
    console.browser.submit(button="Allow")
    with work() as w:
        assert consents.find(w.read, console.user_id, quill.client_id) is not None


@in_one_world(
    "metadata",
    [
        {"token_endpoint_auth_method": "none"},
        {"require_pushed_authorization_requests": True},
        {"first_party": True},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": Signatory().jwks,
            "request_object_signing_alg": "ES256",
        },
        {
            "jwks": {"keys": [{**Signatory().jwk, "use": "enc", "alg": "ECDH-ES"}]},
            "id_token_encrypted_response_alg": "ECDH-ES",
            "id_token_encrypted_response_enc": "A256GCM",
        },
        {"userinfo_signed_response_alg": "RS256", "grant_types": ("authorization_code",)},
        {"response_modes": ("form_post",)},
        {"response_modes": ("fragment", "form_post")},
    ],
)
def test_a_trial_works_for_every_kind_of_browser_client(console: Console, work: Work, metadata: dict[str, Any]) -> None:
    with work() as w:
        made, _ = make_client(w, scope="openid email", **metadata)
    page = start(console, made)
    if not metadata.get("first_party"):
        page = console.browser.submit(button="Allow")
    assert page.path == "/admin/clients/try", page
    assert "The sign-in worked." in page.text
    for mode in metadata.get("response_modes", ())[:1]:
        assert f"Your app receives the same values with response_mode={mode}" in page.text
    assert ("Only the application can read its claims." in page.text) == ("id_token_encrypted_response_alg" in metadata)
    assert all(grant.revoked_at is not None for grant in grants_of(work, made))


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"grant_types": ("client_credentials",), "response_types": ()}, "nothing to try"),
        ({"grant_types": ("implicit",), "response_types": ("id_token",)}, "response_type=code, which a trial uses"),
    ],
)
def test_what_cannot_be_tried_is_said(console: Console, work: Work, metadata: dict[str, Any], said: str) -> None:
    with work() as w:
        made, _ = make_client(w, **metadata)
    page = console.open(try_page(made))
    assert said in page.text
    assert "Start sign-in" not in page.text


def test_a_disabled_application_is_not_tried(console: Console, work: Work, quill: Client) -> None:
    console.open(try_page(quill))
    with work() as w:
        clients.disable(w, quill.client_id)
    assert "This application is disabled." in console.browser.submit(button="Start sign-in").text


def test_declining_leads_back_with_the_error(console: Console, work: Work, quill: Client) -> None:
    start(console, quill)
    page = console.browser.submit(button="Deny")
    assert "The sign-in was rejected: The user declined access" in page.text
    assert grants_of(work, quill) == []


def test_signing_in_again_returns_to_the_trial(console: Console, quill: Client) -> None:
    console.open(try_page(quill))
    page = console.browser.submit({"prompt.login": "on"}, button="Start sign-in")
    assert page.path == "/login"


def callback_of(console: Console, client: Client) -> dict[str, str]:
    """The authorization response of a trial of a first-party client, before the console handles it."""
    page = console.open(try_page(client))
    form, http = page.form(button="Start sign-in"), console.browser.client
    headers = {"sec-fetch-site": "same-origin"}
    answer = http.post(page.url, data=dict(form.values()), headers=headers, follow_redirects=False)
    answer = http.get(answer.headers["location"], headers=headers, follow_redirects=False)
    location = answer.headers["location"]
    assert location.startswith(f"{ISSUER}/admin/clients/try?"), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@pytest.fixture
def own(work: Work) -> tuple[Client, str | None]:
    with work() as w:
        return make_client(w, client_name="Own", first_party=True, scope="openid email")


def test_the_response_is_worth_nothing_to_anyone_else(
    console: Console,
    work: Work,
    client: TestClient,
    own: tuple[Client, str | None],
    installation: Installation,
    phone: Browser,
) -> None:
    """A-19: neither another operator nor the application can use the code of a trial."""
    made, secret = own
    with work() as w:
        other = make_user(w, "other@example.test", roles=("admin",))
    sign_in_person(phone.client, installation, console.user_id, amr=TWO_FACTORS)  # in another browser
    response = callback_of(console, made)
    page = phone.open(f"/admin/clients/try?{urlencode(response)}")
    assert (page.status, page.heading) == (400, "This trial is over")
    form = {"grant_type": "authorization_code", "code": response["code"], "redirect_uri": redirect_uri_of(w.settings)}
    for verifier in ({}, {"code_verifier": "v" * 43}):
        answer = client.post("/oauth2/token", data=form | verifier, auth=(made.client_id, str(secret)))
        assert answer.json()["error"] == "invalid_grant"
    sign_in_person(console.browser.client, installation, other, amr=TWO_FACTORS)  # in the same browser
    page = console.browser.open(f"/admin/clients/try?{urlencode(response)}")
    assert (page.status, page.heading) == (400, "This trial is over")
    sign_in_person(console.browser.client, installation, console.user_id, amr=TWO_FACTORS)
    page = console.browser.open(f"/admin/clients/try?{urlencode(response)}")
    assert "The sign-in worked." in page.text


def test_an_operator_cannot_see_the_tokens_of_another_user(
    console: Console, work: Work, own: tuple[Client, str | None], installation: Installation, phone: Browser
) -> None:
    """The operator sends someone the request of a trial, and gets hold of the code that it leads to."""
    made, _ = own
    with work() as w:
        ada = make_user(w, "ada@example.test")
    sign_in_person(phone.client, installation, ada)
    response = callback_of(console, made)
    trial = find_trial(w, response["state"])
    assert trial is not None
    asked = request_of(w, trial, scope="openid email", prompt="") | {"state": response["state"]}
    answer = phone.client.get(f"/oauth2/authorize?{urlencode(asked)}", follow_redirects=False)
    location = urlsplit(answer.headers["location"])
    assert location.path == "/admin/clients/try"
    assert phone.open(answer.headers["location"]).status == 403
    theirs = parse_qs(location.query)["code"][0]
    page = console.open(f"/clients/try?{urlencode({**response, 'code': theirs})}")
    assert page.status == 403
    assert "ada@example.test" not in page.text


def test_only_the_console_can_send_a_response_to_itself(
    console: Console, work: Work, own: tuple[Client, str | None], clock: Clock
) -> None:
    """RFC 9700 section 2.1: for every other request its redirect URI is not registered."""
    made, _ = own
    with work() as w:
        other, _ = make_client(w, first_party=True, scope="openid email")
    response = callback_of(console, made)
    trial = find_trial(w, response["state"])
    assert trial is not None
    good = request_of(w, trial, scope="openid", prompt="") | {"state": response["state"]}

    def is_accepted(**changes: str | None) -> bool:
        asked = {name: value for name, value in (good | changes).items() if value is not None}
        answer = console.browser.client.get(f"/oauth2/authorize?{urlencode(asked)}", follow_redirects=False)
        return "location" in answer.headers

    assert is_accepted()
    for changes in (
        {"state": None},
        {"state": "invented"},
        {"client_id": other.client_id},
        {"code_challenge": "c" * 43},
        {"code_challenge": None},
        {"response_type": "code id_token"},
        {"response_mode": "fragment"},
        {"redirect_uri": f"{good['redirect_uri']}/"},
    ):
        assert not is_accepted(**changes), changes
    clock.advance(LIFETIME)
    assert not is_accepted()


def test_a_trial_is_started_by_a_form_of_this_site_alone(console: Console, work: Work, quill: Client) -> None:
    """A-49."""
    answer = console.browser.client.post(
        f"/admin{try_page(quill)}", data={"scope.openid": "on"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("profile", ["none", "fapi2-message-signing"])
def test_an_application_that_must_sign_its_requests_cannot_be_tried(console: Console, work: Work, profile: str) -> None:
    """RFC 9101 section 10.5: the console does not have its key."""
    keys = {"keys": [Signatory().jwk]}
    of_profile: dict[str, Any] = {
        "token_endpoint_auth_method": "private_key_jwt",
        "id_token_signed_response_alg": "ES256",
    }
    members = {"require_signed_request_object": True} if profile == "none" else {"profile": profile, **of_profile}
    with work() as w:
        client, _ = make_client(w, jwks=keys, **members)
    page = console.open(try_page(client))
    assert "must sign its requests with its own key, so it can't be tried here" in page.text
    assert "Start sign-in" not in page.text


def test_an_application_with_the_fapi2_profile_can_be_tried(console: Console, work: Work) -> None:
    of_profile: dict[str, Any] = {
        "token_endpoint_auth_method": "private_key_jwt",
        "id_token_signed_response_alg": "ES256",
    }
    with work() as w:
        client, _ = make_client(
            w, client_name="Bank", profile="fapi2", jwks={"keys": [Signatory().jwk]}, scope="openid", **of_profile
        )
    start(console, client)
    page = console.browser.submit(button="Allow")
    assert (page.status, page.path) == (200, "/admin/clients/try")
