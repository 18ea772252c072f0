"""Certificate-bound tokens (RFC 8705 section 3): which tokens are bound, and what they are worth without it."""

import re

import pytest

from provider.config.settings import Settings
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.devices import FOR_DEVICES, allow, start
from tests.oauth.watched_http import WatchedClient
from tests.support.client_certificates import HEADER, PROXY, Shown, issue, with_mutual_tls
from tests.support.dpop import Prover
from tests.support.installation import ISSUER
from tests.support.relying_party import PAR, TOKEN, USERINFO, RelyingParty, Tokens
from tests.support.services import ROOT

OFFLINE = "openid profile offline_access"
ACCOUNT = "/api/account/profile"
MTLS = "https://mtls.example.test"
BOUND = {"tls_client_certificate_bound_access_tokens": True}


@pytest.fixture(scope="module")
def mine() -> Shown:
    return issue("CN=mine")


@pytest.fixture(scope="module")
def other() -> Shown:
    """With the same key and subject."""
    return issue("CN=mine")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_mutual_tls(settings, mtls_url=MTLS)


@pytest.fixture
def http(http: WatchedClient) -> WatchedClient:
    http.come_from(PROXY)
    return http


@pytest.fixture
def rp(register: Register, mine: Shown) -> RelyingParty:
    """A client with a secret, and with tokens bound to its certificate."""
    grants = ("authorization_code", "refresh_token", "client_credentials")
    rp = register(scope=OFFLINE + " account", grant_types=grants, **BOUND)
    rp.certificate = mine
    return rp


@pytest.fixture
def spa(register: Register, mine: Shown) -> RelyingParty:
    """A public client, likewise."""
    rp = register(public=True, grant_types=("authorization_code", "refresh_token"), **BOUND)
    rp.certificate = mine
    return rp


def use(rp: RelyingParty, certificate: Shown | None) -> RelyingParty:
    rp.certificate = certificate
    return rp


# Tokens that are bound


@pytest.mark.both_databases
def test_the_tokens_of_a_sign_in_are_bound_to_the_certificate(
    rp: RelyingParty, browser: WatchedClient, ada: str, mine: Shown, other: Shown
) -> None:
    """RFC 8705 sections 3.1 and 3.2: any certificate binds; the type is Bearer. A client that authenticates may refresh
    with another one.
    """
    tokens = rp.sign_in(browser, scope=OFFLINE)
    shown = rp.introspect(tokens.access_token)
    assert (tokens.body["token_type"], shown["token_type"]) == ("Bearer", "Bearer")
    assert shown["cnf"] == {"x5t#S256": mine.thumbprint}
    assert rp.userinfo(tokens).json()["sub"] == ada
    refreshed = use(rp, other).refresh(tokens)
    assert rp.introspect(refreshed.access_token)["cnf"] == {"x5t#S256": other.thumbprint}
    assert (rp.userinfo(refreshed).status_code, rp.userinfo(tokens).status_code) == (200, 401)


def test_tokens_of_other_clients_are_not_bound(register: Register, browser: WatchedClient, mine: Shown) -> None:
    """RFC 8705 section 3.4: a proxy that reports every certificate binds nothing by itself."""
    rp = use(register(), mine)
    tokens = rp.sign_in(browser)
    assert "cnf" not in rp.introspect(tokens.access_token)
    assert use(rp, None).userinfo(tokens).status_code == 200


@pytest.mark.both_databases
def test_refresh_tokens_of_public_clients_are_bound(
    spa: RelyingParty, browser: WatchedClient, explain: Explain, mine: Shown, other: Shown
) -> None:
    """N-159: RFC 8705 section 4. Without the certificate nothing happens, and the family lives on."""
    tokens = spa.sign_in(browser, scope=OFFLINE)
    assert use(spa, None).refresh(tokens).error == "invalid_request"
    refused = use(spa, other).refresh(tokens)
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert explain(refused.error_id).checks[-1]["section"] == "RFC 8705 section 4"
    second = use(spa, mine).refresh(tokens)
    assert use(spa, other).refresh(second).error == "invalid_grant"
    assert use(spa, mine).refresh(second).status == 200


def test_a_device_can_use_a_certificate(register: Register, browser: WatchedClient, mine: Shown, other: Shown) -> None:
    """RFC 8628 section 3.4, RFC 8705 sections 3 and 4: a poll without the certificate takes nothing."""
    tv = use(register(public=True, **FOR_DEVICES, **BOUND), mine)
    device = start(tv, scope=OFFLINE)
    allow(browser, device)
    assert device.poll(use(tv, None)).error == "invalid_request"
    tokens = device.poll(use(tv, mine))
    assert tv.userinfo(tokens).status_code == 200
    assert use(tv, other).refresh(tokens).error == "invalid_grant"


def test_an_exchanged_token_is_bound_to_the_certificate_of_the_api(
    register: Register, browser: WatchedClient, mine: Shown
) -> None:
    """RFC 8693 section 2.2, RFC 8705 section 3."""
    app = register(scope="openid")
    api = register(
        redirect_uris=(),
        grant_types=(TOKEN_EXCHANGE,),
        scope="openid",
        resource_identifiers=("https://api.example.test/",),
        exchange_targets=("https://other.example.test/",),
        **BOUND,
    )
    register(redirect_uris=(), grant_types=(), resource_identifiers=("https://other.example.test/",))
    tokens = app.sign_in(browser, resource="https://api.example.test/")
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": tokens.access_token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": "https://other.example.test/",
    }
    assert Tokens(api.post(TOKEN, **form)).error == "invalid_request"
    exchanged = Tokens(use(api, mine).post(TOKEN, **form))
    assert api.introspect(exchanged.access_token)["cnf"] == {"x5t#S256": mine.thumbprint}


# What a bound token is worth without its certificate


@pytest.mark.parametrize("path", [USERINFO, ACCOUNT])
def test_a_bound_token_needs_its_certificate(
    rp: RelyingParty, browser: WatchedClient, explain: Explain, http: WatchedClient, path: str, other: Shown
) -> None:
    """N-160, A-143: RFC 8705 section 3: 401 without it, with another, from a stranger, or with a proof."""
    token = rp.sign_in(browser, scope=OFFLINE + " account").access_token
    bearer, mine = {"authorization": f"Bearer {token}"}, rp._certificate_headers
    assert http.get(path, headers=bearer | mine).status_code == 200
    proof = Prover().headers("GET", ISSUER + path, token)
    for headers in (bearer, bearer | other.headers, proof, proof | mine, bearer | {HEADER: "x"}):
        refused = http.get(path, headers=headers)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    http.come_from("203.0.113.1")
    assert http.get(path, headers=bearer | mine).status_code == 401
    http.come_from(PROXY)
    in_body = http.post(USERINFO, data={"access_token": token})
    assert (in_body.status_code, in_body.json()["error"]) == (401, "invalid_token")
    check = explain(in_body.json()["error_id"]).checks[-1]
    assert (check["section"], check["got"]) == ("RFC 8705 section 3", "no certificate")
    assert http.post(USERINFO, data={"access_token": token}, headers=mine).status_code == 200


def test_operators_programs_can_use_certificates(register: Register, http: WatchedClient, mine: Shown) -> None:
    """N-161: RFC 8705 section 3: the admin API."""
    job = register(redirect_uris=(), grant_types=("client_credentials",), scope="admin:read", **BOUND)
    token = use(job, mine).client_credentials().access_token
    bearer = {"authorization": f"Bearer {token}"}
    assert http.get("/api/admin/clients", headers=bearer | mine.headers).status_code == 200
    refused = http.get("/api/admin/clients", headers=bearer)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:signet:problem:invalid_token")


# Before a grant is touched


def test_a_token_request_without_the_certificate_leaves_the_grant_untouched(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, explain: Explain, mine: Shown
) -> None:
    """N-162: RFC 8705 section 3: codes and refresh tokens are not used up."""
    answer = use(rp, None).ask(browser, scope=OFFLINE)
    with unchanged():
        refused = rp.redeem(answer)
    assert (refused.status, refused.error) == (400, "invalid_request")
    check = explain(refused.error_id).checks[-1]
    assert (check["section"], check["got"]) == ("RFC 8705 section 3", "no certificate")
    tokens = use(rp, mine).redeem(answer)
    with unchanged():
        assert use(rp, None).refresh(tokens).error == "invalid_request"
    assert use(rp, mine).refresh(tokens).status == 200


def test_a_client_with_bound_tokens_cannot_send_a_proof_instead(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, mine: Shown
) -> None:
    """N-163: RFC 8705 section 3.4: tokens of a stolen secret would be bound to the key of a thief."""
    answer = rp.ask(browser)
    parameters, _ = rp.request()
    for certificate in (mine, None):
        use(rp, certificate).prover = Prover()
        with unchanged():
            assert rp.redeem(answer).error == "invalid_dpop_proof"
            assert rp.post(PAR, **parameters).json()["error"] == "invalid_dpop_proof"
    rp.prover = None
    assert use(rp, mine).redeem(answer).status == 200


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"dpop_bound_access_tokens": True}, "cannot be used with dpop_bound_access_tokens"),
        ({"grant_types": ["implicit"], "response_types": ["id_token token"]}, "does not allow the grant type implicit"),
    ],
)
def test_tokens_are_bound_to_one_thing(changes: dict[str, object], problem: str) -> None:
    """N-164: RFC 8705 section 3.4, RFC 9449 section 5.2: metadata that no token could satisfy."""
    with pytest.raises(InvalidMetadata, match=problem):
        parse_metadata({"redirect_uris": ["https://app.example.test/callback"], **BOUND, **changes})


# Discovery and other URLs


def test_discovery_has_the_aliases(http: WatchedClient) -> None:
    """RFC 8705 sections 3.3 and 5, RFC 9728 section 2."""
    found = http.get("/.well-known/openid-configuration").json()
    assert found["tls_client_certificate_bound_access_tokens"] is True
    aliases = found["mtls_endpoint_aliases"]
    for name, url in aliases.items():
        assert found[name].removeprefix(ISSUER) == url.removeprefix(MTLS)
    of_browsers = {"authorization_endpoint", "end_session_endpoint", "registration_endpoint"}
    assert set(aliases) == {name for name in found if name.endswith("_endpoint")} - of_browsers
    proxied = re.findall(r"location ~ (\S+) {", (ROOT / "deploy/nginx-mtls.conf").read_text())[0]
    assert all(re.search(proxied, url.removeprefix(MTLS)) for url in aliases.values())
    resource = http.get("/.well-known/oauth-protected-resource/oauth2/userinfo").json()
    assert resource["tls_client_certificate_bound_access_tokens"] is True


def test_the_endpoints_answer_at_their_aliases(register: Register, browser: WatchedClient, mine: Shown) -> None:
    """RFC 8705 section 5: the host is ours; proofs and assertions may name the alias, too."""
    rp = use(register(scope=OFFLINE), mine)
    prover, answer, headers = Prover(), rp.ask(browser), rp.authentication()[0]
    headers |= {"dpop": prover.proof("POST", MTLS + TOKEN), "host": "mtls.example.test"}
    form = {
        "grant_type": "authorization_code",
        "code": answer.parameters["code"],
        "redirect_uri": answer.asked["redirect_uri"],
        "code_verifier": answer.verifier,
    }
    tokens = Tokens(rp.http.post(TOKEN, data=form, headers=headers))
    assert tokens.body["token_type"] == "DPoP"
    at_alias = prover.headers("GET", MTLS + USERINFO, tokens.access_token) | {"host": "mtls.example.test"}
    assert rp.http.get(USERINFO, headers=at_alias).status_code == 200
    elsewhere = prover.headers("GET", "https://mtls.evil.test" + USERINFO, tokens.access_token)
    assert rp.http.get(USERINFO, headers=elsewhere).status_code == 401
