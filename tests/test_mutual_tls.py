"""Client certificates at the second port of `signet serve`, with real TLS and several processes."""

import json
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.certificates import Authority
from tests.support.client_certificates import HEADER, Shown, issue
from tests.support.installation import SECRET_KEY
from tests.support.server_process import Serving, free_port, serving, signet
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.slow

JOB = {"grant_types": ["client_credentials"], "redirect_uris": [], "scope": "admin:read"}
BOUND = {"tls_client_certificate_bound_access_tokens": True}


class Installation:
    """A service with a second port, and what it trusts."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder, self.servers = folder, Authority(folder)
        self.authority, self.own = issue("CN=Authority", ca=True), issue("CN=own")
        port, self.port, pem = free_port(), free_port(), self.servers.issue_file("localhost")
        (folder / "ca.pem").write_text(self.authority.pem)
        (folder / "own.pem").write_text(self.own.pem)
        self.plain_port = port
        self.settings = {
            "SIGNET_ISSUER": f"http://localhost:{port}",
            "SIGNET_DATABASE_URL": database_url,
            "SIGNET_SECRET_KEY": SECRET_KEY,
            "SIGNET_ENV": "test",
            "SIGNET_TRUSTED_PROXIES": "127.0.0.1,::1",
            "SIGNET_CLIENT_CERTIFICATE_HEADER": HEADER,
            "SIGNET_CLIENT_CERTIFICATE_CA": str(folder / "ca.pem"),
            "SIGNET_MTLS_PORT": str(self.port),
            "SIGNET_MTLS_CERTIFICATE": str(pem),
            "SIGNET_MTLS_KEY": str(pem),
            "SIGNET_MTLS_SELF_SIGNED": str(folder / "own.pem"),
            "SIGNET_MTLS_URL": f"https://localhost:{self.port}",
        }

    def register(self, client_id: str, **metadata: Any) -> None:
        file = self.folder / f"{client_id}.json"
        file.write_text(json.dumps(JOB | metadata))
        done = signet(
            *("client", "create", "--client-id", client_id, "--name", client_id),
            *("--metadata", str(file)),
            settings=self.settings,
        )
        assert done.returncode == 0, done.stderr

    def connect(self, certificate: Shown | None, url: str | None = None) -> httpx2.Client:
        """A program with this certificate."""
        context = ssl.create_default_context(cafile=self.servers.file)
        if certificate is not None:
            context.load_cert_chain(certificate.write(self.folder))
        return httpx2.Client(base_url=url or self.settings["SIGNET_MTLS_URL"], verify=context, timeout=PATIENCE)

    def ask(self, certificate: Shown | None, client_id: str, **headers: str) -> httpx2.Response:
        form = {"grant_type": "client_credentials", "client_id": client_id}
        with self.connect(certificate) as http:
            return http.post("/oauth2/token", data=form, headers=headers)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("mtls")
    installation = Installation(folder, f"sqlite:///{folder / 'signet.db'}")
    assert signet("migrate", settings=installation.settings).returncode == 0
    installation.register(
        "issued", token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn="CN=issued", **BOUND
    )
    keys = {"keys": [installation.own.jwk]}
    installation.register("own", token_endpoint_auth_method="self_signed_tls_client_auth", jwks=keys, **BOUND)
    return installation


@pytest.fixture(scope="module")
def service(installation: Installation) -> Iterator[Serving]:
    with serving(installation.settings, "--drain", "0", port=installation.plain_port, workers=2) as service:
        yield service
        assert service.stop() == 0


def test_both_methods_work_at_the_second_port(installation: Installation, service: Serving) -> None:
    """RFC 8705 sections 2, 3 and 5, with each of the processes."""
    issued = issue("CN=issued", by=installation.authority)
    found = json.loads(service.get("/.well-known/openid-configuration")[1])
    assert found["mtls_endpoint_aliases"]["token_endpoint"] == f"https://localhost:{installation.port}/oauth2/token"
    for _ in range(4):
        for certificate, client_id in ((issued, "issued"), (installation.own, "own")):
            answer = installation.ask(certificate, client_id)
            assert answer.status_code == 200, answer.text
            bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
            for shown, status in ((certificate, 200), (None, 401)):
                with installation.connect(shown) as http:
                    assert http.get("/api/admin/clients", headers=bearer).status_code == status


def test_certificates_of_others_fail(installation: Installation, service: Serving) -> None:
    """RFC 8705 section 2: an unknown issuer in the handshake, another client's certificate at the endpoint."""
    key = ec.generate_private_key(ec.SECP256R1())
    for stranger in (issue("CN=issued", key=key), issue("CN=issued", by=issue("CN=Authority", ca=True, key=key))):
        with pytest.raises(httpx2.TransportError):
            installation.ask(stranger, "issued")
    other = issue("CN=other", by=installation.authority)
    for certificate, client_id in ((other, "issued"), (installation.own, "issued"), (other, "own"), (None, "own")):
        assert installation.ask(certificate, client_id).status_code == 401


def test_a_header_does_not_count_at_the_second_port(installation: Installation, service: Serving) -> None:
    """A-141: also from a trusted proxy. At the usual port it does, and a certificate is not asked for."""
    issued = issue("CN=issued", by=installation.authority)
    for shown in (None, issue("CN=other", by=installation.authority)):
        assert installation.ask(shown, "issued", **issued.headers).status_code == 401
    form = {"grant_type": "client_credentials", "client_id": "issued"}
    usual = f"http://127.0.0.1:{installation.plain_port}/oauth2/token"
    host = {"host": f"localhost:{installation.plain_port}"}
    assert httpx2.post(usual, data=form, headers=issued.headers | host).status_code == 200


def test_a_busy_connection_is_answered_before_the_service_stops(installation: Installation) -> None:
    """F-10, at the second port."""
    issued = issue("CN=issued", by=installation.authority)
    form = {"grant_type": "client_credentials", "client_id": "issued"}
    port = str(free_port())
    settings = installation.settings | {"SIGNET_MTLS_PORT": port, "SIGNET_MTLS_URL": f"https://localhost:{port}"}
    with serving(settings, "--drain", "2") as service:
        with installation.connect(issued, settings["SIGNET_MTLS_URL"]) as http:
            assert http.post("/oauth2/token", data=form).status_code == 200
            service.process.send_signal(signal.SIGTERM)
            wait_until(lambda: service.get("/health/ready")[0] != 200)
            last = http.post("/oauth2/token", data=form)
        assert (last.status_code, last.headers["connection"]) == (200, "close")
        assert service.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SIGNET_MTLS_CERTIFICATE": "/nowhere"}, "SIGNET_MTLS_CERTIFICATE /nowhere and SIGNET_MTLS_KEY"),
        ({"SIGNET_MTLS_URL": ""}, "SIGNET_MTLS_PORT needs SIGNET_MTLS_URL"),
    ],
)
def test_what_cannot_serve_stops_the_start_in_one_line(
    installation: Installation, changes: dict[str, str], said: str
) -> None:
    done = signet("serve", "--port", str(free_port()), settings=installation.settings | changes)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
