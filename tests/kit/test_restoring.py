"""What a process has cached does not outlast the test that caused it (`Signet.restore`)."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from signet_testing.signet import Signet

from provider.oauth.trusted_issuers import issuers
from provider.operators import branding
from provider.saved_settings import branding as saved_branding
from provider.work import unit_of_work
from tests.support.client_keys import Signatory, asserting, assertion_claims, new_key
from tests.support.foreign_server import ForeignServer, answer

OLD, NEW = Signatory(kid="old"), Signatory(kid="new", key=new_key())
CI, BUILD = "https://ci.example.test", "repo:shop:main"
SERVICE: dict[str, Any] = {"grant_types": ("client_credentials",), "redirect_uris": (), "scope": "api"}


Asks = Callable[[Signet, str], Callable[[Signatory], int]]
"""Registers a client of which somebody publishes the keys at a URL. Returns a function that gets a token with a key."""


def asking(signet: Signet, claims: dict[str, Any], **metadata: Any) -> Callable[[Signatory], int]:
    client_id = signet.client(client_id="a-service", **SERVICE, **metadata).client_id

    def ask(key: Signatory) -> int:
        asserted = asserting(key.sign(assertion_claims(client_id, signet.issuer, **claims)))
        with httpx2.Client(transport=signet.transport(), base_url=signet.issuer) as http:
            form = {"grant_type": "client_credentials", "client_id": client_id, **asserted}
            return int(http.post("/oauth2/token", data=form).status_code)

    return ask


def with_keys_of_the_client(signet: Signet, url: str) -> Callable[[Signatory], int]:
    return asking(signet, {}, token_endpoint_auth_method="private_key_jwt", jwks_uri=url)


def with_keys_of_its_issuer(signet: Signet, url: str) -> Callable[[Signatory], int]:
    with unit_of_work(signet._installation) as work:
        issuers.create(work, CI, issuers.IssuerSettings(jwks_uri=url))
    named = {"assertion_issuer": CI, "assertion_subjects": (BUILD,)}
    return asking(signet, {"iss": CI, "sub": BUILD}, token_endpoint_auth_method="federated_jwt", **named)


@pytest.mark.parametrize("asks", [with_keys_of_the_client, with_keys_of_its_issuer])
def test_the_keys_that_one_test_published_are_not_those_of_the_next(signet: Signet, asks: Asks) -> None:
    before = signet.save()
    with ForeignServer(behaviour=answer(OLD.jwks)) as server:
        assert asks(signet, server.url())(OLD) == 200
        signet.restore(before)
        server.behaviour = answer(NEW.jwks)
        ask = asks(signet, server.url())
        assert ask(OLD) == 401
        assert ask(NEW) == 200


def test_the_branding_that_one_test_saved_is_not_that_of_the_next(signet: Signet) -> None:
    before = signet.save()
    installation = signet._installation
    with unit_of_work(installation) as work:
        branding.save(work, {"brand": "Of a test"}, seen=branding.version(saved_branding.find(work.db)))
    assert installation.branding.applied_to(installation.settings).brand == "Of a test"
    signet.restore(before)
    assert installation.branding.applied_to(installation.settings).brand == installation.settings.brand
