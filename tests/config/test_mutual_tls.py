"""The settings of mutual TLS: what cannot work is refused at the start."""

from pathlib import Path

import pytest

from provider.config.environment import SettingsError, load_settings
from tests.support.client_certificates import issue

USUAL = {"SIGNET_TRUSTED_PROXIES": "10.0.0.1", "SIGNET_CLIENT_CERTIFICATE_HEADER": "Client-Cert"}


def test_a_header_turns_on_self_signed_certificates() -> None:
    settings = load_settings(USUAL)
    assert settings.client_certificate_header == "client-cert"
    assert settings.certificate_methods == ("self_signed_tls_client_auth",)
    assert load_settings({}).certificate_methods == ()


def test_authorities_turn_on_their_certificates(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(issue("CN=Authority", ca=True).pem)
    settings = load_settings(USUAL | {"SIGNET_CLIENT_CERTIFICATE_CA": str(file)})
    assert settings.certificate_methods == ("tls_client_auth", "self_signed_tls_client_auth")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"SIGNET_TRUSTED_PROXIES": ""}, "needs SIGNET_TRUSTED_PROXIES"),
        ({"SIGNET_CLIENT_CERTIFICATE_HEADER": "Authorization"}, "a header of its own"),
        ({"SIGNET_CLIENT_CERTIFICATE_HEADER": "ssl_client_cert"}, "a header of its own"),  # N-149: proxies drop it
        ({"SIGNET_CLIENT_CERTIFICATE_HEADER": "", "SIGNET_MTLS_URL": "https://mtls.example.com"}, "is required for"),
        ({"SIGNET_MTLS_URL": "http://mtls.example.com"}, "must be an https URL"),
        ({"SIGNET_MTLS_URL": "https://mtls.example.com/"}, "without a final slash"),
        ({"SIGNET_MTLS_URL": "https://mtls.example.com?a"}, "must be an https URL"),
        ({"SIGNET_CLIENT_CERTIFICATE_CA": "/nowhere"}, "must be a PEM file"),
        ({"SIGNET_MTLS_CERTIFICATE": "/server.pem"}, "SIGNET_MTLS_PORT is required for"),
        ({"SIGNET_MTLS_KEY": "/server.key"}, "SIGNET_MTLS_PORT is required for"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load_settings(USUAL | changes)


def test_certificates_of_clients_are_no_authorities(tmp_path: Path) -> None:
    """RFC 8705 section 2.1: whoever is listed here vouches for the subject of every client."""
    file = tmp_path / "ca.pem"
    for text, problem in (
        (issue().pem + issue("CN=Authority", ca=True).pem, "not one of an authority"),
        ("nothing", "must be a PEM file"),
    ):
        file.write_text(text)
        with pytest.raises(SettingsError, match=problem):
            load_settings(USUAL | {"SIGNET_CLIENT_CERTIFICATE_CA": str(file)})


def test_certificates_for_a_port_that_is_not_there_are_refused(tmp_path: Path) -> None:
    """Behind a proxy, every self-signed certificate reaches Signet: the list would limit nothing."""
    file = tmp_path / "own.pem"
    file.write_text(issue().pem)
    with pytest.raises(SettingsError, match="SIGNET_MTLS_PORT is required for"):
        load_settings(USUAL | {"SIGNET_MTLS_SELF_SIGNED": str(file)})
