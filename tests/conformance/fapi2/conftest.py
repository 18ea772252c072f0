"""The FAPI 2.0 plans in process: one installation for all modules of a variant, with two clients.

A variant is how the clients authenticate, and what their tokens are bound to. Certificates come from a proxy.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from provider.app import create_app
from provider.installation import open_installation
from provider.ratelimit_counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.conformance.conftest import EVERY_CLAIM
from tests.conformance.suite import EMAIL
from tests.oauth.watched_http import WatchedClient
from tests.support import client_keys
from tests.support.client_certificates import PROXY, Shown, issue, with_mutual_tls
from tests.support.client_keys import Signatory, asserting, assertion_claims, new_key
from tests.support.clock import Clock
from tests.support.dpop import Prover
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER, settings_for
from tests.support.relying_party import PAR, TOKEN, USERINFO, Answer, RelyingParty, Tokens, sign_in_person

Variant = tuple[str, str]
"""The client authentication and the sender constraint."""
VARIANTS: list[Variant] = [(auth, bound) for auth in ("private_key_jwt", "mtls") for bound in ("dpop", "mtls")]
CALLBACK = "https://app.example.test/callback"
HOUR = timedelta(hours=1)


@dataclass
class Fapi:
    """The server under test, its person, and the two clients of the plan."""

    variant: Variant
    app: Starlette
    installation: Installation
    clock: Clock
    person: str
    first: RelyingParty
    second: RelyingParty

    @property
    def uses_dpop(self) -> bool:
        return self.variant[1] == "dpop"

    @property
    def uses_assertions(self) -> bool:
        return self.variant[0] == "private_key_jwt"

    @property
    def http(self) -> WatchedClient:
        """A program, behind the proxy that sees its certificate."""
        return new_http(self.app)

    def browser(self) -> WatchedClient:
        """A browser in which the person is signed in."""
        browser = new_http(self.app)
        sign_in_person(browser, self.installation, self.person)
        return browser

    def push(self, rp: RelyingParty, **changes: str | None) -> tuple[str, Answer]:
        """The request_uri of a pushed request, and an answer without a response yet."""
        parameters, verifier = rp.request(**changes)
        pushed = rp.post(PAR, **parameters)
        assert pushed.status_code == 201, pushed.text
        return pushed.json()["request_uri"], Answer(pushed, parameters, verifier)

    def come(self, rp: RelyingParty, request_uri: str, **beside: str) -> Answer:
        """Bring a pushed request in a browser."""
        query = {"client_id": rp.client_id, "request_uri": request_uri, **beside}
        return Answer(self.browser().get("/oauth2/authorize", params=query), query, "")

    def ask(self, rp: RelyingParty, **changes: str | None) -> Answer:
        """A pushed request, and its answer."""
        request_uri, pushed = self.push(rp, **changes)
        return replace(pushed, response=self.come(rp, request_uri).response)

    def sign_in(self, rp: RelyingParty, **changes: str | None) -> Tokens:
        tokens = rp.redeem(self.ask(rp, **changes))
        assert tokens.status == 200, tokens.body
        return tokens

    def refused_at_par(self, rp: RelyingParty, **changes: str | None) -> str:
        """The error with which a pushed request is refused."""
        parameters, _ = rp.request(**changes)
        refused = rp.post(PAR, **parameters)
        assert 400 <= refused.status_code < 500, refused.text
        return str(refused.json()["error"])

    def assert_with(self, rp: RelyingParty, url: str = PAR, **changes: Any) -> tuple[int, str | None]:
        """Status and error of a request with an assertion whose claims are changed: a pushed or a token request."""
        claims = assertion_claims(rp.client_id, ISSUER, **changes)
        form = rp.request()[0] if url == PAR else {"grant_type": "refresh_token", "refresh_token": "x"}
        answer = rp.post(url, **{**form, **asserting(rp.signatory.sign(claims))})
        return answer.status_code, answer.json().get("error")

    def new_prover(self) -> Prover:
        """A prover with another key, and the clock of the server."""

        def now() -> float:
            return self.clock.now.timestamp()

        return Prover(now=now)

    def unbound(self, rp: RelyingParty) -> RelyingParty:
        """The same client, which proves nothing: it keeps a certificate only where it authenticates with it."""
        bare = self.copy(rp)
        bare.prover = None
        if self.uses_assertions:
            bare.certificate = None
        return bare

    def copy(self, rp: RelyingParty) -> RelyingParty:
        """The same client, to be changed."""
        other = RelyingParty(rp.http, rp.client, rp.secret)
        other.signatory, other.prover, other.certificate = rp.signatory, rp.prover, rp.certificate
        return other

    def resource(self, rp: RelyingParty, token: str, **headers: str) -> int:
        """The status of the userinfo endpoint, as this client calls it."""
        given = {"authorization": f"Bearer {token}", **({} if rp.certificate is None else rp.certificate.headers)}
        if rp.prover is not None:
            given |= rp.prover.headers("GET", ISSUER + USERINFO, token)
        return int(rp.http.get(USERINFO, headers=given | headers).status_code)


def new_http(app: Starlette) -> WatchedClient:
    http = WatchedClient(app, ISSUER)
    http.may_go_to = {"app.example.test"}
    http.come_from(PROXY)
    return http


@pytest.fixture(scope="session")
def suite_authority() -> Shown:
    return issue("CN=Conformance authority", ca=True, ends=1000 * HOUR)


@pytest.fixture(scope="module", params=VARIANTS, ids="+".join)
def fapi(
    request: pytest.FixtureRequest,
    sqlite_template: Path,
    suite_authority: Shown,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fapi]:
    folder, clock = tmp_path_factory.mktemp("fapi2"), Clock()
    (folder / "ca.pem").write_text(suite_authority.pem)
    database = shutil.copy(sqlite_template, folder / "signet.db")
    settings = with_mutual_tls(settings_for(f"sqlite:///{database}"), folder / "ca.pem")
    installation = open_installation(settings, clock=clock, counter=LimitCounter())
    app = create_app(installation)
    with unit_of_work(installation) as work:
        person = make_user(work, EMAIL, **EVERY_CLAIM)
    clients = [
        _new_client(app, installation, request.param, authority=authority, callback=CALLBACK + query)
        for authority, query in ((suite_authority, ""), (None, "?dummy1=lorem&dummy2=ipsum"))
    ]
    yield Fapi(request.param, app, installation, clock, person, *clients)
    app.state.threads.close()
    installation.database.close()


def _new_client(
    app: Starlette, installation: Installation, variant: Variant, *, authority: Shown | None, callback: str
) -> RelyingParty:
    """A client of the plan. Its certificate is self-signed without an authority."""

    def now() -> float:
        return installation.clock().timestamp()

    auth, bound = variant
    keys, name = Signatory(key=new_key()), f"CN=client {callback[-5:]}"
    certificate = issue(name, by=authority, ends=1000 * HOUR)
    members: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "jwks": keys.jwks}
    if auth == "mtls":
        members = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": name}
        if authority is None:
            jwks = {"keys": [certificate.jwk]}
            members = {"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": jwks}
    bind = {"dpop": "dpop_bound_access_tokens", "mtls": "tls_client_certificate_bound_access_tokens"}[bound]
    with unit_of_work(installation) as work:
        client, secret = make_client(
            work,
            profile="fapi2",
            first_party=True,
            redirect_uris=(callback,),
            id_token_signed_response_alg="ES256",
            scope="openid profile email address phone offline_access",
            **{bind: True},
            **members,
        )
    rp = RelyingParty(new_http(app), client, secret)
    rp.signatory, rp.prover = keys, Prover(now=now) if bound == "dpop" else None
    rp.certificate = certificate if "mtls" in variant else None
    return rp


@pytest.fixture(autouse=True)
def _time(fapi: Fapi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the clients is that of the server."""

    class Stopped:
        @staticmethod
        def time() -> float:
            return fapi.clock.now.timestamp()

    monkeypatch.setattr(client_keys, "time", Stopped)


def token_request(fapi: Fapi, rp: RelyingParty, **form: str) -> Tokens:
    """A token request as this client sends it."""
    return Tokens(rp.post(TOKEN, **form))
