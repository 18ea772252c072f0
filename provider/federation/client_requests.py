"""Requests that we authenticate at an upstream as its client (RFC 6749 section 2.3.1): for tokens and revocations."""

import base64
from collections.abc import Mapping
from urllib.parse import quote_plus

from provider.federation.apple import client_secret
from provider.federation.presets import APPLE
from provider.federation.upstreams import Metadata, Upstream
from provider.outbound.answers import Answer
from provider.work import UnitOfWork


def post_as_client(
    work: UnitOfWork, upstream: Upstream, metadata: Metadata, url: str, form: Mapping[str, str]
) -> Answer:
    """Post a form with our client ID and secret. Returns the answer, whatever its status. Raises OutboundFailed."""
    settings = upstream.settings
    secret = client_secret(settings, work.now) if settings.preset == APPLE else settings.secret
    headers, sent = {"Accept": "application/json"}, dict(form)
    if metadata.secret_in_header:
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        sent |= {"client_id": settings.client_id, "client_secret": secret}
    return work.outbound.post_form(url, sent, headers=headers)
