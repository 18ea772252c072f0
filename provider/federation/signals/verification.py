"""Asking an upstream for a verification event (SSF 1.0 section 8.1.4), on a stream that is created if there is none."""

import json
from datetime import timedelta
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.federation.client_requests import post_as_client
from provider.federation.managed import NoSuchUpstream, signals_uri
from provider.federation.presets import GOOGLE
from provider.federation.signals.effects import EFFECTS
from provider.federation.signals.receive import STATE
from provider.federation.signals.transmitters import configuration_url, find_transmitter
from provider.federation.store import signal_states
from provider.federation.token_revocations import find_settings
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Upstream, UpstreamUnavailable
from provider.jose.json_objects import read_object
from provider.languages.text import Text
from provider.outbound.answers import Answer, OutboundFailed
from provider.refusals import Refusal
from provider.signals.configuration import PUSH
from provider.work import UnitOfWork

SCOPE = "ssf.manage"
"""The scope of receivers (CAEP Interoperability Profile 1.0 section 2.7.3)."""
STATE_LIFETIME = timedelta(days=1)
LARGEST, SECONDS = 64 * 1024, 10.0


class NoVerification(Refusal):
    """No verification event could be requested. The message says why."""

    code = "no-verification"


def describe(work: UnitOfWork, key: str) -> dict[str, Any]:
    """Return what operators see of the signals of an upstream, also of one that is disabled. Raises NoSuchUpstream."""
    settings, state = _find(work, key), signal_states.find(work.read, key)
    return {
        "key": key,
        "receives_signals": settings.receives_signals,
        "signals_uri": signals_uri(work.settings, key),
        "configuration_url": configuration_url(settings) if settings.is_oidc else None,
        "received_at": state.received_at,
        "received": state.received,
        "problem_at": state.problem_at,
        "problem": state.problem,
        "requested_at": state.requested_at,
        "verified_at": state.verified_at if state.is_verified else None,
    }


def request_for(work: UnitOfWork, key: str) -> None:
    """Ask the upstream with this key. Raises NoSuchUpstream or NoVerification."""
    request(work, Upstream(_find(work, key)))


def _find(work: UnitOfWork, key: str) -> UpstreamSettings:
    settings = find_settings(work, key)
    if settings is None:
        raise NoSuchUpstream
    return settings


def request(work: UnitOfWork, upstream: Upstream) -> None:
    """Ask for a verification event. It arrives like any other signal. Raises NoVerification."""
    settings = upstream.settings
    if not settings.receives_signals:
        raise NoVerification(Text("Turn on signals for this provider first."))
    if settings.preset == GOOGLE:
        raise NoVerification(Text("Google takes this request only from a service account. The guide shows how."))
    try:
        _request(work, upstream)
    except (UpstreamUnavailable, OutboundFailed) as failed:
        problem = f"verification: {failed.reason}"[: signal_states.LONGEST]
        signal_states.note(work.db, settings.key, problem_at=work.now, problem=problem)
        raise NoVerification(
            Text("%(name)s didn't accept the request: %(reason)s", name=settings.name, reason=failed.reason[:300])
        ) from None
    signal_states.note(work.db, settings.key, requested_at=work.now)
    record(work, Event.UPSTREAM_SIGNALS_REQUESTED, upstream=settings.key)


def _request(work: UnitOfWork, upstream: Upstream) -> None:
    """Send the requests. Raises OutboundFailed or UpstreamUnavailable."""
    transmitter = find_transmitter(work, upstream)
    streams, verify = transmitter.configuration_endpoint, transmitter.verification_endpoint
    if streams is None or verify is None:
        raise OutboundFailed("it has no endpoint for verification")
    token = _access_token(work, upstream)
    stream_id = _find_stream(work, upstream, streams, token) or _create_stream(work, upstream, streams, token)
    value = {"upstream": upstream.settings.key}
    state = work.vault.seal(value, purpose=STATE, now=work.now, lifetime=STATE_LIFETIME)
    _send(work, "POST", verify, token, {"stream_id": stream_id, "state": state})


def _access_token(work: UnitOfWork, upstream: Upstream) -> str:
    metadata = upstream.metadata(work)
    form = {"grant_type": "client_credentials", "scope": SCOPE}
    body = _read(post_as_client(work, upstream, metadata, metadata.token_endpoint, form), "its token endpoint")
    token = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise OutboundFailed("its token endpoint issued no access token")
    return token


def _find_stream(work: UnitOfWork, upstream: Upstream, url: str, token: str) -> str | None:
    """Return the ID of the stream that leads here, or None (section 8.1.1.2)."""
    found = _send(work, "GET", url, token, None)
    here = signals_uri(work.settings, upstream.settings.key)
    for one in found if isinstance(found, list) else [found]:
        delivery = one.get("delivery") if isinstance(one, dict) else None
        if isinstance(delivery, dict) and delivery.get("endpoint_url") == here:
            return str(one.get("stream_id"))
    return None


def _create_stream(work: UnitOfWork, upstream: Upstream, url: str, token: str) -> str:
    """Create the stream that leads here, with every event that has an effect (section 8.1.1.1)."""
    here = signals_uri(work.settings, upstream.settings.key)
    wanted = {"delivery": {"method": PUSH, "endpoint_url": here}, "events_requested": list(EFFECTS)}
    created = _send(work, "POST", url, token, wanted)
    if not isinstance(created, dict) or not isinstance(created.get("stream_id"), str):
        raise OutboundFailed("it created no stream")
    return str(created["stream_id"])


def _send(work: UnitOfWork, method: str, url: str, token: str, body: dict[str, Any] | None) -> Any:
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
    content = None if body is None else json.dumps(body).encode()
    headers |= {} if content is None else {"Content-Type": "application/json"}
    return _read(work.outbound.request(method, url, headers, content, most=LARGEST, seconds=SECONDS), url)


def _read(answer: Answer, where: str) -> Any:
    """Return the JSON of a successful answer, or an empty object if it has no content. Raises OutboundFailed."""
    if not 200 <= answer.status < 300:
        raise OutboundFailed(f"{where} answered {answer.status}")
    try:
        # A list of streams is no object; `read_object` also rejects members that are there twice.
        if answer.body.lstrip().startswith(b"["):
            return read_object(b'{"list":' + answer.body + b"}")["list"]
        return read_object(answer.body) if answer.body.strip() else {}
    except ValueError:
        raise OutboundFailed(f"{where} answered with no JSON") from None
