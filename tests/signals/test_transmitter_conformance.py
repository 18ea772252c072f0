"""The modules of the OpenID conformance suite for a transmitter (openid-ssf-transmitter-test-plan, profiles default and
caep_interop): metadata, stream control, status, verification, and what each rejects.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.signals.conftest import ALL, CAEP, ISSUER, POLL, PUSH, Meet, Receiver

STREAMS = "/ssf/streams"
OTHER = "019b0000-0000-7000-8000-000000000000"


def test_metadata(receiver: Receiver) -> None:
    """SSF 1.0 section 7.1, CAEP Interoperability Profile 1.0 section 2.3."""
    found = receiver.http.get("/.well-known/ssf-configuration")
    metadata = found.json()
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
    assert (metadata["issuer"], metadata["spec_version"]) == (ISSUER, "1_0")
    assert set(metadata["delivery_methods_supported"]) == {PUSH, POLL}
    assert {"spec_urn": "urn:ietf:rfc:6749"} in metadata["authorization_schemes"]
    assert metadata["default_subjects"] == "ALL"
    endpoints = ["jwks_uri", "configuration_endpoint", "status_endpoint", "verification_endpoint"]
    assert all(metadata[each].startswith(ISSUER + "/") for each in endpoints)
    resource = receiver.http.get("/.well-known/oauth-protected-resource/ssf").json()
    assert resource["scopes_supported"] == ["ssf.manage", "ssf.read"]


@pytest.mark.parametrize("method", [PUSH, POLL])
def test_stream_control(receiver: Receiver, method: str) -> None:
    """Create, read, update, replace, read and change the status, delete (sections 8.1.1 and 8.1.2)."""
    assert receiver("GET", STREAMS).json() == []
    made = receiver.create(method, description="Sessions")
    assert (made["iss"], made["aud"]) == (ISSUER, receiver.client_id)
    assert set(made["events_delivered"]) == set(ALL) == set(made["events_supported"])
    one = {"stream_id": made["stream_id"]}
    assert receiver("GET", STREAMS, **one).json() == made
    assert receiver("GET", STREAMS).json() == [made]
    wanted = [CAEP + "session-revoked"]
    updated = receiver("PATCH", STREAMS, one | {"iss": ISSUER, "events_requested": wanted})
    assert updated.status_code == 200
    assert updated.json() == made | {"events_requested": wanted, "events_delivered": wanted}
    replaced = receiver("PUT", STREAMS, made | {"events_requested": wanted, "events_delivered": wanted})
    assert replaced.json() == updated.json()
    replaced = receiver("PUT", STREAMS, one)
    assert (replaced.status_code, replaced.json()["delivery"]["method"]) == (200, POLL)
    assert "description" not in replaced.json()
    assert receiver("GET", STREAMS, **one).json()["events_requested"] == []
    assert receiver("GET", "/ssf/status", **one).json() == one | {"status": "enabled"}
    for status in ("paused", "disabled", "enabled"):
        assert receiver("POST", "/ssf/status", one | {"status": status}).json() == one | {"status": status}
    deleted = receiver("DELETE", STREAMS, **one)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert receiver("GET", STREAMS, **one).status_code == 404


def test_a_stream_without_delivery_is_polled(receiver: Receiver) -> None:
    """Section 8.1.1.1."""
    made = receiver("POST", STREAMS, {}).json()
    assert made["delivery"]["method"] == POLL
    assert made["delivery"]["endpoint_url"] == f"{ISSUER}/ssf/poll/{made['stream_id']}"


def test_a_second_stream_is_rejected(receiver: Receiver) -> None:
    """Section 8.1.1.1: 409."""
    receiver.create()
    assert receiver("POST", STREAMS, {}).status_code == 409


CALLS: list[tuple[str, str, Any]] = [
    ("POST", STREAMS, {}),
    ("GET", STREAMS, None),
    ("PATCH", STREAMS, {"stream_id": OTHER}),
    ("PUT", STREAMS, {"stream_id": OTHER}),
    ("DELETE", f"{STREAMS}?stream_id={OTHER}", None),
    ("GET", f"/ssf/status?stream_id={OTHER}", None),
    ("POST", "/ssf/status", {"stream_id": OTHER, "status": "paused"}),
    ("POST", "/ssf/verify", {"stream_id": OTHER}),
    ("POST", f"/ssf/poll/{OTHER}", {}),
]


@pytest.mark.parametrize("token", ["", "wrong"])
def test_calls_without_a_valid_token_are_rejected(receiver: Receiver, token: str) -> None:
    """N-489. RFC 6750 section 3: 401 and a challenge, with an error code if a token was sent."""
    for method, path, body in CALLS:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answered = receiver.http.request(method, path, json=body, headers=headers)
        assert answered.status_code == 401, path
        assert answered.headers["www-authenticate"].startswith("Bearer ")
        assert ('error="invalid_token"' in answered.headers["www-authenticate"]) is bool(token)
    in_query = receiver.http.get(STREAMS, params={"access_token": receiver.token})
    assert in_query.status_code == 401


def test_a_token_that_may_only_read_changes_nothing(receiver: Receiver) -> None:
    """N-490. CAEP Interoperability Profile 1.0 section 2.7.2: 403, and the Authorization header is not shown."""
    receiver.create()
    reading = receiver.app.client_credentials(scope="ssf.read").access_token
    for method, path, body in CALLS:
        expected = 403 if method != "GET" else {True: 404, False: 200}["status" in path]
        assert receiver(method, path, body, token=reading).status_code == expected, (method, path)
    assert "authorization_header" in receiver("GET", STREAMS).json()[0]["delivery"]
    assert "authorization_header" not in str(receiver("GET", STREAMS, token=reading).json())


def test_other_tokens_are_rejected(receiver: Receiver, receive: Callable[..., Receiver], meet: Meet, ada: str) -> None:
    """N-491. A token without the scope, and one that acts for a user."""
    other = receive(scope="openid email")
    plain = other.app.client_credentials(scope="email").body.get("access_token", "")
    browser = meet(receiver, ada)
    of_user = receiver.app.sign_in(browser, scope="openid email roles ssf.manage", prompt="consent")
    tokens = [plain, of_user.body.get("access_token", "")]
    assert [receiver("GET", STREAMS, token=token).status_code in {401, 403} for token in tokens] == [True, True]


def test_unknown_streams_and_those_of_others_are_not_found(
    receiver: Receiver, receive: Callable[..., Receiver]
) -> None:
    """N-492. Sections 8.1.1.2 to 8.1.1.5, 8.1.2 and 8.1.4: 404."""
    receiver.create(POLL)
    other = receive()
    other.create(POLL)
    for stream_id in (OTHER, "none", other.stream["stream_id"]):
        for method, path, body in CALLS[2:]:
            named = None if body is None else {**body, **({"stream_id": stream_id} if "stream_id" in body else {})}
            assert receiver(method, path.replace(OTHER, stream_id), named).status_code == 404, (method, path)
    assert other("GET", STREAMS).json() == [other.stream]


@pytest.mark.parametrize(
    "body",
    [
        {"delivery": "push"},
        {"delivery": {"method": "urn:example"}},
        {"delivery": {"method": PUSH}},
        {"delivery": {"method": PUSH, "endpoint_url": "http://receiver.example.test/"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://10.0.0.1/events"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://169.254.169.254/events"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://user:pass@receiver.example.test/"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://r.example.test/", "authorization_header": "a\r\nb: c"}},
        {"events_requested": "all"},
        {"events_requested": [1]},
        {"events_requested": ["x"] * 101},
        {"description": 1},
    ],
)
def test_what_is_no_configuration_is_rejected(receiver: Receiver, body: dict[str, Any]) -> None:
    """N-493. 400, and nothing changes. Addresses inside the network are none to push to."""
    assert receiver("POST", STREAMS, body).status_code == 400
    assert receiver("GET", STREAMS).json() == []
    made = receiver.create()
    for method in ("PATCH", "PUT"):
        assert receiver(method, STREAMS, body | {"stream_id": made["stream_id"]}).status_code == 400
    assert receiver("GET", STREAMS).json() == [made]


def test_bodies_that_are_not_json_are_rejected(receiver: Receiver) -> None:
    """N-494."""
    receiver.create(POLL)
    headers = {"authorization": f"Bearer {receiver.token}"}
    for method, path, body in CALLS:
        if body is not None:
            own = path.replace(OTHER, receiver.stream["stream_id"])
            for content in (b"{", b"[]", b"\xff", b""):
                answered = receiver.http.request(method, own, content=content, headers=headers)
                assert answered.status_code == 400, (method, path, content)


@pytest.mark.parametrize("change", [{"iss": "https://other.test"}, {"aud": "other"}, {"events_supported": ["x"]}])
def test_what_only_the_transmitter_decides_can_not_be_changed(receiver: Receiver, change: dict[str, Any]) -> None:
    """N-495. Sections 8.1.1.3 and 8.1.1.4."""
    made = receiver.create(POLL)
    for method in ("PATCH", "PUT"):
        assert receiver(method, STREAMS, made | change).status_code == 400
    assert receiver("GET", STREAMS).json() == [made]
    assert receiver.set_status("unknown").status_code == 400
