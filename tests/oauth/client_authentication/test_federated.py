"""federated_jwt: tokens of trusted issuers, of CI jobs and pods, authenticate clients (RFC 7523 section 2.2)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from provider.config.settings import Settings
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.trusted_issuers import issuers
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from tests.oauth.conftest import Explain, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory, asserting, new_key
from tests.support.clock import Clock
from tests.support.foreign_server import Behaviour, ForeignServer, Request, answer
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import INTROSPECT, REVOKE, TOKEN, RelyingParty

CI = "https://token.actions.example.test"
SUBJECT = "repo:octo-org/octo-repo:ref:refs/heads/main"
WORKLOAD: dict[str, Any] = {
    "grant_types": ("client_credentials",),
    "redirect_uris": (),
    "scope": "api",
    "token_endpoint_auth_method": "federated_jwt",
    "assertion_issuer": CI,
    "assertion_subjects": (SUBJECT,),
}
SIGNATORY = Signatory()


@pytest.fixture
def trust(work: Work) -> Callable[..., str]:
    """`trust(issuer, jwks=...)`: add a trusted issuer. Its ID."""

    def add(issuer: str = CI, **changes: Any) -> str:
        given = {"jwks": SIGNATORY.jwks} | changes
        with work() as w:
            return issuers.create(w, issuer, IssuerSettings(**given)).id

    return add


@pytest.fixture
def job(register: Register, trust: Callable[..., str]) -> RelyingParty:
    """A CI job."""
    trust()
    return register(**WORKLOAD)


def claims(**changes: Any) -> dict[str, Any]:
    """What GitHub Actions puts into a token; a claim given as None is left out."""
    now = int(time.time())
    given = {"iss": CI, "sub": SUBJECT, "aud": ISSUER, "exp": now + 600, "iat": now, "nbf": now, "jti": "1"}
    return {name: value for name, value in (given | changes).items() if value is not None}


def send(rp: RelyingParty, assertion: str, url: str = TOKEN, **body: str) -> httpx2.Response:
    form = {"grant_type": "client_credentials", "client_id": rp.client_id, **asserting(assertion), **body}
    return rp.http.post(url, data={name: value for name, value in form.items() if value})


def assert_refused(response: httpx2.Response) -> None:
    """RFC 7521 section 4.2.1. The description is the same for every reason."""
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.json()["error_description"] == "Client authentication failed"


def test_a_token_of_a_trusted_issuer_authenticates_the_client(job: RelyingParty) -> None:
    """At every endpoint that authenticates clients, and as often as the job needs it: decision 280."""
    token = SIGNATORY.sign(claims())
    issued = send(job, token).json()["access_token"]
    assert send(job, token, INTROSPECT, token=issued).json()["active"]
    assert send(job, token, REVOKE, token=issued).status_code == 200


def test_a_request_can_be_pushed_and_a_device_code_requested(register: Register, trust: Callable[..., str]) -> None:
    """RFC 9126 section 2.1, RFC 8628 section 3.1."""
    trust()
    device = "urn:ietf:params:oauth:grant-type:device_code"
    rp = register(
        **WORKLOAD | {"grant_types": ("authorization_code", device), "redirect_uris": ("https://app.example.test/cb",)}
    )
    token = SIGNATORY.sign(claims())
    asked = {"response_type": "code", "redirect_uri": "https://app.example.test/cb", "scope": "api"}
    pushed = send(rp, token, "/oauth2/par", **asked, code_challenge="a" * 43, code_challenge_method="S256")
    assert pushed.status_code == 201
    assert send(rp, token, "/oauth2/device_authorization").status_code == 200


@in_one_world(
    "changes",
    [
        {"aud": None},
        {"aud": "https://api.example.test"},
        {"aud": [ISSUER, "https://api.example.test"]},
        {"aud": ISSUER + "/"},
        {"aud": f"{ISSUER}/oauth2/token"},
        {"aud": []},
    ],
)
def test_this_server_is_the_only_audience(job: RelyingParty, changes: dict[str, Any]) -> None:
    """N-185: otherwise another audience of the token could use it here (RFC 7523 section 3 no. 3)."""
    assert_refused(send(job, SIGNATORY.sign(claims(**changes))))


def test_the_audience_may_be_a_list_of_one_or_the_registered_one(job: RelyingParty, register: Register) -> None:
    """Kubernetes writes a list (RFC 7519 section 4.1.3)."""
    assert send(job, SIGNATORY.sign(claims(aud=[ISSUER]))).status_code == 200
    named = register(**WORKLOAD, assertion_audience="api://signet")
    assert send(named, SIGNATORY.sign(claims(aud="api://signet"))).status_code == 200
    assert_refused(send(named, SIGNATORY.sign(claims())))


@in_one_world(
    "subject",
    [
        SUBJECT + "x",
        "repo:octo-org/octo-repo:pull_request",
        SUBJECT.upper(),
        "*",
        "",
        SUBJECT + "\n",
        "repo:octo-org/*",
    ],
)
def test_another_subject_of_the_issuer_is_refused(job: RelyingParty, subject: str) -> None:
    """N-186: another repository, branch or pull request (RFC 7523 section 3 no. 2)."""
    assert_refused(send(job, SIGNATORY.sign(claims(sub=subject))))


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("repo:octo-org/*:environment:prod", "repo:octo-org/a:environment:prod", "repo:octo-org/a:x:environment:prod"),
        ("repo:octo-org/*:environment:prod", "repo:octo-org/b:environment:prod", "repo:octo-org/a/b:environment:prod"),
        ("system:serviceaccount:ci:*", "system:serviceaccount:ci:build", "system:serviceaccount:ci:"),
        ("spiffe://prod.example/ns/ci/*", "spiffe://prod.example/ns/ci/a", "spiffe://prod.example/ns/ci/a/b"),
        ("repo:a.b/c:*", "repo:a.b/c:x", "repo:aXb/c:x"),
    ],
)
def test_a_wildcard_ends_at_the_next_separator(
    register: Register, trust: Callable[..., str], pattern: str, good: str, bad: str
) -> None:
    """N-187: decision 281."""
    trust()
    rp = register(**WORKLOAD | {"assertion_subjects": (pattern,)})
    assert send(rp, SIGNATORY.sign(claims(sub=good))).status_code == 200
    assert_refused(send(rp, SIGNATORY.sign(claims(sub=bad))))


@pytest.mark.parametrize(
    "changes",
    [
        {"assertion_subjects": ("*",)},
        {"assertion_subjects": ("repo:*",)},
        {"assertion_subjects": ("repo:octo-*",)},
        {"assertion_subjects": ("repo:octo-org/**",)},
        {"assertion_subjects": ("repo:octo-org/*:*:*:*:*",)},
        {"assertion_subjects": ("https://*/octo",)},
        {"assertion_subjects": ()},
        {"assertion_subjects": tuple(f"repo:a/b:{n}" for n in range(21))},
        {"assertion_issuer": None},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"profile": "fapi2"},
    ],
)
def test_a_client_names_its_issuer_and_bounded_subjects(register: Register, changes: dict[str, Any]) -> None:
    """N-188: a pattern that would let in subjects of others cannot be registered."""
    with pytest.raises(InvalidMetadata):
        register(**WORKLOAD | changes)


def test_a_token_of_another_issuer_is_refused(register: Register, trust: Callable[..., str]) -> None:
    """N-189: an unknown issuer, and a trusted one that is not the client's, with the same subject (section 3 no. 1)."""
    rp = register(**WORKLOAD)
    assert_refused(send(rp, SIGNATORY.sign(claims())))  # nothing is trusted yet
    trust()
    other = Signatory(key=new_key())
    trust("https://other.example.test", jwks=other.jwks)
    assert_refused(send(rp, other.sign(claims(iss="https://other.example.test"))))
    assert_refused(send(rp, other.sign(claims())))
    for spelled in (CI + "/", CI.upper(), CI + "\x00", [CI], None, {"iss": CI}):
        assert_refused(send(rp, SIGNATORY.sign(claims(iss=spelled))))
    assert send(rp, SIGNATORY.sign(claims())).status_code == 200


def test_a_disabled_issuer_authenticates_no_one(
    register: Register, trust: Callable[..., str], work: Work, explain: Explain
) -> None:
    """N-190: from the next request on, without waiting for a cache."""
    issuer_id, rp = trust(), register(**WORKLOAD)
    token = SIGNATORY.sign(claims())
    assert send(rp, token).status_code == 200
    with work() as w:
        issuers.disable(w, issuer_id)
    refused = send(rp, token)
    assert_refused(refused)
    row = explain(refused.json()["error_id"]) if "error_id" in refused.json() else None
    assert row is None or "disabled" in str(row)
    with work() as w:
        issuers.enable(w, issuer_id)
    assert send(rp, token).status_code == 200
    with work() as w:
        issuers.delete(w, issuer_id)
    assert_refused(send(rp, token))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": lambda now: now - 11},
        {"exp": lambda now: now + 86_400 + 60},
        {"exp": "4102444800"},
        {"nbf": lambda now: now + 60},
        {"iat": lambda now: now + 60},
        {"exp": True},
    ],
)
def test_a_token_is_valid_now_and_for_a_day_at_most(job: RelyingParty, changes: dict[str, Any]) -> None:
    """N-191: also the tokens that Kubernetes extends to a year (section 3 nos. 4 to 6)."""
    now = int(time.time())
    given = {name: value(now) if callable(value) else value for name, value in changes.items()}
    assert_refused(send(job, SIGNATORY.sign(claims(**given))))


@pytest.mark.parametrize("typ", ["at+jwt", "oauth-id-jag+jwt", "logout+jwt", "dpop+jwt"])
def test_other_kinds_of_jwts_of_the_issuer_are_refused(job: RelyingParty, typ: str) -> None:
    """N-192: RFC 8725 section 3.11."""
    assert_refused(send(job, SIGNATORY.sign(claims(), typ=typ)))


def test_an_algorithm_that_the_issuer_does_not_use_is_refused(register: Register, trust: Callable[..., str]) -> None:
    """N-193: and `none` and HS256, keyed with the public key (RFC 8725 section 3.1)."""
    trust(algorithms=("RS256",))
    rp = register(**WORKLOAD)
    assert_refused(send(rp, SIGNATORY.sign(claims())))
    assert_refused(send(rp, SIGNATORY.sign(claims()).rsplit(".", 1)[0] + "."))


def test_the_request_names_the_client(job: RelyingParty, register: Register) -> None:
    """N-194: several clients may be the same workload, so `sub` does not say which one it is (RFC 7521 section 4.2)."""
    assert_refused(send(job, SIGNATORY.sign(claims()), client_id=""))
    secret = register(grant_types=("client_credentials",), redirect_uris=(), scope="api")
    assert_refused(send(secret, SIGNATORY.sign(claims())))
    keyed = register(
        grant_types=("client_credentials",),
        redirect_uris=(),
        scope="api",
        token_endpoint_auth_method="private_key_jwt",
        jwks=SIGNATORY.jwks,
    )
    assert_refused(send(keyed, SIGNATORY.sign(claims(sub=keyed.client_id))))
    own = {"iss": job.client_id, "sub": job.client_id}
    assert_refused(send(job, SIGNATORY.sign(claims(**own))))


def test_a_client_whose_id_is_the_subject_need_not_be_named(
    register: Register, trust: Callable[..., str], work: Work
) -> None:
    trust()
    rp = register(**WORKLOAD)
    with work() as w:
        clients.update_client(w, rp.client_id, replace(rp.client.metadata, assertion_subjects=(rp.client_id,)))
    assert send(rp, SIGNATORY.sign(claims(sub=rp.client_id)), client_id="").status_code == 200


def test_a_jwt_svid_without_iss_is_of_its_trust_domain(register: Register, trust: Callable[..., str]) -> None:
    """SPIFFE JWT-SVID sections 3, 4.2: the bundle is a key set whose keys have the use jwt-svid."""
    domain, workload = "spiffe://prod.example", "spiffe://prod.example/ns/ci/build"
    bundle = {"keys": [SIGNATORY.jwk | {"use": "jwt-svid"}, {"kty": "RSA", "use": "x509-svid", "x5c": ["AA=="]}]}
    trust(domain, jwks=bundle)
    rp = register(**WORKLOAD | {"assertion_issuer": domain, "assertion_subjects": (workload,)})
    assert send(rp, SIGNATORY.sign(claims(iss=None, sub=workload))).status_code == 200
    assert_refused(send(rp, SIGNATORY.sign(claims(iss=None, sub="spiffe://other.example/ns/ci/build"))))


@contextmanager
def serving(documents: dict[str, Behaviour]) -> Iterator[ForeignServer]:
    """An issuer's server: path to behaviour."""

    def choose(connection: Any, request: Request) -> None:
        documents.get(request.target, answer(status="404 Not Found"))(connection, request)

    with ForeignServer(None, choose) as server:
        yield server


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"outbound_allow": frozenset({"127.0.0.0/8"})})


DISCOVERY = "/.well-known/openid-configuration"


def test_keys_are_found_by_discovery_and_rotated(register: Register, trust: Callable[..., str], clock: Clock) -> None:
    """N-195: a new `kid` is looked for, but at most once a minute, whatever is sent (RFC 7517 section 5)."""
    documents: dict[str, Behaviour] = {"/keys": answer(SIGNATORY.jwks)}
    with serving(documents) as server:
        issuer = server.url("").rstrip("/")
        documents[DISCOVERY] = answer({"issuer": issuer, "jwks_uri": f"{issuer}/keys"})
        trust(issuer, jwks=None)
        rp = register(**WORKLOAD | {"assertion_issuer": issuer})

        def token(signatory: Signatory) -> httpx2.Response:
            now = int(clock.now.timestamp())
            return send(rp, signatory.sign(claims(iss=issuer, exp=now + 600, iat=now, nbf=now)))

        assert token(SIGNATORY).status_code == 200
        assert [request.target for request in server.requests] == [DISCOVERY, "/keys"]
        newer = Signatory(kid="key-2", key=new_key())
        documents["/keys"] = answer({"keys": [SIGNATORY.jwk, newer.jwk]})
        assert_refused(token(newer))  # asked a moment ago
        assert len(server.requests) == 2
        clock.advance(seconds=61)
        assert token(newer).status_code == 200
        assert len(server.requests) == 3
        for _ in range(3):  # invented ones lead to no more requests
            assert_refused(token(Signatory(kid="invented", key=new_key())))
        assert len(server.requests) == 3


def test_an_outage_of_the_issuer_is_no_verdict(
    register: Register, trust: Callable[..., str], clock: Clock, http: WatchedClient
) -> None:
    """N-196: 503 and not invalid_client, so that a client waits instead of giving up."""
    documents: dict[str, Behaviour] = {"/keys": answer(status="503 Service Unavailable")}
    with serving(documents) as server:
        issuer = server.url("").rstrip("/")
        trust(issuer, jwks=None, jwks_uri=f"{issuer}/keys")
        rp = register(**WORKLOAD | {"assertion_issuer": issuer})
        token = SIGNATORY.sign(claims(iss=issuer))
        http.outage = True
        refused = send(rp, token)
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        documents["/keys"] = answer(SIGNATORY.jwks)
        clock.advance(seconds=61)
        now = int(clock.now.timestamp())
        assert send(rp, SIGNATORY.sign(claims(iss=issuer, exp=now + 60, iat=now, nbf=now))).status_code == 200


@pytest.mark.parametrize("what", ["other issuer", "redirect", "huge", "private", "no url", "html"])
def test_a_discovery_document_that_lies_or_leads_elsewhere_is_not_used(
    register: Register, trust: Callable[..., str], http: WatchedClient, what: str
) -> None:
    """N-197: OIDC Discovery section 4.3; no redirects, a size limit, address checks."""
    documents: dict[str, Behaviour] = {"/keys": answer(SIGNATORY.jwks)}
    with serving(documents) as server:
        issuer = server.url("").rstrip("/")
        good = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
        documents[DISCOVERY] = {
            "other issuer": answer(good | {"issuer": issuer + "/"}),
            "redirect": answer(status="302 Found", Location=f"{issuer}/elsewhere"),
            "huge": answer(good | {"padding": "x" * 70_000}),
            "private": answer(good | {"jwks_uri": "https://10.1.2.3/keys"}),
            "no url": answer(good | {"jwks_uri": 7}),
            "html": answer("<html>", "text/html"),
        }[what]
        documents["/elsewhere"] = answer(good)
        trust(issuer, jwks=None)
        rp = register(**WORKLOAD | {"assertion_issuer": issuer})
        http.outage = True
        assert send(rp, SIGNATORY.sign(claims(iss=issuer))).status_code == 503
        assert "/elsewhere" not in [request.target for request in server.requests]
