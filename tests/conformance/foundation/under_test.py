"""Signet as the foundation's suite tests it: `signet serve` with https, and a second port for certificates."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.keys import rotation
from provider.oauth.setting_up import create_keys_and_salt
from provider.work import Installation, unit_of_work
from tests.conformance.conftest import EVERY_CLAIM
from tests.conformance.suite import EMAIL
from tests.support.certificates import Authority
from tests.support.client_certificates import Shown, issue
from tests.support.factories import make_user
from tests.support.installation import SECRET_KEY, settings_for
from tests.support.server_process import serving


@dataclass
class UnderTest:
    """The running server, and the hand of its operator."""

    issuer: str
    mtls: str
    installation: Installation
    authority: Authority
    """Of the servers."""
    clients_authority: Shown

    def register(self, **members: Any) -> tuple[str, str | None]:
        """A client of the operator: its ID, and its secret if it has one."""
        with unit_of_work(self.installation) as work:
            client, secret = create_client(work, ClientMetadata(**members))
        return client.client_id, secret

    def rotate_keys(self) -> None:
        """Sign with another key from now on."""
        with unit_of_work(self.installation) as work:
            rotation.rotate(work, alg="RS256", at_once=True)


@contextmanager
def signet_under_test(
    folder: Path, port: int, mtls_port: int, *, suite_authority: Path | None = None
) -> Iterator[UnderTest]:
    """Serve a new installation in this folder, with one user, until the block ends. `suite_authority` is whose
    certificate the suite has, if not that of this run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority, database = Authority(folder), f"sqlite:///{folder / 'signet.db'}"
    for left in folder.glob("signet.db*"):
        left.unlink()
    clients_authority = issue("CN=Authority of the clients", ca=True)
    clients_file = clients_authority.write(folder)
    clients_file.write_text(clients_authority.pem)
    pem = authority.issue_file("localhost", key=rsa.generate_private_key(65537, 2048))
    issuer, mtls = f"https://localhost:{port}", f"https://localhost:{mtls_port}"
    operator = settings_for(
        database,
        issuer=issuer,
        outbound_allow=frozenset({"127.0.0.1"}),
        client_certificate_ca=clients_file,
        mtls_url=mtls,
        mtls_port=mtls_port,
        mtls_certificate=pem,
        mtls_key=pem,
    )
    migrate(operator)
    installation = open_installation(operator)
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
        make_user(work, EMAIL, **EVERY_CLAIM)
    settings = {
        "SIGNET_ISSUER": issuer,
        "SIGNET_DATABASE_URL": database,
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_BCRYPT_COST": "4",
        "SIGNET_KEY_CACHE": "0",
        "SIGNET_CLIENT_CACHE": "0",
        "SIGNET_LEGACY_RESPONSE_TYPES": "true",
        "SIGNET_REGISTRATION": "open",
        "SIGNET_REGISTRATION_REQUIRE_PKCE": "false",
        "SIGNET_REQUEST_URI": "true",
        "SIGNET_SESSION_MANAGEMENT": "true",
        "SIGNET_OUTBOUND_ALLOW": "127.0.0.1",
        "SIGNET_OUTBOUND_CA": str(suite_authority or authority.file),
        "SIGNET_CLIENT_CERTIFICATE_CA": str(clients_file),
        "SIGNET_MTLS_URL": mtls,
        "SIGNET_MTLS_PORT": str(mtls_port),
        "SIGNET_MTLS_CERTIFICATE": str(pem),
        "SIGNET_MTLS_KEY": str(pem),
    }
    tls = ("--tls-cert", str(pem), "--tls-key", str(pem), "--drain", "0")
    try:
        with serving(settings, *tls, port=port, authority=authority.file, forked=False, log=folder / "signet.log"):
            yield UnderTest(issuer, mtls, installation, authority, clients_authority)
    finally:
        installation.database.close()
