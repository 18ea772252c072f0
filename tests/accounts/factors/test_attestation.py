"""Attestation of new passkeys: WebAuthn Level 3 sections 6.5, 7.1 (steps 22 to 24) and 8.2."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from provider.accounts.factors.authenticators import find_name
from provider.accounts.factors.store import passkeys as store
from provider.config.environment import SettingsError, load_settings
from provider.config.settings import Settings
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator, question_of, sign
from tests.support.browser import Browser, Page
from tests.support.factories import make_user
from tests.support.installation import Work, settings_for
from tests.support.people import sign_in

KEY = "fa2b99dc-9e39-4257-8f92-4a30d23c4118"
OTHER = "2fc0579f-8113-47ea-b116-bb5a8db9202a"
Statement = Callable[[bytes], dict[str, Any]]


class Maker:
    """A maker of security keys, with a root certificate."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._certificate("Root", self.key, is_ca=True)

    def _certificate(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, is_ca: bool, aaguid: str | None = None
    ) -> x509.Certificate:
        made = datetime(2020, 1, 1, tzinfo=UTC)
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        issuer = [x509.NameAttribute(NameOID.COMMON_NAME, "Root")]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(names))
            .issuer_name(x509.Name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(made)
            .not_valid_after(made + timedelta(days=36500))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if aaguid is not None:
            value = b"\x04\x10" + bytes.fromhex(aaguid.replace("-", ""))
            extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4"), value)
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, SHA256())

    def attests(self, *, is_ca: bool = False, aaguid: str | None = KEY) -> Statement:
        """The packed attestation of a key of this maker (section 8.2)."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._certificate("Key", key, is_ca=is_ca, aaguid=aaguid)

        def statement(signed: bytes) -> dict[str, Any]:
            chain = [leaf.public_bytes(Encoding.DER)]
            return {"fmt": "packed", "attStmt": {"alg": -7, "sig": sign(key, signed), "x5c": chain}}

        return statement


MAKER = Maker()


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    folder = tmp_path / "roots"
    folder.mkdir()
    (folder / "maker.pem").write_bytes(MAKER.root.public_bytes(Encoding.PEM))
    return folder


@pytest.fixture
def settings(database_url: str, roots: Path) -> Settings:
    return settings_for(database_url, passkey_attestation="direct", passkey_aaguids=KEY, passkey_roots=str(roots))


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    with work() as w:
        user_id = make_user(w)
    sign_in(browser)
    return user_id


def add(browser: Browser, aaguid: str = KEY, **parts: Any) -> Page:
    device = Authenticator(aaguid=aaguid, flags=PRESENT | VERIFIED, counts=True)
    options = question_of(browser.open("/account/passkeys"))
    assert options["attestation"] == "direct"
    return browser.submit({"credential": device.create(options, **parts)}, action="/account/passkeys")


@pytest.mark.parametrize("aaguid", [KEY, None])
def test_an_accepted_model_with_a_chain_to_a_root_is_added(browser: Browser, ada: str, aaguid: str | None) -> None:
    page = add(browser, attestation=MAKER.attests(aaguid=aaguid))
    assert (page.status, "Passkey added" in page.text) == (200, True)


def test_all_others_are_refused_with_a_reason(browser: Browser, ada: str, work: Work) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "none": {"attestation": {"fmt": "none", "attStmt": {}}},
        "another model": {"aaguid": OTHER, "attestation": MAKER.attests(aaguid=OTHER)},
        "a certificate of another model": {"attestation": MAKER.attests(aaguid=OTHER)},
        "a certificate of an authority": {"attestation": MAKER.attests(is_ca=True)},
        "another maker": {"attestation": Maker().attests()},
    }
    for name, parts in wrong.items():
        page = add(browser, **parts)
        assert page.status == 400, name
    with work() as w:
        assert store.find_of_user(w.read, ada) == []
    assert "This kind of passkey isn't allowed here." in add(browser, **wrong["none"]).text


def test_without_roots_it_is_an_outage_and_no_verdict(browser: Browser, ada: str, roots: Path) -> None:
    """The library accepts any chain if it has no root."""
    (roots / "maker.pem").unlink()
    assert add(browser, attestation=Maker().attests()).status == 503


@pytest.mark.parametrize("more", [{}, {"SIGNET_PASSKEY_AAGUIDS": KEY}, {"SIGNET_PASSKEY_ROOTS": "/roots"}])
def test_direct_needs_models_and_roots(more: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="SIGNET_PASSKEY_ROOTS"):
        load_settings({"SIGNET_ISSUER": "http://localhost:8000", "SIGNET_PASSKEY_ATTESTATION": "direct", **more})


def test_an_aaguid_is_one_in_any_notation() -> None:
    environ = {"SIGNET_ISSUER": "http://localhost:8000", "SIGNET_PASSKEY_AAGUIDS": KEY.upper()}
    assert load_settings(environ).passkey_aaguids == (KEY,)
    with pytest.raises(SettingsError, match="AAGUIDs"):
        load_settings(environ | {"SIGNET_PASSKEY_AAGUIDS": "yubikey"})


def test_names_of_authenticators_can_be_names_of_passkeys() -> None:
    assert find_name("d548826e-79b4-db40-a3d8-11116f7e8349") == "Bitwarden"
    assert find_name("c1f9a0bc-1dd2-404a-b27f-8e29047a43fd") == "YubiKey 5 FIPS Series with NFC"
