"""oidcc-dynamic-certification-test-plan: clients that register themselves, private_key_jwt. One test per module.

oidcc-refresh-token-rp-key-rotation waits a minute for its new key to be asked for;
`tests/oauth/clients/test_client_keys.py` moves the clock instead.
"""

import hashlib

import pytest
from joserfc import jws, jwt

from provider.oauth.keys import rotation
from provider.work import Installation, unit_of_work
from tests.conformance.suite import CALLBACK, RP, Person, Provider, SuiteClient
from tests.support.client_keys import Signatory, asserting, assertion_claims
from tests.support.foreign_server import ForeignServer, answer

KEYS = "private_key_jwt"


def test_oidcc_idtoken_rs256(provider: Provider, person: Person) -> None:
    with provider.client(id_token_signed_response_alg="RS256", token_endpoint_auth_method=KEYS) as client:
        client.sign_in(person)


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_oidcc_idtoken_in_every_algorithm_that_is_published(provider: Provider, person: Person, alg: str) -> None:
    """No module of its own; section 11."""
    assert alg in provider.metadata["id_token_signing_alg_values_supported"]
    with provider.client(id_token_signed_response_alg=alg) as client:
        client.sign_in(person)


def test_oidcc_userinfo_rs256(provider: Provider, person: Person) -> None:
    with provider.client(userinfo_signed_response_alg="RS256", token_endpoint_auth_method=KEYS) as client:
        done = client.sign_in(person)
        bearer = {"authorization": f"Bearer {done.access_token}"}
        response = provider.http.get(provider.metadata["userinfo_endpoint"], headers=bearer)
        assert response.headers["content-type"].partition(";")[0] == "application/jwt"
        assert jws.extract_compact(response.content).headers()["alg"] == "RS256"
        claims = jwt.decode(response.text, provider.jwks(), algorithms=["RS256"]).claims
        assert (claims["iss"], claims["aud"]) == (provider.issuer, client.client_id)
        assert claims["sub"] == done.id_token["sub"]
        assert "nonce" not in claims


def require_error_page(client: SuiteClient, person: Person, redirect_uri: str | None) -> None:
    page = client.ask(person, redirect_uri=redirect_uri).page
    assert page is not None
    assert page.status == 400


def test_oidcc_ensure_redirect_uri_in_authorization_request(provider: Provider, person: Person) -> None:
    with provider.client(redirect_uris=[CALLBACK, f"{CALLBACK}2"]) as client:
        require_error_page(client, person, None)


def test_oidcc_redirect_uri_query_ok(provider: Provider, person: Person) -> None:
    with provider.client(redirect_uris=[f"{CALLBACK}?foo=bar"]) as client:
        done = client.sign_in(person)
        assert done.callback.parameters["foo"] == "bar"


@pytest.mark.parametrize("query", ["?foo=baz", "?foo=bar&more=1", ""])
def test_oidcc_redirect_uri_query(provider: Provider, person: Person, query: str) -> None:
    """oidcc-redirect-uri-query-mismatch, -query-added."""
    with provider.client(redirect_uris=[f"{CALLBACK}?foo=bar"]) as client:
        require_error_page(client, person, CALLBACK + query)


def test_oidcc_redirect_uri_regfrag(provider: Provider) -> None:
    refused = provider.register_raw(redirect_uris=[f"{CALLBACK}#foobar"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri")


def test_oidcc_server(provider: Provider, person: Person) -> None:
    with provider.client(token_endpoint_auth_method=KEYS) as client:
        client.sign_in(person)


def test_oidcc_server_client_secret_jwt(provider: Provider, person: Person) -> None:
    with provider.client(token_endpoint_auth_method="client_secret_jwt") as client:
        client.sign_in(person)


def test_oidcc_registration_logo_policy_tos_uri(provider: Provider, person: Person) -> None:
    """oidcc-registration-logo-uri, -policy-uri, -tos-uri: on the page where the person signs in.

    The logo of an app that registered itself is not shown: the suite takes a picture of the page and decides nothing.
    """
    documents = {"logo_uri": f"{RP}/logo.png", "policy_uri": f"{RP}/policy", "tos_uri": f"{RP}/tos"}
    with provider.client(**documents) as client:
        callback = client.ask(person)
        login = callback.seen[0]
        assert login.path == "/login"
        assert {documents["policy_uri"], documents["tos_uri"]} <= set(login.links.values())
        assert documents["logo_uri"] not in login.html
        client.finish(callback)


def test_oidcc_registration_jwks_uri(provider: Provider, person: Person, suite_server: ForeignServer) -> None:
    keys = Signatory.of("RS256")
    suite_server.behaviour = answer(keys.jwks)
    with provider.client(jwks=None, jwks_uri=suite_server.url("/jwks"), token_endpoint_auth_method=KEYS) as client:
        client.sign_in(person)


def test_oidcc_registration_sector_uri(provider: Provider, person: Person, suite_server: ForeignServer) -> None:
    suite_server.behaviour = answer(f'["{CALLBACK}"]')
    sector = {"subject_type": "pairwise", "sector_identifier_uri": suite_server.url("/sector")}
    with provider.client(**sector) as client, provider.client() as other:
        assert client.sign_in(person).id_token["sub"] != other.sign_in(person).id_token["sub"]


def test_oidcc_registration_sector_bad(provider: Provider, suite_server: ForeignServer) -> None:
    suite_server.behaviour = answer('["https://other.example.test/callback"]')
    sector = {"subject_type": "pairwise", "sector_identifier_uri": suite_server.url("/sector")}
    refused = provider.register_raw(redirect_uris=[CALLBACK], **sector)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")


def test_oidcc_server_rotate_keys(provider: Provider, person: Person, installation: Installation) -> None:
    def signing(client: SuiteClient) -> str:
        return str(jws.extract_compact(client.sign_in(person).raw_id_token.encode()).headers()["kid"])

    with provider.client(token_endpoint_auth_method=KEYS) as client:
        before, keys_before = signing(client), provider.jwks()
        with unit_of_work(installation) as work:
            rotation.rotate(work, alg="RS256", at_once=True)
        after = signing(client)
        assert after != before
        assert {key.kid for key in provider.jwks().keys} - {key.kid for key in keys_before.keys}


def test_oidcc_request_uri_unsigned(provider: Provider) -> None:
    """Skipped by the suite: the list is published, without `none`."""
    assert "none" not in provider.metadata["request_object_signing_alg_values_supported"]


def test_oidcc_request_uri_signed_rs256(provider: Provider, person: Person, suite_server: ForeignServer) -> None:
    uri = suite_server.url("/request.jwt")
    registered = f"{uri}#{hashlib.sha256(b'whatever').hexdigest()}"
    with provider.client(request_uris=[registered], token_endpoint_auth_method=KEYS) as client:
        asked = client.request(state="only-inside", nonce="only-inside-too")
        inside = client.keys.sign({**asked, "iss": client.client_id, "aud": provider.issuer})
        suite_server.behaviour = answer(inside, "application/oauth-authz-req+jwt")
        outside = {name: asked[name] for name in ("client_id", "response_type", "scope", "redirect_uri")}
        callback = person.authorize(provider, {**outside, "request_uri": registered})
        callback.asked = asked
        assert client.finish(callback).id_token["nonce"] == "only-inside-too"


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(provider: Provider, person: Person) -> None:
    with provider.client(token_endpoint_auth_method=KEYS) as client:
        callback = client.ask(person)
        form = {"grant_type": "authorization_code", "code": callback.parameters["code"], "redirect_uri": CALLBACK}
        proof = asserting(client.keys.sign(assertion_claims(client.client_id, provider.issuer)))
        assert provider.http.post(provider.metadata["token_endpoint"], data={**form, **proof}).status_code == 200
