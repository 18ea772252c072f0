"""The plans openid-ssf-transmitter-test-plan and openid-ssf-transmitter-caep-test-plan of the OpenID conformance suite.

Each module is a function with its requests and conditions, in the order of the plan. They share an installation, and
each begins as the suite does: it deletes the stream that an earlier one left.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from provider.accounts.devices import sign_out_everywhere_by_operator
from provider.audit import log
from provider.audit.events import Event
from tests.signals.conftest import CAEP, ISSUER, POLL, PUSH, RISC, SSF, Meet, Receiver
from tests.support.installation import Work

EVENTS = [CAEP + name for name in ("session-revoked", "credential-change", "device-compliance-change")]
"""What the suite asks for. The last one is not ours, so it is not delivered."""
STANDARD = {
    SSF: ("verification", "stream-updated"),
    CAEP: ("session-revoked", "token-claims-change", "credential-change", "assurance-level-change"),
    RISC: ("account-purged", "account-disabled", "account-enabled", "identifier-changed", "credential-compromise"),
}
BROKEN = b";{ broken"


@dataclass
class Suite:
    """The suite as a receiver: its requests, and the conditions that it checks."""

    receiver: Receiver
    method: str
    cause: Callable[[], None]
    """Does what ends a session, and what changes a credential."""
    metadata: dict[str, Any] = field(default_factory=dict)
    stream: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    """An invalid access token, in place of the valid one."""

    def call(self, method: str, endpoint: str, body: Any = None, *, content: bytes | None = None, **query: str) -> Any:
        url: str = self.metadata.get(endpoint, endpoint)
        headers = {"authorization": f"Bearer {self.token or self.receiver.token}", "content-type": "application/json"}
        sent = {"content": content} if content is not None else {"json": body}
        return self.receiver.http.request(method, url.removeprefix(ISSUER), params=query, headers=headers, **sent)

    def configuration(self, **more: str) -> dict[str, Any]:
        delivery = {"method": self.method}
        if self.method == PUSH:
            delivery["endpoint_url"] = self.receiver.server.url("/events")
        return {"description": "The suite", "events_requested": EVENTS, "delivery": delivery, **more}

    def create(self, header: str | None = None) -> dict[str, Any]:
        given = self.configuration()
        if header is not None and self.method == PUSH:
            given["delivery"]["authorization_header"] = header
        made = self.call("POST", "configuration_endpoint", given)
        assert made.status_code == 201
        self.stream = made.json()
        assert self.stream.keys() >= {"stream_id", "iss", "aud", "events_delivered", "delivery"}
        self.check_stream(self.stream)
        return self.stream

    def check_stream(self, stream: dict[str, Any]) -> None:
        assert (stream["iss"], stream["delivery"]["method"]) == (self.metadata["issuer"], self.method)
        assert set(stream["events_supported"]) <= {uri + name for uri, names in STANDARD.items() for name in names}
        assert set(stream["events_supported"]) & set(EVENTS)
        assert stream["events_delivered"] == EVENTS[:2]

    def clean_up(self) -> None:
        read = self.call("GET", "configuration_endpoint")
        assert read.status_code == 200
        for each in read.json():
            assert self.call("DELETE", "configuration_endpoint", stream_id=each["stream_id"]).status_code == 204
        self.receiver.server.requests.clear()

    def create_and_delete(self) -> str:
        stream_id: str = self.create()["stream_id"]
        assert self.call("DELETE", "configuration_endpoint", stream_id=stream_id).status_code == 204
        return stream_id

    def poll(self, **asked: Any) -> dict[str, str]:
        answered = self.call("POST", self.stream["delivery"]["endpoint_url"], {"returnImmediately": True} | asked)
        assert answered.status_code == 200
        sets: dict[str, str] = answered.json()["sets"]
        return sets

    def trigger(self) -> str:
        """Ask for a verification event, after `min_verification_interval`. Returns the state."""
        self.receiver.clock.advance(seconds=self.stream["min_verification_interval"] + 1)
        self.receiver.renew()
        state = str(uuid4())
        body = {"stream_id": self.stream["stream_id"], "state": state}
        answered = self.call("POST", "verification_endpoint", body)
        assert (answered.status_code, answered.content) == (204, b"")
        if self.method == PUSH:
            self.receiver.run()
        return state

    def check_verification(self, token: str, state: str) -> None:
        claims = self.check_set(token)
        assert claims["events"] == {SSF + "verification": {"state": state}}
        assert claims["sub_id"] == {"format": "opaque", "id": self.stream["stream_id"]}

    def check_set(self, token: str) -> dict[str, Any]:
        claims = self.receiver.read(token)  # RS256, typ, iss, aud, one event, neither sub nor exp
        assert claims["iat"] <= self.receiver.clock.now.timestamp()
        assert claims["aud"] == self.stream["aud"]
        return claims

    def pushed(self) -> list[Any]:
        return self.receiver.server.requests


def metadata(suite: Suite) -> None:
    answered = suite.receiver.http.get("/.well-known/ssf-configuration")
    assert (answered.status_code, answered.headers["content-type"]) == (200, "application/json")
    suite.metadata = found = answered.json()
    assert (found["issuer"], found["spec_version"]) == (ISSUER, "1_0")
    assert not [name for name, value in found.items() if value == []], "empty lists have to be left out"
    endpoints = [name for name in found if name.endswith("_endpoint")] + ["jwks_uri"]
    assert len(endpoints) == 6
    assert all(found[each].startswith("https://") for each in endpoints)
    assert {"spec_urn": "urn:ietf:rfc:6749"} in found["authorization_schemes"]
    assert all(each["spec_urn"].startswith("urn:") for each in found["authorization_schemes"])
    assert found["default_subjects"] in {"ALL", "NONE"}
    assert {PUSH, POLL} >= set(found["delivery_methods_supported"]) >= {suite.method}
    keys = suite.receiver.http.get(found["jwks_uri"].removeprefix(ISSUER)).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    assert not any(key.keys() & {"d", "p", "q", "k"} for key in keys)
    issued = suite.receiver.app.client_credentials(scope="ssf.manage ssf.read").body
    assert issued["expires_in"] <= 3600


def stream_control_happy_path(suite: Suite) -> None:
    one = {"stream_id": suite.create("Bearer push")["stream_id"]}
    read = suite.call("GET", "configuration_endpoint", **one)
    assert (read.status_code, read.json()) == (200, suite.stream)
    for method in ("PATCH", "PUT"):
        changed = suite.call(method, "configuration_endpoint", suite.configuration(**one, description=method))
        assert (changed.status_code, changed.json()["iss"]) == (200, ISSUER)
        assert changed.json()["description"] == method
    assert suite.call("GET", "status_endpoint", **one).json()["status"] == "enabled"
    for status in ("enabled", "paused", "disabled"):
        body = {**one, "status": status, "reason": f"Updated by the suite to {status}"}
        assert suite.call("POST", "status_endpoint", body, **one).json()["status"] == status
    assert suite.call("DELETE", "configuration_endpoint", **one).status_code == 204


def broken_and_unauthorized(suite: Suite) -> None:
    """The modules with broken input and with an invalid token: create, read, update, replace, delete."""
    gone = suite.create_and_delete()
    for method in ("POST", "PATCH", "PUT"):
        assert suite.call(method, "configuration_endpoint", content=BROKEN).status_code == 400, method
    suite.token = f"invalid:{uuid4()}"
    given = suite.configuration(stream_id=gone)
    for method in ("POST", "PATCH", "PUT"):
        assert suite.call(method, "configuration_endpoint", given).status_code == 401, method
    assert suite.call("GET", "configuration_endpoint").status_code == 401
    assert suite.call("GET", "configuration_endpoint", stream_id=gone).status_code == 401
    assert suite.call("DELETE", "configuration_endpoint", stream_id=gone).status_code == 401
    suite.token = None


def unknown_streams(suite: Suite) -> None:
    """The modules with a stream that was deleted: read, update, replace, delete."""
    gone = suite.create_and_delete()
    for method in ("GET", "DELETE"):
        assert suite.call(method, "configuration_endpoint", stream_id=gone).status_code == 404
    for method in ("PATCH", "PUT"):
        given = suite.configuration(stream_id=gone)
        assert suite.call(method, "configuration_endpoint", given).status_code == 404


def create_stream_with_duplicate_config(suite: Suite) -> None:
    suite.create()
    assert suite.call("POST", "configuration_endpoint", suite.configuration()).status_code == 409


def subject_control(suite: Suite) -> None:
    body: dict[str, Any] = {"stream_id": suite.create()["stream_id"]}
    body["subject"] = {"format": "email", "email": "example.user@example.com"}
    added = suite.call("POST", "add_subject_endpoint", body | {"verified": True})
    assert (added.status_code, added.content) == (200, b"")
    assert suite.call("POST", "remove_subject_endpoint", body).status_code == 204


def verification(suite: Suite) -> None:
    """The modules push, push without a header, poll only, acknowledge only, and poll and acknowledge."""
    for header in ("Bearer push", None):
        suite.clean_up()
        suite.create(header)
        state = suite.trigger()
        if suite.method == PUSH:
            [pushed] = suite.pushed()
            assert pushed.headers.get("authorization") == header
            suite.check_verification(pushed.body.decode(), state)
            continue
        first = suite.poll(maxEvents=10)
        [token] = first.values()
        suite.check_verification(token, state)
        state = suite.trigger()
        second = suite.poll(maxEvents=10, ack=list(first))
        [token] = second.values()
        suite.check_verification(token, state)
        assert suite.poll(maxEvents=0, ack=list(second)) == {}
        assert suite.poll(maxEvents=10) == {}


def caep_interop(suite: Suite) -> None:
    suite.create("Bearer push")
    suite.cause()
    if suite.method == PUSH:
        suite.receiver.run()
    tokens = [each.body.decode() for each in suite.pushed()] if suite.method == PUSH else list(suite.poll().values())
    got = {}
    for token in tokens:
        [(kind, event)] = suite.check_set(token)["events"].items()
        got[kind] = event
        assert isinstance(event["event_timestamp"], int)
        assert event["initiating_entity"] in {"admin", "user", "policy", "system"}
        assert all(isinstance(text, str) for text in event["reason_admin"].values())
    assert set(got) == set(suite.stream["events_delivered"])
    changed = got[CAEP + "credential-change"]
    assert (changed["credential_type"], changed["change_type"]) == ("password", "update")


MODULES = (
    metadata,
    stream_control_happy_path,
    broken_and_unauthorized,
    unknown_streams,
    create_stream_with_duplicate_config,
    subject_control,
    verification,
    caep_interop,
)


@pytest.mark.parametrize("method", [PUSH, POLL], ids=["push", "poll"])
def test_the_transmitter_passes_each_module_of_the_plan(
    method: str, receiver: Receiver, meet: Meet, ada: str, work: Work
) -> None:
    """SSF 1.0 and CAEP Interoperability Profile 1.0, as the suite checks them."""
    meet(receiver, ada)

    def cause() -> None:
        with work() as w:
            log.record(w, Event.PASSWORD_CHANGED, user_id=ada)
            sign_out_everywhere_by_operator(w, user_id=ada)

    suite = Suite(receiver, method, cause)
    for module in MODULES:
        if suite.metadata:
            receiver.renew()
            suite.clean_up()
        module(suite)
