"""Sending a back-channel logout request once, with what a test wants to be wrong with its token."""

from collections.abc import Iterable, Mapping
from typing import Any

from provider.oauth.logout.back_channel import make_logout_token
from provider.oauth.tokens.server import AuthorizationServer
from provider.outbound.answers import OutboundFailed
from provider.work import Installation, unit_of_work
from signet_testing.changes import Change, Sign
from signet_testing.records import Logout


def send_logout(
    installation: Installation,
    server: AuthorizationServer,
    payload: Mapping[str, Any],
    changes: Iterable[Change],
    sign: Sign,
) -> Logout | None:
    """Post the logout token of an outbox message (OpenID Connect Back-Channel Logout section 2.5); return what was
    sent, or None if the client is gone. Unlike Signet's worker, it does not try again.
    """
    with unit_of_work(installation) as work:
        client = server.clients.find(work, payload["client_id"])
        if client is None or client.metadata.backchannel_logout_uri is None:
            return None
        url = client.metadata.backchannel_logout_uri
        token = make_logout_token(work, server, client, user_id=payload["user_id"], session_id=payload["session_id"])
    for change in changes:
        token = change.apply(token, sign)
    try:
        return Logout(url, token, installation.outbound.post_form(url, {"logout_token": token}).status)
    except OutboundFailed:
        return Logout(url, token, None)
