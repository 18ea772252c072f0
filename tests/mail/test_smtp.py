"""How we sign in at a mail server: over TLS with an authority that we trust, with a password or an access token."""

import base64
import dataclasses
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from provider.database.base import new_id
from provider.mail import access_tokens, transport
from provider.mail.settings_check import check_settings
from provider.outbound.client import Outbound
from provider.outbox.relay import TemporaryFailure
from provider.work import Installation
from tests.mail.smtp_sink import Sink, smtp_sink
from tests.support.clock import Clock
from tests.support.foreign_server import ForeignServer, answer

EMAIL = {"to": "ada@example.test", "subject": "Hello", "text": "Hello", "html": "<p>Hello</p>"}
USER, PASSWORD = "relay@example.test", "correct horse battery"
CLIENT_SECRET, REFRESH_TOKEN = "the-client-secret", "the-refresh-token"
PRIVATE_CA = "certificate of the mail server is not trusted: unable to get local issuer certificate"

At = Callable[..., Installation]


@dataclasses.dataclass
class OAuthSink(Sink):
    """A server that accepts some access tokens, by one mechanism, and says why not otherwise."""

    accepted: set[str] = dataclasses.field(default_factory=set)
    seen: list[str] = dataclasses.field(default_factory=list)
    sender_answer: str = "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.sender_answer

    async def _check(self, server: Any, args: list[str], expected: str) -> AuthResult:
        message = base64.b64decode(args[1]).decode()
        token = message.partition("auth=Bearer ")[2].rstrip("\x01")
        assert message == expected.format(token=token, port=self.port)
        self.seen.append(token)
        if token in self.accepted:
            return AuthResult(success=True, handled=True)
        await server.challenge_auth(json.dumps({"status": "400", "repeated": args[1]}))
        return AuthResult(success=False, handled=False)


class XOAuth2Sink(OAuthSink):
    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._check(server, args, f"user={USER}\x01auth=Bearer {{token}}\x01\x01")


class OAuthBearerSink(XOAuth2Sink):
    async def auth_OAUTHBEARER(self, server: Any, args: list[str]) -> AuthResult:  # noqa: N802
        expected = f"n,a={USER},\x01host=127.0.0.1\x01port={{port}}\x01auth=Bearer {{token}}\x01\x01"
        return await self._check(server, args, expected)


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword) -> AuthResult:
    right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@pytest.fixture
def at(installation: Installation, outbound_settings: dict[str, Any], clock: Clock) -> At:
    """An installation that sends through this port, and may ask the tests' own token endpoint."""

    def make(port: int, **changes: Any) -> Installation:
        update = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_from": "id@example.test", **outbound_settings}
        settings = installation.settings.model_copy(update=update | changes)
        return dataclasses.replace(installation, settings=settings, outbound=Outbound(settings, clock=clock))

    return make


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provider.mail.smtp.TOKENS", access_tokens.AccessTokens())


@pytest.fixture
def endpoint(foreign_server: ForeignServer, tokens: None) -> ForeignServer:
    """A token endpoint that gives one token after the other."""

    def give(connection: socket.socket, request: Any) -> None:
        token = f"token-{len(foreign_server.requests)}"
        answer({"access_token": token, "token_type": "Bearer", "expires_in": 3600})(connection, request)

    foreign_server.behaviour = give
    return foreign_server


def oauth(endpoint: ForeignServer, **changes: Any) -> dict[str, Any]:
    return {
        "smtp_user": USER,
        "smtp_oauth_token_url": endpoint.url("/token"),
        "smtp_oauth_client_id": "signet",
        "smtp_oauth_client_secret": SecretStr(CLIENT_SECRET),
        **changes,
    }


@contextmanager
def oauth_sink(kind: type[OAuthSink] = XOAuth2Sink) -> Iterator[OAuthSink]:
    options = {"auth_require_tls": False, "auth_exclude_mechanism": ["PLAIN", "LOGIN"], "enable_SMTPUTF8": False}
    with smtp_sink(kind(), **options) as sink:
        assert isinstance(sink, OAuthSink)
        yield sink


@pytest.mark.parametrize("mode", ["tls", "starttls"])
def test_a_certificate_of_a_private_authority_needs_the_setting(at: At, foreign_tls: ssl.SSLContext, mode: str) -> None:
    options = {"ssl_context": foreign_tls} if mode == "tls" else {"tls_context": foreign_tls, "require_starttls": True}
    with smtp_sink(authenticator=authenticate, auth_require_tls=mode == "starttls", **options) as sink:
        known = {"smtp_tls": mode, "smtp_user": USER, "smtp_password": SecretStr(PASSWORD)}
        transport.deliver(at(sink.port, **known), new_id(), EMAIL)
        assert len(sink.emails) == 1
        without = at(sink.port, **known, outbound_ca=None)
        with pytest.raises(TemporaryFailure, match=PRIVATE_CA):
            transport.deliver(without, new_id(), EMAIL)
        (problem,) = check_settings(without.settings, without.outbound, now=without.clock(), timeout=5)
        assert problem.setting == "SIGNET_SMTP_HOST"
        assert "SIGNET_OUTBOUND_CA" in problem.fix
        assert len(sink.emails) == 1


@pytest.mark.parametrize("kind", [XOAuth2Sink, OAuthBearerSink])
def test_an_access_token_is_asked_for_once_and_used_by_each_mechanism(
    at: At, endpoint: ForeignServer, clock: Clock, kind: type[OAuthSink]
) -> None:
    """RFC 7628 section 3.1; RFC 6749 section 4.4."""
    with oauth_sink(kind) as sink:
        sink.accepted = {"token-1", "token-2"}
        there = at(sink.port, **oauth(endpoint, smtp_oauth_scope="https://mail.example/.default"))
        for _ in range(2):
            transport.deliver(there, new_id(), EMAIL)
        clock.advance(timedelta(minutes=59))
        transport.deliver(there, new_id(), EMAIL)
    assert sink.seen == ["token-1", "token-1", "token-2"]
    assert len(sink.emails) == 3
    assert [sorted(request.body.decode().split("&")) for request in endpoint.requests] == [
        [
            "client_id=signet",
            f"client_secret={CLIENT_SECRET}",
            "grant_type=client_credentials",
            "scope=https%3A%2F%2Fmail.example%2F.default",
        ]
    ] * 2


def test_a_refresh_token_gets_the_access_token_of_the_user(at: At, endpoint: ForeignServer) -> None:
    """RFC 6749 section 6."""
    with oauth_sink() as sink:
        sink.accepted = {"token-1"}
        known = oauth(endpoint, smtp_oauth_refresh_token=SecretStr(REFRESH_TOKEN), smtp_oauth_client_secret=None)
        transport.deliver(at(sink.port, **known), new_id(), EMAIL)
    (request,) = endpoint.requests
    assert request.body.decode() == f"grant_type=refresh_token&client_id=signet&refresh_token={REFRESH_TOKEN}"


def test_a_kept_token_that_is_refused_is_replaced_once_and_a_new_one_is_not(at: At, endpoint: ForeignServer) -> None:
    """RFC 7628 section 3.2.2: the reason comes as a challenge. It is shown, without the token."""
    with oauth_sink() as sink:
        there = at(sink.port, **oauth(endpoint))
        sink.accepted = {"token-1"}
        transport.deliver(there, new_id(), EMAIL)
        sink.accepted = {"token-2"}
        transport.deliver(there, new_id(), EMAIL)
        assert sink.seen == ["token-1", "token-1", "token-2"]
        sink.accepted = set()
        with pytest.raises(TemporaryFailure, match=r"535.*status.*400") as failure:
            transport.deliver(there, new_id(), EMAIL)
        assert sink.seen[3:] == ["token-2", "token-3"]
        with pytest.raises(TemporaryFailure):
            transport.deliver(there, new_id(), EMAIL)
        assert sink.seen[5:] == ["token-4"]
    words = str(failure.value)
    assert "token-3" not in words
    assert base64.b64encode(f"user={USER}\x01auth=Bearer token-3\x01\x01".encode()).decode() not in words


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (answer({"error": "invalid_client", "error_description": f"no {CLIENT_SECRET}"}, status="401 No"), "401 inv"),
        (answer("<html>", "text/html"), "answered 200"),
        (answer({"access_token": "a\x01b"}), "answered 200"),
        (answer({"access_token": 7}), "answered 200"),
        (answer("", status="503 Away"), "answered 503"),
        (lambda connection, _request: connection.close(), "no access token"),
    ],
)
def test_a_token_endpoint_that_gives_no_token_is_a_temporary_failure(
    at: At, endpoint: ForeignServer, behaviour: Any, words: str
) -> None:
    endpoint.behaviour = behaviour
    with oauth_sink() as sink, pytest.raises(TemporaryFailure, match=words) as failure:
        transport.deliver(at(sink.port, **oauth(endpoint)), new_id(), EMAIL)
    assert sink.seen == []
    assert CLIENT_SECRET not in str(failure.value)


def test_a_server_that_takes_no_access_tokens_is_named(at: At, endpoint: ForeignServer) -> None:
    with smtp_sink(auth_require_tls=False) as sink, pytest.raises(TemporaryFailure, match="OAUTHBEARER nor XOAUTH2"):
        transport.deliver(at(sink.port, **oauth(endpoint)), new_id(), EMAIL)


def test_the_trial_names_the_setting_that_does_not_work_and_sends_nothing(at: At, endpoint: ForeignServer) -> None:
    """`signet check --deploy`: TLS, authentication, the sender and SMTPUTF8, with the server's words."""

    def problems(port: int, **changes: Any) -> list[tuple[str, str]]:
        there = at(port, **oauth(endpoint), **changes)
        found = check_settings(there.settings, there.outbound, now=there.clock(), timeout=5)
        return [(problem.setting, problem.said) for problem in found]

    with oauth_sink() as sink:
        ((setting, said),) = problems(sink.port)
        assert setting == "SIGNET_SMTP_USER"
        assert "535" in said
        sink.accepted = {"token-2"}
        assert problems(sink.port) == []
        assert problems(sink.port, smtp_utf8=True) == [
            ("SIGNET_SMTP_UTF8", "the mail server does not support SMTPUTF8"),
        ]
        sink.sender_answer = f"553 5.7.1 {USER} may not send as id@example.test"
        ((setting, said),) = problems(sink.port)
        assert (setting, said) == ("SIGNET_SMTP_FROM", f"the mail server replied {sink.sender_answer}")
        ((setting, _),) = problems(sink.port, smtp_tls="starttls")
        assert setting == "SIGNET_SMTP_HOST"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = at(silent.getsockname()[1])
        (problem,) = check_settings(there.settings, there.outbound, now=there.clock(), timeout=0.2)
        assert problem.setting == "SIGNET_SMTP_HOST"
        assert "cannot reach the mail server" in problem.said
    assert sink.emails == []
