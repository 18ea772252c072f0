"""Back-channel logout: whoever is owed a logout token gets it, once, whatever ended the session."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from provider.accounts import compromise_report, deletion, devices, suspension
from provider.accounts.users import delete_user
from provider.config.settings import Settings
from provider.outbox import store as outbox
from provider.outbox.store import DeliveryState, Job
from provider.sessions import lifecycle
from provider.sessions import store as sessions
from provider.sessions.store import Session
from provider.work import Installation, UnitOfWork
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.foreign_server import ForeignServer, Request, answer
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import RelyingParty, Tokens
from tests.support.server_process import REPOSITORY

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


@pytest.fixture
def deliver(installation: Installation) -> Callable[[], int]:
    """The worker's round: how many promises it tried."""
    return lambda: deliver_due(installation)


def jobs(work: Work) -> list[Job]:
    with work() as w:
        return [job for job in outbox.find(w.read) if job.topic == "logout"]


def logout_claims(rp: RelyingParty, request: Request) -> dict[str, Any]:
    """What the app reads in a logout token, after the checks of section 2.6."""
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(request.body.decode(), strict_parsing=True)
    assert set(form) == {"logout_token"}, "oidcc-backchannel-rp-initiated-logout: nothing else"
    alg = rp.client.metadata.id_token_signed_response_alg
    token = jwt.decode(form["logout_token"][0], KeySet.import_key_set(rp.jwks()), algorithms=[alg])  # type: ignore[arg-type]
    assert token.header["typ"] == "logout+jwt"
    claims: dict[str, Any] = token.claims
    assert claims["events"] == {EVENT: {}}
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti", "events", "sid"}, "and never a nonce"
    assert (claims["iss"], claims["aud"]) == (ISSUER, rp.client_id)
    assert claims["exp"] - claims["iat"] == 120
    return claims


def test_each_app_of_the_session_is_notified_with_its_own_subject(
    register: Register,
    browser: WatchedClient,
    person: Person,
    ada: str,
    foreign_server: ForeignServer,
    deliver: Callable[[], int],
    work: Work,
) -> None:
    """Back-Channel Logout sections 2.3 to 2.5; A-53; oidcc-backchannel-rp-initiated-logout."""
    plain = register(backchannel_logout_uri=foreign_server.url("/plain"), backchannel_logout_session_required=True)
    pairwise = register(
        backchannel_logout_uri=foreign_server.url("/pairwise?tenant=7"),
        subject_type="pairwise",
        id_token_signed_response_alg="ES256",
    )
    silent = register()
    elsewhere = register(backchannel_logout_uri=foreign_server.url("/elsewhere"))
    tokens = {rp.client_id: rp.sign_in(browser) for rp in (plain, pairwise, silent)}
    plain.sign_in(browser)  # a second grant is no second logout
    elsewhere.sign_in(person(ada))
    plain.log_out(browser, tokens[plain.client_id])
    assert {job.about.split(",")[0] for job in jobs(work)} == {f"logout to {rp.client_id}" for rp in (plain, pairwise)}
    assert deliver() == 2
    told = {request.target: request for request in foreign_server.requests}
    assert set(told) == {"/plain", "/pairwise?tenant=7"}
    for rp, target in ((plain, "/plain"), (pairwise, "/pairwise?tenant=7")):
        claims, known = logout_claims(rp, told[target]), rp.verify(tokens[rp.client_id])
        assert (claims["sub"], claims["sid"]) == (known["sub"], known["sid"])
    assert deliver() == 0
    assert {job.state for job in jobs(work)} == {DeliveryState.SENT}


ENDINGS: dict[str, Callable[[UnitOfWork, Session], object]] = {
    "suspended": lambda w, session: suspension.suspend(w, user_id=session.user_id, reason=None),
    "not me": lambda w, session: compromise_report.report(w, user_id=session.user_id),
    "deletion asked for": lambda w, session: deletion.request_deletion(w, user_id=session.user_id),
    "deleted": lambda w, session: delete_user(w, user_id=session.user_id),
    "signed out everywhere": devices.sign_out_everywhere,
    "ended by an operator": lambda w, session: lifecycle.end_by_operator(w, session_id=session.id),
    "signed out": lambda w, session: lifecycle.end_session(w, session, reason="signed_out"),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_every_end_of_a_session_notifies_its_apps(
    register: Register,
    browser: WatchedClient,
    ada: str,
    foreign_server: ForeignServer,
    deliver: Callable[[], int],
    work: Work,
    how: str,
) -> None:
    """Back-Channel Logout section 2.3: also when the account is gone before anybody is told."""
    rp = register(backchannel_logout_uri=foreign_server.url())
    known = rp.verify(rp.sign_in(browser))
    with work() as w:
        session = sessions.find(w.read, known["sid"])
    assert session is not None
    with work() as w:
        ENDINGS[how](w, session)
    deliver()
    (request,) = foreign_server.requests
    assert logout_claims(rp, request)["sub"] == known["sub"]


def test_sessions_end_in_one_place() -> None:
    """Where the promises are made: no other file ends one in the table."""
    files = (REPOSITORY / "provider").rglob("*.py")
    enders = {path.name for path in files if re.search(r"\b(store|sessions)\.end(_all)?\(", path.read_text())}
    assert enders == {"lifecycle.py"}


@pytest.mark.both_databases
def test_a_logout_notification_is_retried_until_the_app_answers(
    register: Register,
    browser: WatchedClient,
    foreign_tls: Any,
    deliver: Callable[[], int],
    work: Work,
    clock: Clock,
) -> None:
    """An outbox with retries. The token is as fresh as its attempt."""
    with ForeignServer(foreign_tls) as server:
        port, rp = server.port, register(backchannel_logout_uri=server.url("/logout"))
        rp.log_out(browser, rp.sign_in(browser))
    for pause in (5, 10, 20, 40):  # more patience than a letter is worth
        assert deliver() == 1
        clock.advance(seconds=pause)
    (job,) = jobs(work)
    assert (job.state, job.attempts) == (DeliveryState.WAITING, 3), "the second time, the app was not asked"
    assert "no connection" in str(job.error)
    assert "not asked again yet" not in str(job.error)
    with ForeignServer(foreign_tls, port=port) as back:
        assert deliver() == 1
        clock.advance(hours=1)
        assert deliver() == 0
    (request,) = back.requests
    assert logout_claims(rp, request)["iat"] == int(clock.now.timestamp()) - 3600


@pytest.mark.parametrize(
    ("status", "state", "error"),
    [
        ("204 No Content", DeliveryState.SENT, None),
        ("400 Bad Request", DeliveryState.FAILED, "it refused the logout: invalid_request"),
        ("501 Not Implemented", DeliveryState.WAITING, "it answered 501"),
        ("302 Found", DeliveryState.WAITING, "it answered 302; redirects are not followed"),
    ],
)
def test_the_response_of_the_app_decides_whether_the_notification_is_retried(
    register: Register,
    browser: WatchedClient,
    foreign_server: ForeignServer,
    deliver: Callable[[], int],
    work: Work,
    status: str,
    state: DeliveryState,
    error: str | None,
) -> None:
    """Back-Channel Logout section 2.8. A-103."""
    foreign_server.behaviour = answer({"error": "invalid_request"}, status=status, Location="/elsewhere")
    rp = register(backchannel_logout_uri=foreign_server.url())
    rp.log_out(browser, rp.sign_in(browser))
    deliver()
    (job,) = jobs(work)
    assert (job.state, job.error) == (state, error)


def test_a_logout_token_is_not_accepted_as_another_token(
    register: Register, browser: WatchedClient, foreign_server: ForeignServer, deliver: Callable[[], int]
) -> None:
    """A-56: neither a bearer token nor an id_token_hint."""
    rp = register(backchannel_logout_uri=foreign_server.url())
    tokens: Tokens = rp.sign_in(browser)
    rp.log_out(browser, tokens)
    deliver()
    logout_token = parse_qs(foreign_server.requests[0].body.decode())["logout_token"][0]
    assert rp.userinfo(logout_token).status_code == 401
    assert rp.introspect(logout_token) == {"active": False}
    assert rp.log_out(browser, tokens, id_token_hint=logout_token).status_code == 400
