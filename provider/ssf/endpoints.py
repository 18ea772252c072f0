"""The endpoints of the transmitter (SSF 1.0 section 8.1, RFC 8936)."""

from typing import Any

from starlette.responses import Response

from provider.jose.json_objects import is_storable, read_object
from provider.oauth.http.refused import protocol_endpoint
from provider.oauth.http.server import server_of
from provider.oauth.scopes import SSF_MANAGE
from provider.signals import configuration, streams
from provider.signals.configuration import InvalidStream
from provider.signals.store import streams as store
from provider.signals.store.streams import Stream
from provider.ssf import polling, subjects
from provider.ssf.callers import TO_MANAGE, TO_READ, is_active, require_receiver
from provider.ssf.waiting import LaterResponse
from provider.web.call import Call
from provider.web.json_responses import JsonResponse
from provider.work import UnitOfWork

NO_STORE = {"cache-control": "no-store"}


@protocol_endpoint
def stream_configuration(call: Call) -> Response:
    """Create, read, change, replace and delete the stream of a client: the configuration endpoint (section 8.1.1)."""
    if call.method in {"GET", "HEAD"}:
        return _read(call)
    client_id, _ = require_receiver(call, TO_MANAGE)
    if call.method == "DELETE":
        streams.delete(call.work, _of_query(call, client_id))
        return Response(status_code=204, headers=NO_STORE)
    body = _body(call)
    if call.method == "POST":
        made = streams.create(call.work, client_id, body)
        return _json(configuration.as_json(call.work, made, with_header=True), 201)
    changed = streams.update(call.work, client_id, body, replaces=call.method == "PUT")
    return _json(configuration.as_json(call.work, changed, with_header=True))


@protocol_endpoint
def stream_status(call: Call) -> Response:
    """Read or change the status of a stream: the status endpoint (section 8.1.2)."""
    if call.method in {"GET", "HEAD"}:
        client_id, _ = require_receiver(call, TO_READ)
        return _json(_status(_of_query(call, client_id)))
    client_id, _ = require_receiver(call, TO_MANAGE)
    body = _body(call)
    stream = _of_body(call, client_id, body)
    status, reason = body.get("status"), body.get("reason")
    return _json(_status(streams.set_status(call.work, stream, str(status), reason=reason, by_receiver=True)))


@protocol_endpoint
def verification(call: Call) -> Response:
    """Send a verification event: the verification endpoint (section 8.1.4.2)."""
    client_id, _ = require_receiver(call, TO_MANAGE)
    body = _body(call)
    streams.verify(call.work, _of_body(call, client_id, body), state=body.get("state"))
    return Response(status_code=204, headers=NO_STORE)


@protocol_endpoint
def add_subject(call: Call) -> Response:
    """Add a user to a stream: the endpoint of section 8.1.3.2."""
    _set_subject(call, is_added=True)
    return Response(status_code=200, headers=NO_STORE)


@protocol_endpoint
def remove_subject(call: Call) -> Response:
    """Remove a user from a stream: the endpoint of section 8.1.3.3."""
    _set_subject(call, is_added=False)
    return Response(status_code=204, headers=NO_STORE)


def poll(call: Call) -> Response:
    """Return what waits for a stream, and note what was acknowledged (RFC 8936 section 2). With nothing to return, the
    response is a `LaterResponse`.
    """
    client_id, _ = require_receiver(call, TO_MANAGE)
    stream = streams.find(call.work, client_id, call.path_params["stream_id"])
    server, asked = server_of(call), polling.parse(_body(call))
    found = polling.poll(call.work, server, stream, asked)
    if found["sets"] or not asked.may_wait:
        return _json(found)

    def again(work: UnitOfWork) -> Response | None:
        if not is_active(call, work):
            return _json(found)  # that nothing waits: the next poll says what is wrong with the token
        newer = polling.poll_again(work, server, stream.id, most=asked.most)
        return None if newer is None else _json(newer)

    return LaterResponse(found, stream.id, again, headers=NO_STORE)


def _read(call: Call) -> Response:
    """Return the stream that the query names, or the list of streams: one or none (section 8.1.1.2)."""
    client_id, scopes = require_receiver(call, TO_READ)
    with_header = SSF_MANAGE in scopes
    if "stream_id" in call.query:
        return _json(configuration.as_json(call.work, _of_query(call, client_id), with_header=with_header))
    stream = store.find_of_client(call.work.read, client_id)
    return _json([] if stream is None else [configuration.as_json(call.work, stream, with_header=with_header)])


def _set_subject(call: Call, *, is_added: bool) -> None:
    client_id, _ = require_receiver(call, TO_MANAGE)
    body = _body(call)
    stream = _of_body(call, client_id, body)
    server = server_of(call)
    client = server.clients.find(call.work, client_id)
    assert client is not None  # noqa: S101  # it just sent its access token
    subjects.require_flag(body)
    user_id = subjects.find_user(call.work, server, client, body.get("subject"))
    if user_id is not None:
        streams.set_subject(call.work, stream, user_id, is_added=is_added)


def _of_query(call: Call, client_id: str) -> Stream:
    stream_id = call.query.get("stream_id")
    if not stream_id:
        raise InvalidStream("stream_id is missing.")
    return streams.find(call.work, client_id, stream_id)


def _of_body(call: Call, client_id: str, body: dict[str, Any]) -> Stream:
    if not isinstance(body.get("stream_id"), str):
        raise InvalidStream("stream_id is missing.")
    return streams.find(call.work, client_id, body["stream_id"])


def _status(stream: Stream) -> dict[str, Any]:
    shown = {"stream_id": stream.id, "status": stream.status}
    return shown if stream.reason is None else {**shown, "reason": stream.reason}


def _body(call: Call) -> dict[str, Any]:
    try:
        body = read_object(call.body)
    except ValueError as error:
        raise InvalidStream(f"The body must be a JSON object: {error}.") from None
    if not is_storable(body):
        raise InvalidStream("The body must not have NUL or half of a surrogate pair.")
    return body


def _json(content: object, status: int = 200) -> Response:
    return JsonResponse(content, status_code=status, headers=NO_STORE)
