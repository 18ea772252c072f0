"""Streams of shared signals: list and show them; set up, enable, pause, disable, verify or delete one."""

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import Resource, by_operator
from provider.admin.signals.bodies import (
    NewSignalStream,
    SignalDeliveries,
    SignalDelivery,
    SignalStream,
    SignalStreams,
    SignalStreamState,
    SignalStreamStates,
    StreamChange,
)
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.oauth.clients.clients import NoSuchClient
from provider.operators import signals as rules
from provider.operators.provisioning import require_client
from provider.refusals import TooManyRequests
from provider.signals import streams
from provider.signals.configuration import InvalidStream
from provider.signals.store import streams as store
from provider.signals.store.streams import Status, Stream
from provider.signals.streams import NoSuchStream
from provider.web.call import Call


def _stream(call: Call) -> Stream:
    return streams.find_of_client(call.work, require_client(call.work, call.path_params["client_id"]).client_id)


def _show(call: Call) -> SignalStream:
    return _described(call, _stream(call))


STREAM = Resource(lambda call: store.lock(call.work.db, _stream(call).id), _show)


@by_operator(needs=Permission.APPLICATIONS_READ, gives=SignalStreams)
def list_streams(call: Call, _operator: Operator, _body: Body) -> SignalStreams:
    """List the streams of shared signals."""
    found = store.find_all(call.work.read)
    return SignalStreams(streams=[_described(call, one) for one in found])


@by_operator(needs=Permission.APPLICATIONS_READ, gives=SignalStreamStates)
def list_states(call: Call, _operator: Operator, _body: Body) -> SignalStreamStates:
    """List the states of streams of shared signals. They say what waits, and what failed."""
    described = [streams.describe(call.work, one) for one in store.find_all(call.work.read)]
    names = SignalStreamState.model_fields
    return SignalStreamStates(states=[SignalStreamState(**{name: one[name] for name in names}) for one in described])


@by_operator(needs=Permission.APPLICATIONS_READ, of=STREAM, gives=SignalStream, problems=(NoSuchClient, NoSuchStream))
def show_stream(call: Call, _operator: Operator, _body: Body) -> SignalStream:
    """Get the stream of shared signals of a client. Its Authorization header is not included."""
    return _show(call)


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=SignalDeliveries,
    asks={"client_id": "The `client_id` of the client."},
    problems=(NoSuchClient, NoSuchStream),
)
def list_deliveries(call: Call, _operator: Operator, _body: Body) -> SignalDeliveries:
    """List the last deliveries of shared signals. They say what the receiver of a client took, and what failed."""
    client = require_client(call.work, call.query.get("client_id", ""))
    stream = streams.find_of_client(call.work, client.client_id)
    found = rules.describe_deliveries(call.work, stream)
    return SignalDeliveries(deliveries=[SignalDelivery(**one) for one in found])


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=STREAM,
    takes=NewSignalStream,
    gives=SignalStream,
    problems=(NoSuchClient, NoSuchStream, InvalidStream),
)
def put_stream(call: Call, _operator: Operator, body: NewSignalStream) -> SignalStream:
    """Change a stream of shared signals. It is created if there is none, so the application need not create it."""
    settings = rules.parse_settings(body.model_dump(exclude={"authorization_header"}))
    rules.put(call.work, call.path_params["client_id"], settings, header=body.authorization_header)
    return _show(call)


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=STREAM, problems=(NoSuchClient, NoSuchStream, TooManyRequests))
def verify_stream(call: Call, _operator: Operator, _body: Body) -> None:
    """Check a stream of shared signals. A verification event is sent to the receiver."""
    streams.verify(call.work, _stream(call), by_receiver=False)


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=STREAM,
    takes=StreamChange,
    problems=(NoSuchClient, NoSuchStream, InvalidStream),
)
def enable_stream(call: Call, _operator: Operator, body: StreamChange) -> None:
    """Enable a stream of shared signals. What waits is delivered. The receiver is notified."""
    _set(call, Status.ENABLED, body)


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=STREAM,
    takes=StreamChange,
    problems=(NoSuchClient, NoSuchStream, InvalidStream),
)
def pause_stream(call: Call, _operator: Operator, body: StreamChange) -> None:
    """Pause a stream of shared signals. Signals are kept until you enable it. The receiver is notified."""
    _set(call, Status.PAUSED, body)


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=STREAM,
    takes=StreamChange,
    problems=(NoSuchClient, NoSuchStream, InvalidStream),
)
def disable_stream(call: Call, _operator: Operator, body: StreamChange) -> None:
    """Disable a stream of shared signals. What waits is deleted, and nothing is kept. The receiver is notified."""
    _set(call, Status.DISABLED, body)


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=STREAM, problems=(NoSuchClient, NoSuchStream))
def delete_stream(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete a stream of shared signals. What waits for it is deleted, too."""
    streams.delete(call.work, _stream(call))


def _described(call: Call, stream: Stream) -> SignalStream:
    described = streams.describe(call.work, stream)
    return SignalStream(**{name: described[name] for name in SignalStream.model_fields})


def _set(call: Call, status: Status, body: StreamChange) -> None:
    streams.set_status(call.work, _stream(call), status, reason=body.reason, by_receiver=False)
