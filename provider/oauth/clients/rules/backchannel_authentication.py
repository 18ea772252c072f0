"""The rules for client metadata of Client-Initiated Backchannel Authentication (CIBA section 4). Pure.

Members of a client without the grant type have no effect, so that the grant type can be turned off and on again.
"""

from dataclasses import replace

from provider.oauth.clients.choices import CIBA, PING, POLL
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.rules.urls import is_requestable


def check_backchannel_authentication(metadata: ClientMetadata) -> ClientMetadata:
    """Return the metadata with a delivery mode if the client has the grant type. The default is `poll`.

    Raises InvalidMetadata unless the members fit each other.
    """
    is_used, mode = CIBA in metadata.grant_types, metadata.backchannel_token_delivery_mode
    endpoint = metadata.backchannel_client_notification_endpoint
    if is_used and mode == PING and endpoint is None:
        raise InvalidMetadata("backchannel_token_delivery_mode ping requires backchannel_client_notification_endpoint.")
    if endpoint is not None and not is_requestable(endpoint):
        raise InvalidMetadata(
            f"backchannel_client_notification_endpoint must be an https URL without a fragment, not {endpoint[:120]!r}."
        )
    signed = metadata.backchannel_authentication_request_signing_alg is not None
    if is_used and signed and metadata.jwks is None and metadata.jwks_uri is None:
        raise InvalidMetadata("backchannel_authentication_request_signing_alg requires jwks or jwks_uri.")
    if metadata.backchannel_user_code_parameter:
        raise InvalidMetadata("backchannel_user_code_parameter must be false, because user codes are not supported.")
    return replace(metadata, backchannel_token_delivery_mode=POLL) if is_used and mode is None else metadata
