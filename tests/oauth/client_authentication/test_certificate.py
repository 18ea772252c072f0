"""tls_client_auth and self_signed_tls_client_auth (RFC 8705 section 2): which certificates authenticate a client."""

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from provider.config.settings import Settings
from provider.jose import certificate_chains
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.client_certificates import (
    FOR_CLIENTS,
    FOR_SERVERS,
    HEADER,
    PROXY,
    Shown,
    issue,
    with_mutual_tls,
)
from tests.support.client_keys import public
from tests.support.client_keys import usual_key as usual_jwk
from tests.support.clock import Clock
from tests.support.relying_party import INTROSPECT, PAR, REVOKE, TOKEN, RelyingParty

MEMBERS: dict[str, Any] = {"redirect_uris": (), "grant_types": ("client_credentials",), "scope": "admin:read"}
SUBJECT = "CN=client,O=Example"


@pytest.fixture(scope="module")
def authority() -> Shown:
    return issue("CN=Authority", ca=True)


@pytest.fixture(scope="module")
def intermediate(authority: Shown) -> Shown:
    return issue("CN=Intermediate", by=authority, ca=True, path_length=0, key=ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="module")
def authorities(authority: Shown, intermediate: Shown, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("authorities") / "ca.pem"
    file.write_text(authority.pem + intermediate.pem)
    return file


@pytest.fixture
def settings(settings: Settings, authorities: Path) -> Settings:
    return with_mutual_tls(settings, authorities, registration="open")


@pytest.fixture
def http(http: WatchedClient) -> WatchedClient:
    http.come_from(PROXY)
    return http


def with_subject(register: Register, member: str = "tls_client_auth_subject_dn", value: str = SUBJECT) -> RelyingParty:
    return register(token_endpoint_auth_method="tls_client_auth", **{member: value}, **MEMBERS)


def with_keys(register: Register, *keys: dict[str, Any]) -> RelyingParty:
    return register(token_endpoint_auth_method="self_signed_tls_client_auth", jwks={"keys": list(keys)}, **MEMBERS)


def outcome(rp: RelyingParty, certificate: Shown | None) -> str:
    """What a token request with this certificate gets."""
    rp.certificate = certificate
    tokens = rp.client_credentials()
    return "tokens" if tokens.status == 200 else f"{tokens.status} {tokens.error}"


REFUSED = "401 invalid_client"


# tls_client_auth


@pytest.mark.parametrize(
    ("member", "value", "name"),
    [
        ("tls_client_auth_subject_dn", "o=example + cn=Other,DC=test", None),
        ("tls_client_auth_san_dns", "Client.example.test", x509.DNSName("client.example.test")),
        (
            "tls_client_auth_san_uri",
            "spiffe://example.test/a",
            x509.UniformResourceIdentifier("spiffe://example.test/a"),
        ),
        ("tls_client_auth_san_ip", "2001:db8:0::1", x509.IPAddress(ip_address("2001:db8::1"))),
        ("tls_client_auth_san_email", "Client@Example.test", x509.RFC822Name("Client@example.test")),
    ],
)
def test_a_certificate_with_the_registered_subject_authenticates(
    register: Register, authority: Shown, explain: Explain, member: str, value: str, name: x509.GeneralName | None
) -> None:
    """N-140: RFC 8705 section 2.1.2: each of the five members, and a certificate of the same authority with another."""
    rp = with_subject(register, member, value)
    others = [x509.DNSName("b.example.test")]
    good = issue("CN=Other+O=Example,DC=test", *others, *([name] if name else []), by=authority, use=FOR_CLIENTS)
    assert outcome(rp, good) == "tokens"
    for bad in (
        issue("CN=Other,O=Example,DC=test", by=authority),
        issue("DC=test,CN=Other+O=Example", *others, by=authority),
        issue(
            f"CN={value.replace('+', '').replace(',', '').replace('=', '')}",
            x509.DNSName("*.example.test"),
            x509.DNSName("x.client.example.test"),
            x509.UniformResourceIdentifier("spiffe://example.test/a/"),
            x509.IPAddress(ip_address("192.0.2.1")),
            x509.RFC822Name("client@example.test"),
            by=authority,
        ),
    ):
        assert outcome(rp, bad) == REFUSED
    assert outcome(rp, None) == REFUSED
    refused = rp.client_credentials()
    assert explain(refused.error_id).checks[-1]["section"] == "RFC 8705 section 2"


def test_only_certificates_of_trusted_authorities_authenticate(
    register: Register, authority: Shown, intermediate: Shown, explain: Explain
) -> None:
    """N-141, A-142: RFC 8705 section 2.1, RFC 5280 section 6: the right subject, from an issuer who may not say so."""
    rp = with_subject(register)
    own_key = ec.generate_private_key(ec.SECP256R1())
    same_name = issue("CN=Authority", ca=True, key=own_key)
    leaf = issue(by=authority)
    below = issue("CN=Below", by=intermediate, ca=True, key=own_key)
    assert outcome(rp, issue(by=intermediate)) == "tokens"
    for bad in (
        issue(),  # self-signed
        issue(by=same_name),
        issue(by=leaf),
        issue(by=below),
        issue(by=authority, use=FOR_SERVERS),
    ):
        assert outcome(rp, bad) == REFUSED
    found = explain(rp.client_credentials().error_id).checks[-1]
    assert (found["section"], found["got"]) == (
        "RFC 8705 section 2.1",
        "CN=client,O=Example: its extended key usage does not include clients (clientAuth)",
    )


def test_a_certificate_is_accepted_from_its_first_to_its_last_moment(
    register: Register, authority: Shown, clock: Clock, explain: Explain
) -> None:
    """N-142: RFC 5280 section 6.1.3 (a) (2), by the clock of the service."""
    rp = with_subject(register)
    certificate = issue(by=authority, now=clock.now, begins=timedelta(minutes=1), ends=timedelta(minutes=2))
    for seconds, expected in ((59, REFUSED), (1, "tokens"), (59, "tokens"), (2, REFUSED)):
        clock.advance(seconds=seconds)
        assert outcome(rp, certificate) == expected
    assert "it is valid from" in explain(rp.client_credentials().error_id).checks[-1]["got"]


def test_a_lost_file_of_authorities_is_an_outage(
    register: Register, authority: Shown, http: WatchedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-143: an outage never looks like a verdict."""
    rp = with_subject(register)
    http.outage = True

    def lost(_: Path) -> None:
        raise certificate_chains.AuthoritiesUnavailable

    monkeypatch.setattr(certificate_chains, "_store_of", lost)
    rp.certificate = issue(by=authority)
    assert rp.client_credentials().status == 503


# self_signed_tls_client_auth


def test_a_registered_certificate_authenticates(register: Register, clock: Clock, explain: Explain) -> None:
    """N-144: RFC 8705 section 2.2: only the certificate in x5c, also with the same key and subject; its times do not
    matter.
    """
    own_key = ec.generate_private_key(ec.SECP256R1())
    mine, renewed = (issue(key=own_key, now=clock.now - timedelta(days=3)) for _ in range(2))
    rp = with_keys(register, mine.jwk)
    assert outcome(rp, mine) == "tokens"
    for bad in (renewed, issue(), None):
        assert outcome(rp, bad) == REFUSED
    rp.certificate = renewed
    assert explain(rp.client_credentials().error_id).checks[-1]["section"] == "RFC 8705 section 2.2"


def test_a_key_without_a_certificate_stands_for_each_of_its_certificates(register: Register) -> None:
    """RFC 8705 section 2.2: the handshake proves that the client has the key."""
    without = {name: value for name, value in issue().jwk.items() if name != "x5c"}
    rp = with_keys(register, public(usual_jwk("Ed25519")), without)
    assert outcome(rp, issue()) == "tokens"
    assert outcome(rp, issue(key=ec.generate_private_key(ec.SECP256R1()))) == REFUSED


def test_another_clients_certificate_is_refused(register: Register, authority: Shown) -> None:
    """N-145: RFC 8705 section 2: each method accepts only what its client is registered for."""
    theirs = issue("CN=theirs", by=authority)
    with_subject(register, value="CN=theirs")
    assert outcome(with_subject(register), theirs) == REFUSED
    assert outcome(with_keys(register, issue().jwk), theirs) == REFUSED


# All methods


@pytest.mark.parametrize("path", [TOKEN, PAR, INTROSPECT, REVOKE])
def test_a_certificate_authenticates_at_each_endpoint(
    register: Register, authority: Shown, unchanged: Unchanged, path: str
) -> None:
    """RFC 8705 section 2: client_id names the client. Without the certificate nothing happens."""
    rp = with_subject(register)
    form = {"grant_type": "client_credentials", "token": "x"}
    with unchanged():
        assert rp.post(path, **form).status_code == 401
    rp.certificate = issue(by=authority)
    assert rp.post(path, **form).status_code in {200, 400}
    assert rp.post(path, **form, client_id=None).status_code == 401


def test_a_client_cannot_use_another_method(register: Register, authority: Shown) -> None:
    """N-146: RFC 6749 section 2.3: a certificate is no secret, and a secret is no certificate."""
    certificate = issue(by=authority)
    rp = with_subject(register)
    rp.certificate = certificate
    assert rp.post(TOKEN, grant_type="client_credentials", client_secret="x" * 40).status_code == 401
    other = register(**MEMBERS)
    other.certificate = certificate
    other.secret = "x" * 40
    assert other.client_credentials().error == "invalid_client"
    headers = certificate.headers
    form = {"grant_type": "client_credentials", "client_id": other.client_id}
    assert other.http.post(TOKEN, data=form, headers=headers).status_code == 401


# Where the certificate comes from (attacks)


def forms(certificate: Shown) -> list[dict[str, str]]:
    return [certificate.headers, certificate.escaped, {HEADER: certificate.x5c}]


def test_a_trusted_proxy_reports_it_in_three_notations(register: Register, authority: Shown) -> None:
    """RFC 9440 section 2.2; $ssl_client_escaped_cert of nginx; base64 of DER, as HAProxy and Caddy write it."""
    rp = with_subject(register)
    form = {"grant_type": "client_credentials", "client_id": rp.client_id}
    for headers in forms(issue(by=authority)):
        assert rp.http.post(TOKEN, data=form, headers=headers).status_code == 200


def test_a_header_from_a_stranger_is_ignored(register: Register, authority: Shown, http: WatchedClient) -> None:
    """N-147, A-141: RFC 9440 section 4: also if it names a trusted proxy, or comes from an address beside it."""
    rp = with_subject(register)
    form = {"grant_type": "client_credentials", "client_id": rp.client_id}
    for address in ("10.9.9.8", "203.0.113.1", "testclient"):
        http.come_from(address)
        for headers in forms(issue(by=authority)):
            for more in ({}, {"x-forwarded-for": PROXY}, {"forwarded": f"for={PROXY}"}):
                assert http.post(TOKEN, data=form, headers=headers | more).status_code == 401


def test_several_headers_or_certificates_are_refused(
    register: Register, authority: Shown, http: WatchedClient, explain: Explain
) -> None:
    """N-148, A-141: RFC 9440 section 4: a header that the proxy let through beside its own, or joined to it."""
    rp, mine, theirs = with_subject(register), issue(by=authority), issue("CN=evil", by=authority)
    form = {"grant_type": "client_credentials", "client_id": rp.client_id}
    for first, second in ((mine, theirs), (theirs, mine), (mine, mine)):
        one, two = first.headers[HEADER], second.headers[HEADER]
        doubled = http.post(TOKEN, data=form, headers=[(HEADER, one), (HEADER, two)])
        assert doubled.status_code == 401
        assert "2 headers" in explain(doubled.json()["error_id"]).checks[-1]["got"]
        for joined in (f"{one}, {two}", f"{one},{two}", f"{first.escaped[HEADER]}{second.escaped[HEADER]}"):
            assert http.post(TOKEN, data=form, headers={HEADER: joined}).status_code == 401


@in_one_world(
    "name", ["client_cert", "x-client-cert", "ssl-client-cert", "x-ssl-client-cert", "client-cert-chain", "x-amzn-mtls"]
)
def test_another_header_or_spelling_is_ignored(
    register: Register, authority: Shown, http: WatchedClient, name: str
) -> None:
    """N-149, A-141: RFC 9440 section 4: a proxy removes the header, and not what looks like it."""
    rp = with_subject(register)
    form = {"grant_type": "client_credentials", "client_id": rp.client_id}
    for headers in forms(issue(by=authority)):
        assert http.post(TOKEN, data=form, headers={name: headers[HEADER]}).status_code == 401


def broken(certificate: Shown) -> list[str]:
    good, escaped = certificate.x5c, certificate.escaped[HEADER]
    return [
        "",
        ":",
        "::",
        "(null)",
        "%",
        "-----BEGIN CERTIFICATE-----",
        f":{good}",
        f":{good[:-8]}:",
        f":{good}:;a=1",
        f":{good.replace('M', '*', 1)}:",
        good[:40],
        "A" * 20_000,
        f":{'A' * 400}:",
        escaped.replace("CERTIFICATE", "PRIVATE%20KEY"),
        escaped + escaped,
        escaped[:-20],
        escaped.replace("%0A", "%00", 3),
        "é" * 20,
        '"%22"',
    ]


def ascii_lines(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def test_what_is_no_certificate_is_no_error_of_the_server(
    register: Register, authority: Shown, http: WatchedClient
) -> None:
    """N-150: bad input from a proxy is refused, and does not matter to those who need no certificate."""
    certificate = issue(by=authority)
    rp, other = with_subject(register), register(**MEMBERS)
    headers, body = other.authentication()
    for value in broken(certificate):
        line = [(HEADER.encode(), value.encode("latin-1"))]
        form = {"grant_type": "client_credentials", "client_id": rp.client_id}
        assert http.post(TOKEN, data=form, headers=line).status_code == 401
        asked = http.post(
            TOKEN, data={"grant_type": "client_credentials", **body}, headers=[*ascii_lines(headers), *line]
        )
        assert asked.status_code == 200


# Registration


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, "requires exactly one of"),
        ({"tls_client_auth_subject_dn": "CN=a", "tls_client_auth_san_dns": "a.test"}, "exactly one"),
        ({"tls_client_auth_subject_dn": "client"}, "must be a distinguished name"),
        ({"tls_client_auth_subject_dn": "CN=a,,O=b"}, "must be a distinguished name"),
        ({"tls_client_auth_subject_dn": "WHAT=a"}, "unknown attribute type"),
        ({"tls_client_auth_subject_dn": "CN="}, "empty value"),
        ({"tls_client_auth_subject_dn": "CN=a" + "b" * 1000}, "1 to 1000 characters"),
        ({"tls_client_auth_san_dns": "*.example.test"}, "without a wildcard"),
        ({"tls_client_auth_san_dns": "https://example.test"}, "must be a host name"),
        ({"tls_client_auth_san_uri": "example.test"}, "must be a URI"),
        ({"tls_client_auth_san_ip": "10.0.0.0/8"}, "must be an IP address"),
        ({"tls_client_auth_san_email": "example.test"}, "must be an email address"),
        ({"token_endpoint_auth_method": None, "tls_client_auth_san_dns": "a.test"}, "requires token_end"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "requires jwks or jwks_uri"),
    ],
)
def test_metadata_without_exactly_one_good_subject_is_refused(changes: dict[str, Any], problem: str) -> None:
    """N-151: RFC 8705 sections 2.1.2 and 2.2.2."""
    with pytest.raises(InvalidMetadata, match=problem):
        parse_metadata({**MEMBERS, "token_endpoint_auth_method": "tls_client_auth", **changes})


def test_a_certificate_has_to_be_that_of_its_key() -> None:
    """N-152: RFC 7517 section 4.7: x5c of another key, or none at all."""
    mine = issue()
    other = issue(key=ec.generate_private_key(ec.SECP256R1()))
    for x5c in ([other.x5c], ["AAAA"], [], "text", [1], {"a": 1}):
        jwk = {**mine.jwk, "x5c": x5c}
        given = {**MEMBERS, "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": {"keys": [jwk]}}
        with pytest.raises(InvalidMetadata, match="x5c"):
            parse_metadata(given)


def test_a_client_that_registers_itself_may_use_a_certificate(http: WatchedClient) -> None:
    """N-153: RFC 8705 sections 2.1.2 and 3.4, RFC 7591: also refused with the reason."""
    given = {
        "redirect_uris": ["https://app.example.test/callback"],
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "app.example.test",
        "tls_client_certificate_bound_access_tokens": True,
    }
    answer = http.post("/oauth2/register", json=given)
    assert answer.status_code == 201, answer.text
    assert answer.json().items() >= {name: value for name, value in given.items() if name != "redirect_uris"}.items()
    assert "client_secret" not in answer.json()
    refused = http.post("/oauth2/register", json={**given, "tls_client_auth_san_ip": "192.0.2.1"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert "exactly one" in refused.json()["error_description"]


def test_discovery_lists_the_methods(http: WatchedClient) -> None:
    """RFC 8414 section 2, RFC 8705 sections 2.1.1 and 2.2.1."""
    found = http.get("/.well-known/openid-configuration").json()
    for endpoint in ("token", "introspection", "revocation"):
        assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(
            found[f"{endpoint}_endpoint_auth_methods_supported"]
        )


class TestWithoutAuthorities:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"client_certificate_ca": None})

    def test_only_self_signed_certificates_can_be_used(self, register: Register, http: WatchedClient) -> None:
        """N-154: RFC 8705 section 2.1: without an authority no one can be trusted."""
        with pytest.raises(InvalidMetadata, match="SIGNET_CLIENT_CERTIFICATE_CA, which is not configured"):
            with_subject(register)
        certificate = issue()
        assert outcome(with_keys(register, certificate.jwk), certificate) == "tokens"
        found = http.get("/.well-known/openid-configuration").json()["token_endpoint_auth_methods_supported"]
        assert ("tls_client_auth" in found, "self_signed_tls_client_auth" in found) == (False, True)


class TestWithoutMutualTls:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"client_certificate_ca": None, "client_certificate_header": None})

    def test_no_certificate_can_be_registered(self, register: Register, http: WatchedClient) -> None:
        """N-155: RFC 8705 sections 2 and 3.4: a client that could never authenticate is refused with the reason."""
        for changes in (
            {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.test"},
            {"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": {"keys": [issue().jwk]}},
            {"tls_client_certificate_bound_access_tokens": True},
        ):
            with pytest.raises(InvalidMetadata, match="requires mutual TLS, which is not configured"):
                register(**{**MEMBERS, **changes})
        found = http.get("/.well-known/openid-configuration").json()
        assert not [name for name in str(found).split() if "tls" in name]
