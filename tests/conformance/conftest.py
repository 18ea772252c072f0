"""One server for all modules, set up as docs/reference/protocol.md says for certification: https, open registration."""

import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provider.installation import open_installation
from provider.work import Installation, unit_of_work
from tests.conformance.suite import EMAIL, Person, Provider
from tests.support.certificates import Authority
from tests.support.factories import make_user
from tests.support.foreign_server import ForeignServer
from tests.support.installation import SECRET_KEY, settings_for
from tests.support.server_process import free_port, serving

EVERY_CLAIM: dict[str, Any] = {
    "name": "Sue Ite",
    "given_name": "Sue",
    "family_name": "Ite",
    "middle_name": "Con",
    "nickname": "sui",
    "preferred_username": "suite",
    "profile": "https://suite.example.test/sue",
    "picture": "https://suite.example.test/sue.png",
    "website": "https://suite.example.test/",
    "gender": "female",
    "birthdate": "1990-01-31",
    "zoneinfo": "Europe/Berlin",
    "locale": "en",
    "phone_number": "+49301234567",
    "phone_number_verified": False,
    "address": {"street_address": "Allee 1", "locality": "Berlin", "postal_code": "10115", "country": "DE"},
}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('conformance') / 'signet.db')}"


@pytest.fixture(scope="session")
def installation(database: str) -> Iterator[Installation]:
    """The same database, for what the suite asks a person to do behind the scenes."""
    installation = open_installation(settings_for(database, outbound_allow=frozenset({"127.0.0.1"})))
    yield installation
    installation.database.close()


@pytest.fixture(scope="session")
def provider(authority: Authority, database: str, installation: Installation) -> Iterator[Provider]:
    with unit_of_work(installation) as work:
        make_user(work, EMAIL, **EVERY_CLAIM)
    port = free_port()
    issuer = f"https://localhost:{port}"
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
        "SIGNET_OUTBOUND_CA": str(authority.file),
    }
    pem = str(authority.issue_file("localhost"))
    tls = ("--tls-cert", pem, "--tls-key", pem, "--drain", "0")
    with serving(settings, *tls, port=port, authority=authority.file):
        provider = Provider(issuer, ssl.create_default_context(cafile=authority.file))
        yield provider
        provider.http.close()


@pytest.fixture
def person(provider: Provider) -> Iterator[Person]:
    """A browser in which nobody is signed in yet."""
    person = Person(provider)
    yield person
    person.client.close()


@pytest.fixture
def suite_server(authority: Authority) -> Iterator[ForeignServer]:
    """Where the suite serves documents: on loopback, with a certificate of its own authority."""
    with ForeignServer(authority.issue("localhost")) as server:
        yield server
