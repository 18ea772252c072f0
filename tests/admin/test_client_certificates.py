"""Client certificates in the console: their fields are there where certificates reach Signet, or where they are set."""

from pathlib import Path

from provider.admin.client_form import members
from provider.admin.client_groups import GROUPS, fitting
from provider.config.settings import Settings
from provider.oauth.clients.choices import SUBJECTS
from provider.oauth.clients.metadata import ClientMetadata
from tests.support.client_certificates import with_mutual_tls

BOUND = "tls_client_certificate_bound_access_tokens"
WEB = ClientMetadata(redirect_uris=("https://app.example.test/callback",))
SERVICE = ClientMetadata(grant_types=("client_credentials",))


def shown(settings: Settings, metadata: ClientMetadata) -> set[str]:
    return set(fitting(GROUPS["security"].names, metadata, settings)) & {BOUND, *SUBJECTS}


def methods(settings: Settings, metadata: ClientMetadata) -> set[str]:
    [field] = members(["token_endpoint_auth_method"], metadata, settings)
    return {option.value for option in field.options if "tls" in option.value}


def test_without_mutual_tls_nothing_is_offered(settings: Settings) -> None:
    assert not shown(settings, WEB)
    assert not methods(settings, WEB)


def test_what_is_configured_is_offered(settings: Settings) -> None:
    own = with_mutual_tls(settings)
    assert (shown(own, WEB), methods(own, WEB)) == ({BOUND}, {"self_signed_tls_client_auth"})
    issued = with_mutual_tls(settings, Path("ca.pem"))
    for metadata in (WEB, SERVICE):
        assert shown(issued, metadata) == {BOUND, *SUBJECTS}
        assert methods(issued, metadata) == {"tls_client_auth", "self_signed_tls_client_auth"}


def test_what_is_set_is_never_hidden(settings: Settings) -> None:
    client = ClientMetadata(
        redirect_uris=WEB.redirect_uris,
        token_endpoint_auth_method="tls_client_auth",  # a method
        tls_client_auth_san_dns="a.example.test",
    )
    assert shown(settings, client) == {"tls_client_auth_san_dns"}
    assert methods(settings, client) == {"tls_client_auth"}
