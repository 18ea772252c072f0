"""Client certificates through nginx with the files we ship, deploy/nginx.conf and deploy/nginx-mtls.conf."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.certificates import Authority
from tests.support.client_certificates import HEADER, Shown, issue
from tests.support.installation import SECRET_KEY
from tests.support.nginx import configuration, configuration_of_certificates, find_nginx, nginx
from tests.support.server_process import free_port, serving, signet
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow

JOB = {"client_name": "Job", "grant_types": ["client_credentials"], "scope": "admin:read"}
BOUND = {"tls_client_certificate_bound_access_tokens": True}


@dataclass
class Deployed:
    """The two hosts of nginx, and what clients have."""

    folder: Path
    issuer: str
    mtls: str
    servers: Authority
    issued: Shown
    own: Shown

    def http(self, url: str, certificate: Shown | None) -> httpx2.Client:
        """A program with this certificate."""
        context = ssl.create_default_context(cafile=self.servers.file)
        if certificate is not None:
            context.load_cert_chain(certificate.write(self.folder))
        return httpx2.Client(base_url=url, verify=context, timeout=PATIENCE)

    def ask(self, url: str, client_id: str, certificate: Shown | None, headers: Any = ()) -> httpx2.Response:
        form = {"grant_type": "client_credentials", "client_id": client_id}
        with self.http(url, certificate) as http:
            return http.post("/oauth2/token", data=form, headers=headers)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    find_nginx()
    folder = tmp_path_factory.mktemp("mtls")
    servers, authority = Authority(folder), issue("CN=Authority", ca=True)
    pem, port, mtls_port, http_port, node = servers.issue_file("localhost"), *(free_port() for _ in range(4))
    (folder / "ca.pem").write_text(authority.pem)
    own = issue("CN=own")
    settings = {
        "SIGNET_ISSUER": f"https://localhost:{port}",
        "SIGNET_DATABASE_URL": f"sqlite:///{folder / 'signet.db'}",
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_TRUSTED_PROXIES": "127.0.0.1",
        "SIGNET_CLIENT_CERTIFICATE_HEADER": "Client-Cert",
        "SIGNET_CLIENT_CERTIFICATE_CA": str(folder / "ca.pem"),
        "SIGNET_MTLS_URL": f"https://localhost:{mtls_port}",
    }
    assert signet("migrate", settings=settings).returncode == 0
    clients: dict[str, dict[str, Any]] = {
        "issued": {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=issued"},
        "own": {"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": {"keys": [own.jwk]}},
    }
    for client_id, members in clients.items():
        file = folder / f"{client_id}.json"
        file.write_text(json.dumps({**JOB, **BOUND, **members}))
        done = signet("client", "create", "--client-id", client_id, "--metadata", str(file), settings=settings)
        assert done.returncode == 0, done.stderr
    text = configuration(port=port, http_port=http_port, nodes=(node, free_port()), certificate=pem)
    text += configuration_of_certificates(port=mtls_port, certificate=pem)
    with serving(settings, port=node), nginx(folder, port=port, signet_conf=text):
        found = settings["SIGNET_ISSUER"], settings["SIGNET_MTLS_URL"]
        yield Deployed(folder, *found, servers, issue("CN=issued", by=authority), own)


def test_certificates_reach_signet_through_nginx(deployed: Deployed) -> None:
    """RFC 8705 sections 2 and 3: both methods, whoever issued the certificate."""
    for certificate, client_id in ((deployed.issued, "issued"), (deployed.own, "own")):
        answer = deployed.ask(deployed.mtls, client_id, certificate)
        assert answer.status_code == 200, answer.text
        bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
        for url, shown, status in (
            (deployed.mtls, certificate, 200),
            (deployed.mtls, None, 401),
            (deployed.issuer, certificate, 401),  # it asks for none
        ):
            with deployed.http(url, shown) as http:
                assert http.get("/api/admin/clients", headers=bearer).status_code == status
        assert deployed.ask(deployed.mtls, client_id, issue("CN=issued")).status_code == 401


def test_no_one_can_send_the_header_of_the_proxy(deployed: Deployed) -> None:
    """A-141: at both hosts, with and without a certificate, in other spellings, and twice."""
    forged, other = deployed.issued.headers[HEADER], issue("CN=other")
    for url in (deployed.issuer, deployed.mtls):
        for certificate in (None, other):
            for headers in (
                [(HEADER, forged)],
                [("CLIENT-CERT", forged)],
                [("Client_Cert", forged)],
                [(HEADER, forged), (HEADER, forged)],
                list(deployed.issued.escaped.items()),
            ):
                assert deployed.ask(url, "issued", certificate, headers).status_code == 401


def test_pages_are_not_at_the_host_of_certificates(deployed: Deployed) -> None:
    """Users would be asked for a certificate there."""
    with deployed.http(deployed.mtls, None) as http:
        assert http.get("/login").status_code == 404
        aliases = http.get("/.well-known/openid-configuration")
    with deployed.http(deployed.issuer, None) as http:
        found = http.get("/.well-known/openid-configuration").json()["mtls_endpoint_aliases"]
        assert http.get("/login").status_code == 200
    assert aliases.status_code == 404
    assert all(url.startswith(deployed.mtls) for url in found.values())
