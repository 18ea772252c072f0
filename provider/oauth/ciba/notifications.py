"""Pings: a client in the mode ping learns that the user has answered (CIBA section 10.2). Handler of the outbox's topic
`backchannel-ping`.
"""

import json
from datetime import timedelta
from typing import Any

from provider.oauth.clients.clients import find_client
from provider.oauth.grants.store.backchannel_requests import BackchannelRequest
from provider.outbound.answers import Answer, OutboundFailed
from provider.outbox import messages
from provider.outbox.relay import NoLongerWanted, PermanentFailure, RetryPolicy, TemporaryFailure
from provider.outbox.topics import Topic
from provider.work import Installation, UnitOfWork, unit_of_work

PURPOSE = "backchannel-notification"
RETRIES = RetryPolicy(attempts=12, longest_pause=timedelta(minutes=1))
"""A ping expires with its request. Until then it is repeated."""
TRY_AGAIN = (408, 429)
"""The statuses of a client's error that may pass."""


def seal(work: UnitOfWork, request_id: str, *, auth_req_id: str, token: str) -> str:
    """Return what the ping of a request needs, encrypted: only a digest of the auth_req_id is stored beside it."""
    plain = json.dumps({"auth_req_id": auth_req_id, "token": token}).encode()
    return work.vault.encrypt(plain, purpose=PURPOSE, context=request_id)


def notify(work: UnitOfWork, request: BackchannelRequest) -> None:
    """Queue the ping of a request that the user has answered, if its client gets one."""
    if request.notification is None:
        return
    plain = work.vault.decrypt(request.notification, purpose=PURPOSE, context=request.id)
    payload = {"client_id": request.client_id, **json.loads(plain)}
    messages.enqueue(
        work, Topic.BACKCHANNEL_PING, payload, about=f"ping to {request.client_id}", expires_at=request.expires_at
    )


def deliver(installation: Installation, _job_id: str, payload: dict[str, Any]) -> None:
    """Post the auth_req_id to the client's notification endpoint. Raises NoLongerWanted, PermanentFailure,
    TemporaryFailure.
    """
    with unit_of_work(installation) as work:
        client = find_client(work, payload["client_id"])
        endpoint = None if client is None else client.metadata.backchannel_client_notification_endpoint
        if client is None or client.disabled or endpoint is None:
            raise NoLongerWanted("the client, or its notification endpoint, is gone")
        body = json.dumps({"auth_req_id": payload["auth_req_id"]}).encode()
        try:
            answer = work.outbound.deliver_json(endpoint, body, {"Authorization": f"Bearer {payload['token']}"})
        except OutboundFailed as failed:
            if failed.status is not None and failed.until is None:  # a redirect, which is never followed
                raise PermanentFailure(failed.reason) from None
            raise TemporaryFailure(failed.reason, until=failed.until) from None
    _judge(answer)


def _judge(answer: Answer) -> None:
    """Raise TemporaryFailure or PermanentFailure unless the client took the ping (section 10.2).

    A client that rejects a ping is not asked again.
    """
    if 200 <= answer.status < 300:
        return
    if answer.status >= 500 or answer.status in TRY_AGAIN:
        raise TemporaryFailure(f"it answered {answer.status}")
    raise PermanentFailure(f"it answered {answer.status}")
