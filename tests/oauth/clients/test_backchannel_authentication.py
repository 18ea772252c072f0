"""The metadata of clients that ask for approvals (CIBA section 4), and who may register it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from provider.config.settings import Settings
from provider.oauth.clients.choices import PING, POLL
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_documents import read_document
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.registration import read_metadata
from provider.work import Installation, unit_of_work
from tests.oauth.approvals import CIBA
from tests.support.client_keys import Signatory

JWKS = Signatory().jwks
USED = {"grant_types": [CIBA, "refresh_token"], "response_types": []}
PINGED = {
    "backchannel_token_delivery_mode": PING,
    "backchannel_client_notification_endpoint": "https://client.example.test/cb",
}
FAPI = {
    "profile": "fapi2",
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": JWKS,
    "id_token_signed_response_alg": "PS256",
}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"backchannel_token_delivery_mode": POLL},
        PINGED,
        {"jwks": JWKS, "backchannel_authentication_request_signing_alg": "PS256"},
        {"backchannel_user_code_parameter": False},
        FAPI,
    ],
)
def test_these_may_be_registered(members: dict[str, Any]) -> None:
    """The mode is poll unless another one is chosen."""
    metadata = parse_metadata({**USED, **members})
    assert metadata.backchannel_token_delivery_mode == members.get("backchannel_token_delivery_mode", POLL)
    assert metadata.gets_pings == ("backchannel_client_notification_endpoint" in members)


@pytest.mark.parametrize(
    "members",
    [
        {"backchannel_token_delivery_mode": "push"},
        {"backchannel_token_delivery_mode": PING},
        PINGED | {"backchannel_client_notification_endpoint": "https://client.example.test/cb#x"},
        PINGED | {"backchannel_client_notification_endpoint": "ftp://client.example.test/cb"},
        {"backchannel_authentication_request_signing_alg": "PS256"},
        {"jwks": JWKS, "backchannel_authentication_request_signing_alg": "none"},
        {"jwks": JWKS, "backchannel_authentication_request_signing_alg": "HS256"},
        FAPI | {"backchannel_authentication_request_signing_alg": "RS256"},
        {"backchannel_user_code_parameter": True},
        {"token_endpoint_auth_method": "none"},
    ],
)
def test_these_may_not(members: dict[str, Any]) -> None:
    """N-233: no push, no public clients, no user codes, no algorithm without a key of the client."""
    with pytest.raises(InvalidMetadata):
        parse_metadata({**USED, **members})


def test_without_the_grant_type_the_members_have_no_effect() -> None:
    """So that it can be turned off and on in the console."""
    metadata = parse_metadata({"grant_types": ["client_credentials"], "response_types": [], **PINGED})
    assert not metadata.gets_pings
    assert parse_metadata({"grant_types": [], "response_types": []}).backchannel_token_delivery_mode is None


@pytest.mark.parametrize("registration", ["open", "token"])
def test_only_holders_of_a_registration_token_may_register_it(
    installation: Installation, settings: Settings, registration: str
) -> None:
    """N-234: it sends emails to users, so not every stranger may. No redirect proves hosts for pairwise subjects."""
    wanted = {**USED, **PINGED, "backchannel_client_notification_endpoint": "https://93.184.216.34/cb"}
    changed = settings.model_copy(update={"registration": registration})
    with unit_of_work(replace(installation, settings=changed)) as w:
        if registration == "open":
            with pytest.raises(InvalidMetadata, match="grant_types"):
                read_metadata(w, wanted)
            return
        assert read_metadata(w, wanted).gets_pings
        pairwise = {"subject_type": "pairwise", "redirect_uris": ["https://app.example.test/cb"]}
        with pytest.raises(InvalidMetadata, match="pairwise"):
            read_metadata(w, {**wanted, **pairwise})


@pytest.mark.parametrize("grant_type", ["urn:openid:params:grant-type:ciba", "client_credentials"])
def test_a_metadata_document_cannot_have_it(installation: Installation, settings: Settings, grant_type: str) -> None:
    """N-236: anyone can publish one, also where registration needs a token."""
    url = "https://client.example.test/client.json"
    document = {"client_id": url, "jwks": JWKS, "token_endpoint_auth_method": "private_key_jwt", **USED}
    document["grant_types"] = [grant_type]
    changed = settings.model_copy(update={"registration": "token"})
    with (
        unit_of_work(replace(installation, settings=changed)) as w,
        pytest.raises(InvalidMetadata, match="metadata document"),
    ):
        read_document(w, url, json.dumps(document).encode(), before=None)
