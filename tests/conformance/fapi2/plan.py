"""The FAPI plans in process: one installation for all modules of a variant, with two clients.

A variant is how the clients authenticate, and what their tokens are bound to. Certificates come from a proxy.
"""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from provider.app import create_app
from provider.installation import open_installation
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.conformance.conftest import EVERY_CLAIM
from tests.conformance.suite import EMAIL
from tests.oauth.watched_http import WatchedClient
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
CERTIFIED: list[Variant] = [each for each in VARIANTS if each != ("mtls", "dpop")]
"""Those with which the plans are run for a certification."""
HOLDER_ERRORS = {"invalid_request", "invalid_grant", "invalid_dpop_proof", "invalid_client"}
"""The errors of a token request without its proof or certificate."""
CALLBACK = "https://app.example.test/callback"
NUMBERS = itertools.count(1)
MEMBERS: dict[str, Any] = {
    "profile": "fapi2",
    "first_party": True,
    "redirect_uris": (CALLBACK,),
    "id_token_signed_response_alg": "ES256",
    "scope": "openid profile email address phone offline_access",
}
HOUR = timedelta(hours=1)


def with_variants(variants: list[Variant]) -> pytest.MarkDecorator:
    """The mark of a module that is for these only."""
    return pytest.mark.parametrize("fapi", variants, indirect=True, ids="+".join)


with_private_key_jwt = with_variants([each for each in CERTIFIED if each[0] == "private_key_jwt"])
with_dpop = with_variants([each for each in VARIANTS if each[1] == "dpop"])
with_bound_certificate = with_variants([each for each in VARIANTS if each[1] == "mtls"])
with_mtls = with_variants([("mtls", "mtls")])


@dataclass
class Fapi:
    """The server under test, its person, and the two clients of the plan."""

    variant: Variant
    app: Starlette
    installation: Installation
    clock: Clock
    person: str
    authority: Shown
    members: dict[str, Any]
    """What both clients are registered with, whatever the variant."""
    alg: str = "ES256"
    """The algorithm of their own signatures."""
    first: RelyingParty = field(init=False)
    second: RelyingParty = field(init=False)

    def __post_init__(self) -> None:
        self.first = self.register()
        callbacks = tuple(f"{uri}?dummy1=lorem&dummy2=ipsum" for uri in self.members["redirect_uris"])
        self.second = self.register(self_signed=True, redirect_uris=callbacks)

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

    def register(
        self, *, self_signed: bool = False, signatory: Signatory | None = None, **members: Any
    ) -> RelyingParty:
        """A client of the plan, with keys of its own. Its certificate is of the authority, or self-signed."""
        keys, name = signatory or Signatory(self.alg, key=new_key(self.alg)), f"CN=client {next(NUMBERS)}"
        certificate = issue(name, by=None if self_signed else self.authority, ends=1000 * HOUR)
        given: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "jwks": keys.jwks}
        if not self.uses_assertions:
            given |= {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": name}
        if not self.uses_assertions and self_signed:
            jwks = {"keys": [*keys.jwks["keys"], certificate.jwk]}
            given = {"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": jwks}
        given[f"{'dpop' if self.uses_dpop else 'tls_client_certificate'}_bound_access_tokens"] = True
        with unit_of_work(self.installation) as work:
            client, secret = make_client(work, **{**given, **self.members, **members})
        rp = RelyingParty(self.http, client, secret)
        rp.signatory, rp.prover = keys, self.new_prover() if self.uses_dpop else None
        rp.certificate = certificate if "mtls" in self.variant else None
        return rp

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


@contextmanager
def open_plan(
    variant: Variant, template: Path, authority: Shown, folder: Path, *, alg: str = "ES256", **members: Any
) -> Iterator[Fapi]:
    """The server, on a copy of the database, with the two clients of the plan."""
    clock = Clock()
    (folder / "ca.pem").write_text(authority.pem)
    database = shutil.copy(template, folder / "signet.db")
    settings = with_mutual_tls(settings_for(f"sqlite:///{database}"), folder / "ca.pem")
    installation = open_installation(settings, clock=clock, counter=LimitCounter())
    app = create_app(installation)
    with unit_of_work(installation) as work:
        person = make_user(work, EMAIL, **EVERY_CLAIM)
    yield Fapi(variant, app, installation, clock, person, authority, MEMBERS | members, alg)
    app.state.threads.close()
    installation.database.close()


def token_request(fapi: Fapi, rp: RelyingParty, **form: str) -> Tokens:
    """A token request as this client sends it."""
    return Tokens(rp.post(TOKEN, **form))
