"""Logout tokens and their delivery (OpenID Connect Back-Channel Logout 1.0). Handler of the outbox's topic `logout`.

The module `sessions.listeners` decides which clients get one when a session ends. The token is signed at each attempt,
so a late one is as fresh as the first. Each has its own `jti`: otherwise an app whose response was lost would take the
retry for a replay.
"""

import re
from datetime import timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error

from provider.crypto.digests import new_opaque
from provider.jose.json_objects import read_object
from provider.oauth.clients.clients import Client
from provider.oauth.tokens.encrypted_responses import encrypt_to
from provider.oauth.tokens.server import AuthorizationServer, server_of_worker
from provider.outbound.answers import Answer, OutboundFailed
from provider.outbox.relay import NoLongerWanted, PermanentFailure, RetryPolicy, TemporaryFailure
from provider.work import Installation, UnitOfWork, unit_of_work

TYP = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = timedelta(minutes=2)
"""The lifetime of a logout token. Section 2.4 recommends at most this."""
RETRIES = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))
"""Twelve attempts, over some three hours: an app that is down for an upgrade is notified afterwards."""


def deliver(installation: Installation, _job_id: str, payload: dict[str, Any]) -> None:
    """Post the token (section 2.5) and check the response (section 2.8). Raises NoLongerWanted,
    PermanentFailure, TemporaryFailure.
    """
    server = server_of_worker(installation)
    with unit_of_work(installation) as work:
        client = server.clients.find(work, payload["client_id"])
        if client is None or client.metadata.backchannel_logout_uri is None:
            raise NoLongerWanted("the client, or its backchannel_logout_uri, is gone")
        try:
            token = make_logout_token(
                work, server, client, user_id=payload["user_id"], session_id=payload["session_id"]
            )
            answer = work.outbound.deliver(client.metadata.backchannel_logout_uri, {"logout_token": token})
        except OutboundFailed as failed:
            raise TemporaryFailure(failed.reason, until=failed.until) from None
        except OAuth2Error as failed:  # it is to be encrypted, and the client's keys do not fit or cannot be had
            raise TemporaryFailure(failed.description) from None
    _judge(answer)


def make_logout_token(
    work: UnitOfWork, server: AuthorizationServer, client: Client, *, user_id: str, session_id: str
) -> str:
    """Return a logout token, signed and encrypted like this client's ID tokens (section 2.4).

    It never contains a nonce.
    """
    subject = server.subjects.of_session(work, client, user_id=user_id, session_id=session_id)
    issued = int(work.now.timestamp())
    claims = {
        "iss": server.issuer,
        "sub": subject.sub,
        "aud": client.client_id,
        "iat": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
        "jti": new_opaque()[:22],
        "events": {EVENT: {}},
        "sid": subject.sid,
    }
    metadata = client.metadata
    token = server.keys.signer(work, metadata.id_token_signed_response_alg).sign(claims, typ=TYP)
    alg, enc = metadata.id_token_encrypted_response_alg, metadata.id_token_encrypted_response_enc
    if alg is None or enc is None:
        return token
    return encrypt_to(work, server, client, token, alg=alg, enc=enc, nested=True)


def _judge(answer: Answer) -> None:
    if 200 <= answer.status < 300:  # section 2.8 names 200, and 204 for frameworks that insist
        return
    if answer.status == 400:
        raise PermanentFailure(f"it refused the logout: {_error_of(answer) or 'without a reason'}")
    raise TemporaryFailure(f"it answered {answer.status}")


def _error_of(answer: Answer) -> str:
    """Return the error code in the response, or an empty string if it does not look like one (section 2.8)."""
    try:
        error = read_object(answer.body)["error"]
    except (ValueError, LookupError):
        return ""
    return error if isinstance(error, str) and re.fullmatch(r"[a-z0-9_.-]{1,60}", error) else ""
