"""Security event tokens from an upstream: which are taken (RFC 8417, RFC 8935, SSF 1.0 section 4.1)."""

import base64
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from provider.federation.store import used_states
from provider.signals import event_types
from tests.federation.conftest import EXAMPLE
from tests.federation.fake_provider import CLIENT_ID, ISSUER, JWKS, Traveller, rsa_key
from tests.federation.signals.conftest import ADA, PATH, TRANSMITTER, Ends, State, Transmitter
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.limits import Lower

DAY = 86400


def test_a_token_is_known_for_as_long_as_it_would_be_taken(
    inside: Traveller,  # there is someone it is about
    transmitter: Transmitter,
    state: State,
    clock: Clock,
    work: Work,
) -> None:
    """N-570: the purge forgets none that could come again."""
    token = transmitter.token()
    assert transmitter.push(token).status_code == 202
    received_at = state().received_at
    clock.advance(days=13, hours=23)
    with work() as w:
        used_states.purge(w.db, before=w.now, limit=10)
    assert transmitter.push(token).status_code == 202
    assert state().received_at == received_at


@pytest.mark.both_databases
def test_a_signal_ends_the_sessions_that_came_from_there_once(
    inside: Traveller, transmitter: Transmitter, ends: Ends, state: State, clock: Clock
) -> None:
    """N-520: RFC 8935 section 2.2: 202 without a body. A token that came before is acknowledged, and does nothing."""
    token = transmitter.token(aud=["another", CLIENT_ID])
    assert transmitter.push(token).status_code == 202
    assert ends() == ["upstream_signal"]
    clock.advance(seconds=30)
    inside.sign_in()
    assert transmitter.push(token).status_code == 202
    assert ends() == ["upstream_signal", None]
    assert (state().received, state().problem) == ("session-revoked", None)


def test_a_signal_that_arrives_late_leaves_what_began_after_it(
    inside: Traveller, transmitter: Transmitter, ends: Ends, clock: Clock
) -> None:
    """CAEP 1.0 section 2: `event_timestamp` says when it happened, and `iat` does without it."""
    long_ago = int(clock.now.timestamp()) - 3600
    transmitter.send(event={"event_timestamp": long_ago})
    transmitter.send(event={"event_timestamp": long_ago * 1000})  # CAEP before 1.0
    transmitter.send(iat=long_ago)
    assert ends() == [None]
    transmitter.send(event={"event_timestamp": long_ago + 3600})
    assert ends() == ["upstream_signal"]


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "another issuer": ({"iss": "https://evil.example.test"}, "invalid_issuer", "iss"),
    "no issuer": ({"iss": ...}, "invalid_issuer", "iss"),
    "another client": ({"aud": "another"}, "invalid_audience", "aud"),
    "no audience": ({"aud": ...}, "invalid_audience", "aud"),
    "an audience that is none": ({"aud": [{"a": CLIENT_ID}]}, "invalid_audience", "aud"),
    "no iat": ({"iat": ...}, "invalid_request", "it has no iat"),
    "issued too long ago": ({"iat": -15 * DAY}, "invalid_request", "iat"),
    "issued in the future": ({"iat": 120}, "invalid_request", "in the future"),
    "no jti": ({"jti": ...}, "invalid_request", "jti"),
    "an endless jti": ({"jti": "j" * 256}, "invalid_request", "jti"),
    "no events": ({"events": ...}, "invalid_request", "events"),
    "empty events": ({"events": {}}, "invalid_request", "events"),
    "an event that is no object": ({"events": {event_types.SESSION_REVOKED: True}}, "invalid_request", "events"),
    "a sub": ({"sub": "ada-at-example"}, "invalid_request", "sub"),
    "an exp": ({"exp": 4102444800}, "invalid_request", "exp"),
    "no typ": ({"header": {"typ": None}}, "invalid_request", "typ"),
    "the typ of a logout token": ({"header": {"typ": "logout+jwt"}}, "invalid_request", "typ"),
    "an unknown key": ({"key": rsa_key("first-of-another")}, "invalid_key", "no key with this kid"),
    "another key with a known kid": (
        {"key": rsa_key("x"), "header": {"kid": "first"}},
        "authentication_failed",
        "signature",
    ),
}


def test_a_wrong_token_is_answered_with_its_error_and_ends_nothing(
    inside: Traveller, transmitter: Transmitter, ends: Ends, state: State, clock: Clock
) -> None:
    """N-521: RFC 8935 section 2.4, and SSF 1.0 section 4.1: no `sub`, no `exp`, an explicit type."""
    for name, (changes, error, named) in WRONG.items():
        given = dict(changes)
        if isinstance(given.get("iat"), int):
            given["iat"] += int(clock.now.timestamp())
        answer = transmitter.push(transmitter.token(**given))
        body = answer.json()
        assert (answer.status_code, body["err"]) == (400, error), (name, body)
        assert named in body["description"], (name, body)
        assert (answer.headers["content-language"], answer.headers["cache-control"]) == ("en", "no-store")
    assert ends() == [None]
    assert (state().problem or "").startswith("authentication_failed: ")


def test_a_token_that_is_not_signed_with_a_public_key_ends_nothing(
    inside: Traveller, transmitter: Transmitter, ends: Ends
) -> None:
    """N-522: RFC 8725 sections 3.1 and 3.2."""
    public = base64.b64encode(rsa_key("first").as_pem(private=False)).decode()
    head, body, signature = transmitter.token().split(".")
    tokens = {
        "the public key as a secret": transmitter.token(key=OctKey.import_key(public, {"kid": "first"}), alg="HS256"),
        "alg none": f"eyJhbGciOiJub25lIiwidHlwIjoic2VjZXZlbnQrand0In0.{body}.",
        "no signature": f"{head}.{body}.",
        "another content": f"{head}.{transmitter.token(jti='x').split('.')[1]}.{signature}",
        "no JWT": "ada",
        "nothing": "",
        "a form": f"token={head}.{body}.{signature}",
    }
    for name, token in tokens.items():
        assert transmitter.push(token).status_code == 400, name
    assert ends() == [None]


def test_an_outage_is_no_verdict_and_the_token_can_come_again(
    inside: Traveller, transmitter: Transmitter, ends: Ends, clock: Clock
) -> None:
    """N-523: 503 where the configuration or the keys of the transmitter cannot be fetched."""
    token = transmitter.token(iat=int(clock.now.timestamp()))
    for url in (TRANSMITTER, JWKS):
        clock.advance(minutes=130)
        inside.provider.replies[url] = "no answer"
        assert transmitter.push(token).status_code == 503
        del inside.provider.replies[url]
    clock.advance(seconds=61)
    assert transmitter.push(token).status_code == 202
    assert ends() == ["upstream_signal"]


ODD_TEXT: dict[str, dict[str, Any]] = {
    "address": {"sub_id": {"format": "email", "email": "\ud800@example.test"}},
    "address with NUL": {"sub_id": {"format": "email", "email": "a\x00@example.test"}},
    "issuer": {"sub_id": {"format": "iss_sub", "iss": "\x00", "sub": "\ud800"}},
    "event type": {"events": {"https://x.example.test/\ud800": {}}},
    "event type with NUL": {"events": {"https://x.example.test/\x00": {}}},
    "status": {"events": {event_types.STREAM_UPDATED: {"status": ["\x00"]}}},
    "jti": {"jti": "\ud800"},
}


@pytest.mark.both_databases
def test_what_no_database_can_hold_is_a_wrong_token_and_no_crash(
    inside: Traveller, transmitter: Transmitter, ends: Ends, clock: Clock
) -> None:
    """N-552: JSON can escape NUL and half of a surrogate pair. With 500, the upstream would send it again for days."""
    head = {"alg": "RS256", "kid": inside.provider.key.kid, "typ": "secevent+jwt"}
    usual = {"iss": ISSUER, "aud": CLIENT_ID, "iat": int(clock.now.timestamp()), "jti": "odd", "sub_id": ADA}
    for name, changes in ODD_TEXT.items():
        claims = {**usual, "events": {event_types.SESSION_REVOKED: {}}, **changes}
        token = jws.serialize_compact(head, json.dumps(claims), inside.provider.key, algorithms=["RS256"])
        answer = transmitter.push(token)
        assert (answer.status_code, answer.json()["err"]) == (400, "invalid_request"), name
    assert ends() == [None]


def test_a_time_that_is_none_counts_as_the_time_of_the_token(
    inside: Traveller, transmitter: Transmitter, ends: Ends
) -> None:
    """N-553: numbers in JSON have no end."""
    for done, time in enumerate((10**400, 10**20, -(10**400), True, "x"), start=1):
        transmitter.send(event={"event_timestamp": time}, toe=time)
        assert ends() == ["upstream_signal"] * done, time
        inside.sign_in()


def test_a_configuration_that_is_missing_is_not_asked_for_by_each_request(
    inside: Traveller, transmitter: Transmitter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-554: anyone can send a token, which is only checked with the configuration. A pause of seconds, and 503."""
    asked: list[str] = []
    fetch = inside.provider.fetch

    def counting(url: str, **more: Any) -> Any:
        asked.append(url)
        return fetch(url, **more)

    monkeypatch.setattr(inside.provider, "fetch", counting)
    inside.provider.replies[TRANSMITTER] = "no answer"
    token = transmitter.token()
    assert [transmitter.push(token).status_code for _ in range(3)] == [503] * 3
    assert asked == [TRANSMITTER]
    del inside.provider.replies[TRANSMITTER]
    clock.advance(seconds=11)
    assert transmitter.push(token).status_code == 202


def test_a_new_key_of_the_transmitter_is_looked_up(
    inside: Traveller, transmitter: Transmitter, ends: Ends, clock: Clock
) -> None:
    clock.advance(minutes=2)
    inside.provider.published = [rsa_key("second")]
    transmitter.send(key=rsa_key("second"))
    assert ends() == ["upstream_signal"]


def test_many_wrong_tokens_from_one_place_are_limited(transmitter: Transmitter, lower: Lower) -> None:
    """N-524: each costs a signature, and the first of an unknown key a request."""
    lower(upstream="2/5minutes")
    assert [transmitter.push(transmitter.token(aud="x")).status_code for _ in range(3)] == [400, 400, 429]


class TestUpstreams:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        google = {"preset": "google", "client_id": "web", "client_secret": "y", "receives_signals": True}
        return {
            "example": EXAMPLE,
            "google": {**google, "signals_audiences": ["android"]},
            "github": {"preset": "github", "client_id": "x", "client_secret": "y"},
        }

    def test_signals_are_taken_only_where_they_are_turned_on(
        self, inside: Traveller, transmitter: Transmitter, ends: Ends, state: State
    ) -> None:
        """N-525: RFC 8935 section 2.4, `access_denied`; 404 where there is no OpenID Connect, or no upstream."""
        answer = transmitter.push(transmitter.token())
        assert (answer.status_code, answer.json()["err"]) == (400, "access_denied")
        for key in ("github", "unknown"):
            assert transmitter.push(transmitter.token(), PATH.replace("example", key)).status_code == 404
        assert ends() == [None]
        assert state().problem is None

    def test_google_signals_as_it_does_since_2017(
        self, inside: Traveller, transmitter: Transmitter, ends: Ends, work: Any
    ) -> None:
        """No `typ`, a slash after the issuer, the subject in the event, any of the client IDs as the audience. And a
        signal of one upstream ends no session of another.
        """
        provider: Any = inside.provider
        google, keys = "https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs"
        provider.transmitters |= {
            f"{google}/.well-known/risc-configuration": {"issuer": f"{google}/", "jwks_uri": keys},
            keys: {"keys": [rsa_key("first").as_dict(private=False)]},
        }
        subject = {"subject_type": "iss-sub", "iss": f"{google}/", "sub": "7375626"}
        for one in (subject, {**subject, "iss": ISSUER, "sub": "ada-at-example"}):
            token = transmitter.token(
                event_types.SESSIONS_REVOKED,
                {"subject": one},
                iss=f"{google}/",
                aud="android",
                sub_id=...,
                header={"typ": None},
            )
            assert transmitter.push(token, PATH.replace("example", "google")).status_code == 202
        assert ends() == [None]
