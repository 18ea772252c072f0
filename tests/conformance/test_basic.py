"""oidcc-basic-certification-test-plan: response_type=code, client_secret_basic. One test per module."""

import time
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import update

from provider.oauth.authorize.store.authorization_codes import authorization_codes
from provider.work import Installation, unit_of_work
from tests.conformance.conftest import EVERY_CLAIM
from tests.conformance.suite import CALLBACK, Person, Provider, unsigned
from tests.support.cases import in_one_world

CONTACTS = ("invalid_request", "unsupported_response_type")
NOT_SIGNED_IN = {"login_required", "interaction_required", "account_selection_required", "consent_required"}


def test_oidcc_server(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        done = client.sign_in(person)
        assert "name" not in done.id_token


def test_oidcc_response_type_missing(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        callback = client.ask(person, response_type=None)
        assert callback.error in CONTACTS
        assert callback.mode == "query"


def test_oidcc_idtoken_signature(provider: Provider, person: Person) -> None:
    with provider.client(id_token_signed_response_alg=None) as client:
        client.sign_in(person)


def test_oidcc_idtoken_unsigned(provider: Provider) -> None:
    """Skipped by the suite: `none` is not listed; and it cannot be registered."""
    assert "none" not in provider.metadata["id_token_signing_alg_values_supported"]
    refused = provider.register_raw(redirect_uris=[CALLBACK], id_token_signed_response_alg="none")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("way", ["get", "post_header", "post_body"])
def test_oidcc_userinfo(provider: Provider, person: Person, way: str) -> None:
    """oidcc-userinfo-get, -post-header, -post-body."""
    with provider.client() as client:
        done = client.sign_in(person)
        url, bearer = provider.metadata["userinfo_endpoint"], {"authorization": f"Bearer {done.access_token}"}
        if way == "get":
            response = provider.http.get(url, headers=bearer)
        elif way == "post_header":
            response = provider.http.post(url, headers=bearer)
        else:
            response = provider.http.post(url, data={"access_token": done.access_token})
        assert response.status_code == 200
        assert response.json()["sub"] == done.id_token["sub"]


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        assert "nonce" not in client.sign_in(person, nonce=None).id_token


PROFILE = EVERY_CLAIM.keys() - {"phone_number", "phone_number_verified", "address"} | {"updated_at"}
CLAIMS = {
    "profile": PROFILE,
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
}


@pytest.mark.parametrize("scope", [*CLAIMS, "all"])
def test_oidcc_scope(provider: Provider, person: Person, scope: str) -> None:
    """oidcc-scope-profile, -email, -address, -phone, -all: every claim, from userinfo, and no other."""
    asked = " ".join(CLAIMS) if scope == "all" else scope
    with provider.client() as client:
        done = client.sign_in(person, scope=f"openid {asked}")
        expected = set().union(*(CLAIMS[one] for one in asked.split()))
        assert client.userinfo(done.access_token).keys() == expected | {"sub"}
        assert not expected & done.id_token.keys()


def test_oidcc_alternate_happy_flow(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        asked = dict(reversed(client.request(scope="email openid").items()))
        done = client.finish(person.authorize(provider, asked))
        assert "email" in client.userinfo(done.access_token)


@pytest.mark.parametrize("display", ["page", "popup"])
def test_oidcc_display(provider: Provider, person: Person, display: str) -> None:
    """oidcc-display-page, oidcc-display-popup."""
    with provider.client() as client:
        client.sign_in(person, display=display)


def test_oidcc_prompt_login(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        first = client.sign_in(person, max_age=10000)
        time.sleep(1.1)  # auth_time is in seconds
        again = client.ask(person, prompt="login")
        assert again.asked_to_sign_in
        assert client.finish(again).id_token["auth_time"] > first.id_token["auth_time"]


def test_oidcc_prompt_none_not_logged_in(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        assert client.ask(person, prompt="none", state="x" * 124 + "-._~").error in NOT_SIGNED_IN


def test_oidcc_prompt_none_logged_in(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        first = client.sign_in(person)
        again = client.ask(person, prompt="none")
        assert not again.seen
        second = client.finish(again).id_token
        assert [first.id_token[name] for name in ("sub", "auth_time")] == [second["sub"], second["auth_time"]]


def test_oidcc_max_age_1(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        first = client.sign_in(person)
        time.sleep(2.1)
        again = client.ask(person, max_age=1)
        assert again.asked_to_sign_in
        assert client.finish(again).id_token["auth_time"] > first.id_token["auth_time"]


def test_oidcc_max_age_10000(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        first = client.sign_in(person, max_age=15000)
        again = client.ask(person, max_age=10000)
        assert not again.asked_to_sign_in
        assert client.finish(again).id_token["auth_time"] == first.id_token["auth_time"]


@in_one_world(
    "beside",
    [
        {"extra": "foobar"},  # oidcc-ensure-request-with-unknown-parameter-succeeds
        {"login_hint": "buffy@localhost"},  # oidcc-login-hint
        {"ui_locales": "se"},  # oidcc-ui-locales
        {"claims_locales": "se"},  # oidcc-claims-locales
    ],
)
def test_oidcc_what_is_only_a_wish_never_fails(provider: Provider, person: Person, beside: dict[str, str]) -> None:
    with provider.client() as client:
        client.finish(client.ask(person, by_post=False, **beside))


def test_oidcc_id_token_hint(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        first = client.sign_in(person)
        again = client.ask(person, prompt="none", id_token_hint=first.raw_id_token)
        assert client.finish(again).id_token["sub"] == first.id_token["sub"]


def test_oidcc_ensure_request_with_acr_values_succeeds(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        published = provider.metadata["acr_values_supported"]
        assert client.sign_in(person, acr_values=" ".join(published)).id_token["acr"] in published


def test_oidcc_codereuse(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        done = client.sign_in(person)
        require_invalid_grant(client.redeem(done.callback))


def test_oidcc_codereuse_30seconds(provider: Provider, person: Person, installation: Installation) -> None:
    with provider.client() as client:
        done = client.sign_in(person)
        with unit_of_work(installation) as work:  # half a minute goes by
            work.db.execute(update(authorization_codes).values(spent_at=work.now - timedelta(seconds=30)))
        require_invalid_grant(client.redeem(done.callback))
        bearer = {"authorization": f"Bearer {done.access_token}"}
        assert provider.http.get(provider.metadata["userinfo_endpoint"], headers=bearer).status_code == 401


def require_invalid_grant(response: httpx2.Response) -> None:
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_oidcc_ensure_registered_redirect_uri(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        page = client.ask(person, redirect_uri=f"{CALLBACK}/more").page
        assert page is not None
        assert page.status == 400


def test_oidcc_ensure_post_request_succeeds(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        client.sign_in(person, by_post=True)


def test_oidcc_server_client_secret_post(provider: Provider, person: Person) -> None:
    with provider.client(token_endpoint_auth_method="client_secret_post") as client:
        client.sign_in(person)


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(provider: Provider) -> None:
    """Skipped by the suite: the list is published without `none`."""
    assert "none" not in provider.metadata["request_object_signing_alg_values_supported"]


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    provider: Provider, person: Person
) -> None:
    """Skipped by the suite for the same reason; sent all the same, it is refused and not ignored."""
    with provider.client() as client:
        inside = unsigned(client.request())
        callback = client.ask(person, request=inside, state=None, nonce=None)
        assert callback.error in {"request_not_supported", "invalid_request_object"}


def test_oidcc_claims_essential(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        done = client.sign_in(person, claims='{"userinfo": {"name": {"essential": true}}}')
        assert client.userinfo(done.access_token)["name"] == EVERY_CLAIM["name"]
        assert "name" not in done.id_token


def test_oidcc_ensure_request_object_with_redirect_uri(provider: Provider, person: Person) -> None:
    """Signed, for an unsigned one is refused: the redirect_uri inside is used, the one outside is not."""
    with provider.client(request_object_signing_alg="RS256") as client:
        asked = client.request()
        inside = client.keys.sign({**asked, "iss": client.client_id, "aud": provider.issuer})
        outside = {**asked, "redirect_uri": f"{CALLBACK}/unregistered", "request": inside}
        callback = person.authorize(provider, outside)
        assert (callback.target, callback.parameters["state"]) == (CALLBACK, asked["state"])


def test_oidcc_refresh_token(provider: Provider, person: Person) -> None:
    grant_types = ["authorization_code", "refresh_token"]
    with provider.client(grant_types=grant_types) as client, provider.client(grant_types=grant_types) as other:
        first = client.sign_in(person, scope="openid offline_access", prompt="consent")
        refresh = {"grant_type": "refresh_token"}
        for scope in ({}, {"scope": "openid offline_access"}):
            given = first.tokens["refresh_token"]
            require_invalid_grant(other.post("token_endpoint", refresh_token=given, **refresh))
            response = client.post("token_endpoint", refresh_token=given, **refresh, **scope)
            assert response.status_code == 200, response.text
            assert response.headers["cache-control"] == "no-store"
            first.tokens |= response.json()
            body, asked = response.json(), first.callback.asked
            renewed = client.verify(body["id_token"], asked, body, refreshed=True)
            for name in ("iss", "sub", "aud", "auth_time"):
                assert renewed[name] == first.id_token[name]
            assert ("azp" in renewed) == ("azp" in first.id_token)


def test_oidcc_ensure_request_with_valid_pkce_succeeds(provider: Provider, person: Person) -> None:
    """RFC 7636 appendix B."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    with provider.client() as client:
        callback = client.ask(person, code_challenge=challenge, code_challenge_method="S256")
        form = {"code": callback.parameters["code"], "redirect_uri": CALLBACK}
        done = client.post("token_endpoint", grant_type="authorization_code", code_verifier=verifier, **form)
        assert done.status_code == 200
