"""Tokens that were issued on assertions of a trusted issuer end with the issuer, and stay ended (RFC 7523)."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from provider.accounts import linked_identities
from provider.oauth.authorize import connected_apps
from provider.oauth.clients import clients
from provider.oauth.clients.choices import JWT_BEARER, TOKEN_EXCHANGE
from provider.oauth.clients.metadata import load_metadata
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.trusted_issuers import issuers
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.client_keys import Signatory, asserting
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import TOKEN, RelyingParty, Tokens

IDP, CI = "https://idp.example.test", "https://ci.example.test"
API, FILMS = "https://notes.example.test/mcp", "https://films.example.test"
SIGNATORY = Signatory()
NOBODY: dict[str, Any] = {"redirect_uris": (), "post_logout_redirect_uris": ()}
INACTIVE = {"active": False}

pytestmark = pytest.mark.also_on_postgresql

End = Callable[[str], Callable[[], None]]


@pytest.fixture(params=["disabled", "deleted"])
def end(request: pytest.FixtureRequest, work: Work, clock: Clock) -> End:
    """`end(issuer)`: disable or delete the issuer. Returns what enables it or adds it again, a minute later."""

    def stop(issuer: str) -> Callable[[], None]:
        is_disabled = request.param == "disabled"
        with work() as w:
            row = issuers.find_by_issuer(w, issuer)
            (issuers.disable if is_disabled else issuers.delete)(w, row.id)

        def again() -> None:
            clock.advance(minutes=1)
            with work() as w:
                if is_disabled:
                    issuers.enable(w, row.id)
                else:
                    issuers.create(w, issuer, IssuerSettings.of(row))

        return again

    return stop


def trust(work: Work, issuer: str, **changes: Any) -> None:
    with work() as w:
        issuers.create(w, issuer, IssuerSettings(jwks=SIGNATORY.jwks, **changes))


class Workload(RelyingParty):
    """A client that shows tokens of its platform."""

    def __init__(self, rp: RelyingParty, clock: Clock) -> None:
        super().__init__(rp.http, rp.client, None)
        self._clock = clock

    def authentication(self) -> tuple[dict[str, str], dict[str, str]]:
        now = int(self._clock.now.timestamp())
        claims = {"iss": CI, "sub": "repo:a/b:x", "aud": ISSUER, "exp": now + 600, "iat": now}
        return {}, {"client_id": self.client_id, **asserting(SIGNATORY.sign(claims))}


WORKLOAD: dict[str, Any] = {
    "token_endpoint_auth_method": "federated_jwt",
    "assertion_issuer": CI,
    "assertion_subjects": ("repo:a/b:x",),
}


@pytest.fixture
def films(register: Register) -> RelyingParty:
    return register(resource_identifiers=(FILMS,), grant_types=(), scope="read", **NOBODY)


@pytest.fixture
def helper(register: Register, films: RelyingParty) -> RelyingParty:
    """An API that acts for its users at the films API."""
    exchanging = {"grant_types": (TOKEN_EXCHANGE,), "exchange_targets": (FILMS,)}
    return register(resource_identifiers=(API,), scope="read account", **exchanging, **NOBODY)


def exchange(helper: RelyingParty, token: str) -> Tokens:
    given = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
    return Tokens(helper.post(TOKEN, **given, resource=FILMS))


@pytest.mark.both_databases
def test_tokens_for_a_user_end_with_the_issuer(
    register: Register, helper: RelyingParty, films: RelyingParty, work: Work, ada: str, clock: Clock, end: End,
    server: AuthorizationServer,
) -> None:  # fmt: skip
    """N-305: introspection, token exchange, and tokens that were exchanged before; our own APIs."""
    trust(work, IDP, user_mapping="linked")
    with work() as w:
        linked_identities.attach(w, user_id=ada, issuer=IDP, subject="117", email="other@example.test")
    agent = register(grant_types=(JWT_BEARER,), scope="read account", **NOBODY)

    def present(resource: str | None) -> Tokens:
        now = int(clock.now.timestamp())
        claims = {"iss": IDP, "sub": "117", "aud": ISSUER, "exp": now + 300, "iat": now, "jti": str(time.time_ns())}
        return Tokens(
            agent.post(TOKEN, grant_type=JWT_BEARER, assertion=SIGNATORY.sign(claims), scope="read", resource=resource)
        )

    def status_here() -> int:
        return agent.http.get("/api/account/profile", headers={"authorization": f"Bearer {here}"}).status_code

    def acting() -> list[str]:
        with work() as w:
            return [app.client_id for app in connected_apps.find_connected(w, server, ada)]

    token, here = present(API).access_token, present(None).access_token
    exchanged = exchange(helper, token).access_token
    assert helper.introspect(token)["active"]
    assert films.introspect(exchanged)["active"]
    assert (status_here(), agent.client_id in acting()) == (403, True)
    again = end(IDP)
    for _ in range(2):
        assert helper.introspect(token) == agent.introspect(here) == films.introspect(exchanged) == INACTIVE
        assert exchange(helper, token).error == "invalid_request"
        assert (status_here(), agent.client_id in acting()) == (401, False)
        again()
        again = lambda: None  # noqa: E731
    assert helper.introspect(present(API).access_token)["active"]


def test_tokens_of_a_workload_end_with_its_issuer(
    register: Register, films: RelyingParty, work: Work, clock: Clock, end: End
) -> None:
    """N-306: tokens that a client got for itself, while it authenticated with tokens of the issuer."""
    trust(work, CI)
    job = Workload(register(grant_types=("client_credentials",), scope="read", **NOBODY, **WORKLOAD), clock)
    token = job.client_credentials(resource=FILMS).access_token
    assert films.introspect(token)["active"]
    again = end(CI)
    assert films.introspect(token) == INACTIVE
    assert job.client_credentials().error == "invalid_client"
    again()
    assert films.introspect(token) == INACTIVE
    assert films.introspect(job.client_credentials(resource=FILMS).access_token)["active"]


def test_sign_ins_to_an_app_end_with_the_issuer_that_authenticates_it(
    register: Register, browser: WatchedClient, work: Work, clock: Clock, end: End
) -> None:
    """N-307: userinfo, refresh tokens, and an exchange by such a client."""
    trust(work, CI)
    app = Workload(register(scope="openid offline_access", **WORKLOAD), clock)
    tokens = app.sign_in(browser, scope="openid offline_access")
    assert app.userinfo(tokens).status_code == 200
    again = end(CI)
    assert app.userinfo(tokens).status_code == 401
    again()
    assert app.userinfo(tokens).status_code == 401
    assert app.refresh(tokens).error == "invalid_grant"
    assert app.userinfo(app.sign_in(browser)).status_code == 200


def test_what_an_api_exchanged_ends_with_the_issuer_that_authenticates_it(
    register: Register, films: RelyingParty, browser: WatchedClient, work: Work, clock: Clock, end: End
) -> None:
    """N-308: RFC 8693 section 4.1: each of those that act depends on its own issuer."""
    trust(work, CI)
    exchanging = {"grant_types": (TOKEN_EXCHANGE,), "exchange_targets": (FILMS,), "resource_identifiers": (API,)}
    helper = Workload(register(scope="read", **exchanging, **NOBODY, **WORKLOAD), clock)
    quill = register(scope="openid read")
    token = quill.redeem(quill.ask(browser, scope="openid read", resource=API)).access_token
    exchanged = exchange(helper, token).access_token
    assert films.introspect(exchanged)["active"]
    again = end(CI)
    assert films.introspect(exchanged) == INACTIVE
    again()
    assert films.introspect(exchanged) == INACTIVE
    assert films.introspect(exchange(helper, token).access_token)["active"]


@pytest.mark.both_databases
def test_a_client_that_is_moved_to_an_issuer_keeps_its_tokens(
    register: Register, browser: WatchedClient, work: Work, clock: Clock
) -> None:
    """Its earlier tokens were issued to it without the issuer. They need it to be trusted now, not since when."""
    app = register(scope="openid offline_access")
    tokens = app.sign_in(browser, scope="openid offline_access")
    clock.advance(minutes=1)
    trust(work, CI)
    with work() as w:
        clients.update_client(w, app.client_id, load_metadata(app.client.metadata.as_json() | WORKLOAD))
        issuers.disable(w, issuers.find_by_issuer(w, CI).id)
    assert app.userinfo(tokens).status_code == 401
    with work() as w:
        issuers.enable(w, issuers.find_by_issuer(w, CI).id)
    assert app.userinfo(tokens).status_code == 200
