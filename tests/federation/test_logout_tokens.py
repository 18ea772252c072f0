"""Logout tokens from an upstream: what is accepted, and what it ends (Back-Channel Logout 1.0 sections 2.4 to 2.8)."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.outbound.answers import Answer as Response
from provider.sessions.store import find_all
from tests.federation.conftest import EXAMPLE, NewTraveller
from tests.federation.fake_provider import CLIENT_ID, DISCOVERY, ISSUER, JWKS, FakeProvider, Traveller, rsa_key
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.installation import ISSUER as HERE
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import find_user

EVENT = "http://schemas.openid.net/event/backchannel-logout"
PATH = "/login/upstream/example/backchannel-logout"

Claims = dict[str, Any]
Answer = tuple[int, dict[str, Any]]


class Peer:
    """The upstream's back channel. What it sends by default is right."""

    def __init__(self, app: Starlette, provider: FakeProvider) -> None:
        self.client = TestClient(app, base_url=HERE, follow_redirects=False)
        self.provider = provider
        self.count = 0

    def token(self, changes: Claims, *, header: Claims | None = None, key: Any = None, alg: str = "RS256") -> str:
        self.count += 1
        now = int(self.provider.clock.now.timestamp())
        usual = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": f"j{self.count}",
            "events": {EVENT: {}},
            "sub": "ada-at-example",
        }
        claims = {name: value for name, value in {**usual, **changes}.items() if value is not ...}
        signed_by = key or self.provider.key
        head = {"alg": alg, "kid": signed_by.kid, "typ": "logout+jwt", **(header or {})}
        return jwt.encode(
            {name: value for name, value in head.items() if value is not None}, claims, signed_by, algorithms=[alg]
        )

    def send(self, **form: str | list[str]) -> Answer:
        response = self.client.post(PATH, data=form)
        assert response.headers["cache-control"] == "no-store"
        assert "set-cookie" not in response.headers
        return response.status_code, json.loads(response.content or "{}")

    def log_out(self, **changes: Any) -> Answer:
        return self.send(logout_token=self.token(changes))


@pytest.fixture
def peer(app: Starlette, provider: FakeProvider) -> Peer:
    return Peer(app, provider)


@pytest.fixture
def ends(work: Work) -> Callable[[], list[str | None]]:
    """Why each of Ada's sessions ended, the oldest first."""

    def ends() -> list[str | None]:
        with work() as w:
            return [session.end_reason for session in find_all(w.read, find_user(work).id)]

    return ends


Ends = Callable[[], list[str | None]]


@pytest.fixture
def inside(traveller: Traveller) -> Traveller:
    """Ada, who signed in with the session `s1` there."""
    traveller.provider.claims["sid"] = "s1"
    traveller.sign_in()
    return traveller


def test_a_logout_token_ends_the_sessions_of_a_user(inside: Traveller, peer: Peer, ends: Ends) -> None:
    """Section 2.8: 200, and nothing else is said."""
    assert peer.log_out() == (200, {})
    assert ends() == ["signed_out_upstream"]


def test_a_logout_token_with_a_sid_ends_that_session_only(
    inside: Traveller, new_traveller: NewTraveller, peer: Peer, ends: Ends
) -> None:
    inside.provider.claims["sid"] = "s2"
    new_traveller().sign_in()
    assert peer.log_out(sid="s2", sub=...) == (200, {})
    assert ends() == [None, "signed_out_upstream"]
    assert peer.log_out(sid="s1") == (200, {})
    assert ends() == ["signed_out_upstream", "signed_out_upstream"]


def test_a_session_of_which_the_upstream_named_no_sid_ends_with_any_of_the_user(
    traveller: Traveller, peer: Peer, ends: Ends
) -> None:
    traveller.sign_in()
    assert peer.log_out(sid="s1", sub=...) == (200, {})
    assert ends() == [None]
    assert peer.log_out(sid="s1") == (200, {})
    assert ends() == ["signed_out_upstream"]


@pytest.mark.parametrize("typ", [None, "JWT", "logout+JWT", "application/logout+jwt"])
def test_the_type_of_older_providers_is_accepted(inside: Traveller, peer: Peer, ends: Ends, typ: str | None) -> None:
    """Section 2.4 recommends it, and requires none."""
    assert peer.send(logout_token=peer.token({"aud": [CLIENT_ID]}, header={"typ": typ}))[0] == 200
    assert ends() == ["signed_out_upstream"]


def test_nothing_to_end_is_no_error(inside: Traveller, peer: Peer, ends: Ends) -> None:
    """Section 2.7: who is signed out already is signed out."""
    assert peer.log_out(sub="bob") == (200, {})
    assert peer.log_out(sid="s1", sub="bob") == (200, {})
    assert peer.log_out(sid="another", sub=...) == (200, {})
    assert ends() == [None]


def at(seconds: int) -> Callable[[int], int]:
    return lambda now: now + seconds


WRONG: dict[str, tuple[Claims, str]] = {
    "another issuer": ({"iss": "https://evil.example.test"}, "iss"),
    "no issuer": ({"iss": ...}, "iss"),
    "another client": ({"aud": "another"}, "aud"),
    "another client beside us": ({"aud": [CLIENT_ID, "another"]}, "aud"),
    "no audience": ({"aud": ...}, "aud"),
    "no time of issue": ({"iat": ...}, "it has no iat"),
    "issued in the future": ({"iat": at(120)}, "in the future"),
    "issued long ago": ({"iat": at(-700)}, "iat"),
    "no expiry": ({"exp": ...}, "it has no exp"),
    "expired": ({"exp": at(-61)}, "it expired"),
    "an expiry that is none": ({"exp": True}, "its exp is not a number"),
    "no events": ({"events": ...}, "events"),
    "another event": ({"events": {"https://example.test/other": {}}}, "events"),
    "events as a list": ({"events": [EVENT]}, "events"),
    "an event that is no object": ({"events": {EVENT: True}}, "events"),
    "a nonce": ({"nonce": "n"}, "nonce"),
    "an empty nonce": ({"nonce": None}, "nonce"),
    "neither user nor session": ({"sub": ...}, "sub or sid"),
    "a user that is none": ({"sub": ["ada-at-example"]}, "sub"),
    "a session that is none": ({"sid": {"a": 1}}, "sid"),
    "no jti": ({"jti": ...}, "jti"),
    "an endless jti": ({"jti": "j" * 256}, "jti"),
}


@in_one_world(("changes", "named"), WRONG.values())
def test_a_wrong_logout_token_ends_nothing(
    inside: Traveller, peer: Peer, ends: Ends, clock: Clock, changes: Claims, named: str
) -> None:
    """N-387: section 2.6, each step; section 2.8: 400 with the error."""
    now = int(clock.now.timestamp())
    status, body = peer.log_out(**{name: value(now) if callable(value) else value for name, value in changes.items()})
    assert (status, body["error"]) == (400, "invalid_request")
    assert named in body["error_description"]
    assert ends() == [None]


def forged(peer: Peer) -> dict[str, str]:
    secret = OctKey.import_key(base64.b64encode(rsa_key("first").as_pem(private=False)).decode(), {"kid": "first"})
    head, body, signature = peer.token({}).split(".")
    return {
        "no signature": f"{head}.{body}.",
        "alg none": "eyJhbGciOiJub25lIn0." + body + ".",
        "the signature of another": f"{head}.{body}.{peer.token({'sub': 'bob'}).split('.')[2]}",
        "a key that is not published": peer.token({}, key=rsa_key("first-of-another")),
        "another key with a known kid": peer.token({}, key=rsa_key("x"), header={"kid": "first"}),
        "the public key as a secret": peer.token({}, key=secret, alg="HS256"),
        "an algorithm that is not announced": peer.token({}, alg="PS256"),
        "the type of an access token": peer.token({}, header={"typ": "at+jwt"}),
        "an ID token": peer.token({"nonce": "n", "events": ...}, header={"typ": None}),
        "encrypted": f"{head}.{body}.{signature}.{body}.{signature}",
        "nothing": "",
        "no JWT": "ada",
    }


@in_one_world("which", list(range(12)))
def test_a_token_that_the_upstream_did_not_sign_as_one_ends_nothing(
    inside: Traveller, peer: Peer, ends: Ends, which: int
) -> None:
    """N-388: section 2.6, steps 1 and 2."""
    tokens = forged(peer)
    assert len(tokens) == 12
    name, token = list(tokens.items())[which]
    status, body = peer.send(logout_token=token)
    assert (status, body["error"]) == (400, "invalid_request"), name
    assert ends() == [None]


def test_a_logout_token_is_accepted_once(inside: Traveller, peer: Peer, ends: Ends) -> None:
    """N-389: section 2.6, step 7."""
    token = peer.token({})
    assert peer.send(logout_token=token)[0] == 200
    inside.sign_in()
    status, body = peer.send(logout_token=token)
    assert status == 400
    assert "jti was used" in body["error_description"]
    assert ends() == ["signed_out_upstream", None]


@pytest.mark.parametrize("form", [{}, {"token": "x"}, {"logout_token": ["a", "b"]}])
def test_the_token_is_sent_once_and_by_its_name(peer: Peer, form: dict[str, Any]) -> None:
    """N-390: section 2.5."""
    assert peer.send(**form)[0] == 400


def test_a_token_in_the_url_is_not_read(inside: Traveller, peer: Peer, ends: Ends) -> None:
    """N-391: section 2.5: POST, with the token in the body."""
    assert peer.client.post(f"{PATH}?logout_token={peer.token({})}").status_code == 400
    assert peer.client.get(f"{PATH}?logout_token={peer.token({})}").status_code == 405
    assert ends() == [None]


@pytest.mark.parametrize("url", [DISCOVERY, JWKS])
def test_an_outage_is_no_verdict(inside: Traveller, peer: Peer, ends: Ends, clock: Clock, url: str) -> None:
    """N-392: 503, and the same token is accepted when the upstream is back."""
    clock.advance(minutes=130)
    inside.sign_in()
    inside.provider.replies[url] = "no answer"
    clock.advance(minutes=130)
    token = peer.token({})
    status, body = peer.send(logout_token=token)
    assert (status, body["error"]) == (503, "temporarily_unavailable")
    assert ends()[-1] is None
    del inside.provider.replies[url]
    clock.advance(seconds=61)
    assert peer.send(logout_token=token)[0] == 200


def test_a_new_key_of_the_upstream_is_looked_up(inside: Traveller, peer: Peer, ends: Ends, clock: Clock) -> None:
    clock.advance(minutes=2)
    inside.provider.published = [rsa_key("second")]
    assert peer.send(logout_token=peer.token({}, key=rsa_key("second")))[0] == 200
    assert ends() == ["signed_out_upstream"]


def test_many_wrong_tokens_from_one_place_are_limited(peer: Peer, lower: Lower) -> None:
    """N-393: each costs a signature, and the first of an unknown key a request."""
    lower(upstream="2/5minutes")
    assert [peer.log_out(aud="x")[0] for _ in range(3)] == [400, 400, 429]


def test_an_upstream_that_is_unknown_or_has_no_openid_connect_reports_nothing(peer: Peer) -> None:
    """N-394: 404."""
    answer = peer.client.post(PATH.replace("example", "unknown"), data={"logout_token": peer.token({})})
    assert (answer.status_code, answer.json()["error"]) == (404, "invalid_request")


class TestTwoUpstreams:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        other = {**EXAMPLE, "name": "Other", "issuer": "https://other.example.test", "client_id": "there"}
        github = {"preset": "github", "client_id": "x", "client_secret": "y"}
        return {"example": EXAMPLE, "other": other, "github": github}

    def test_an_upstream_ends_no_session_of_another(
        self, inside: Traveller, peer: Peer, ends: Ends, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """N-395: the same `sub` and `sid` at another issuer are another user and session."""
        provider = inside.provider
        there = json.dumps({**provider.metadata, "issuer": "https://other.example.test"}).encode()
        fetch = provider.fetch
        monkeypatch.setattr(
            provider,
            "fetch",
            lambda url, accept: Response(200, accept[0], there) if "other" in url else fetch(url, accept=accept),
        )
        token = peer.token({"iss": "https://other.example.test", "aud": "there", "sid": "s1"})
        path = PATH.replace("example", "other")
        assert peer.client.post(path, data={"logout_token": token}).status_code == 200
        assert peer.client.post(path, data={"logout_token": peer.token({})}).status_code == 400
        assert peer.client.post(PATH.replace("example", "github"), data={"logout_token": token}).status_code == 404
        assert ends() == [None]
