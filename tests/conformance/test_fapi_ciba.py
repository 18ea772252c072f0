"""The FAPI-CIBA plan, fapi-ciba-id1-test-plan: one test per module, named after it; private_key_jwt, poll and ping.

The plan's tokens are bound to certificates; these are bound to keys (RFC 9449). The clients are registered by an
operator, and the user approves in a browser that is signed in. They have the members that the profile requires one by
one: the audience of their assertions is the endpoint, which `profile: fapi2` does not allow.
"""

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from joserfc import jwt

from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.work import Installation, unit_of_work
from tests.conformance.suite import EMAIL, Person, Provider, unsigned
from tests.support.certificates import Authority
from tests.support.client_keys import Signatory, asserting, assertion_claims, sign
from tests.support.dpop import Prover
from tests.support.factories import PASSWORD
from tests.support.foreign_server import ForeignServer, answer
from tests.support.waiting import wait_until

GRANT = "urn:openid:params:grant-type:ciba"
MODES = ("poll", "ping")
INVALID_REQUEST = (400, "invalid_request")


@dataclass
class CibaClient:
    """A client that an operator registered, as the suite plays it."""

    provider: Provider
    client_id: str
    mode: str
    keys: Signatory
    server: ForeignServer
    prover: Prover
    notification_token: str = ""

    def assertion(self, audience: str, *, alg: str = "PS256") -> dict[str, str]:
        claims = assertion_claims(self.client_id, audience)
        return asserting(sign(claims, self.keys.key, alg=alg, kid=self.keys.kid))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Every claim of the request object; one given as None is left out."""
        now = int(time.time())
        self.notification_token = secrets.token_urlsafe(32)
        claims = {
            "scope": "openid email offline_access",
            "login_hint": EMAIL,
            "binding_message": "1234",
            "client_notification_token": self.notification_token if self.mode == "ping" else None,
            "iss": self.client_id,
            "aud": self.provider.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def send(self, **form: str) -> httpx2.Response:
        url = self.provider.metadata["backchannel_authentication_endpoint"]
        return self.provider.http.post(url, data={**self.assertion(url), **form})

    def ask(self, *, alg: str = "PS256", **changes: Any) -> httpx2.Response:
        return self.send(request=sign(self.claims(**changes), self.keys.key, alg=alg, kid=self.keys.kid))

    def refused(self, response: httpx2.Response) -> tuple[int, str]:
        body = response.json()
        own = (
            set()
            if str(response.url) == self.provider.metadata["backchannel_authentication_endpoint"]
            else {"error_id"}
        )
        assert body.keys() <= {"error", "error_description"} | own, "CIBA section 13"
        assert isinstance(body["error_description"], str)
        assert not set("\r\n\t") & set(body["error_description"])
        return response.status_code, body["error"]

    def begin(self, **changes: Any) -> dict[str, Any]:
        response = self.ask(**changes)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("application/json")
        body: dict[str, Any] = response.json()
        assert re.fullmatch(r"[A-Za-z0-9._-]{27,}", body["auth_req_id"])
        assert body["expires_in"] > 0
        assert body["interval"] > 0
        return body

    def token(self, auth_req_id: str, **form: str) -> httpx2.Response:
        url = self.provider.metadata["token_endpoint"]
        headers = {"dpop": self.prover.proof("POST", url)}
        given = {**self.assertion(url), "grant_type": GRANT, "auth_req_id": auth_req_id, **form}
        return self.provider.http.post(url, data=given, headers=headers)

    def finish(self, auth_req_id: str, **form: str) -> dict[str, Any]:
        """The tokens, with the checks that the suite makes of them."""
        if self.mode == "ping":
            self.require_ping(auth_req_id)
        response = self.token(auth_req_id, **form)
        assert response.status_code == 200, response.text
        assert response.headers["cache-control"] == "no-store"
        body: dict[str, Any] = response.json()
        assert 0 < body["expires_in"] < 366 * 86400
        for name in ("access_token", "refresh_token"):
            assert len(body[name]) >= 22
        header, claims = decode(self.provider, body["id_token"])
        assert header["alg"] == "PS256"
        assert (claims["iss"], claims["aud"]) == (self.provider.issuer, self.client_id)
        assert claims["sub"]
        assert not {"c_hash", "s_hash", "nonce", "urn:openid:params:jwt:claim:auth_req_id"} & claims.keys()
        url = self.provider.metadata["userinfo_endpoint"]
        headers = self.prover.headers("GET", url, body["access_token"])
        assert self.provider.http.get(url, headers=headers).json()["email"] == EMAIL
        return body

    def pings(self, auth_req_id: str) -> list[Any]:
        body = f'{{"auth_req_id": "{auth_req_id}"}}'.encode()
        return [request for request in self.server.requests if request.body == body]

    def require_ping(self, auth_req_id: str) -> None:
        got = wait_until(lambda: self.pings(auth_req_id), what="no ping")[0]
        assert (got.method, got.target) == ("POST", "/ciba-notification-endpoint")
        assert got.headers["authorization"] == f"Bearer {self.notification_token}"
        assert got.headers["content-type"] == "application/json"

    def user_answers(self, user: Person, button: str = "Allow") -> None:
        """The latest request on the account page."""
        page = user.open(f"{self.provider.issuer}/account")
        url = re.findall(r'href="(/approve\?request=[^"]+)"', page.html)[0]
        assert "1234" in user.open(self.provider.issuer + url).text, "the binding_message of every request"
        assert user.submit(button=button).heading == {"Allow": "Request approved", "Deny": "Request denied"}[button]


def decode(provider: Provider, id_token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    token = jwt.decode(id_token, provider.jwks(), algorithms=["PS256"])
    return token.header, token.claims


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[ForeignServer]:
    with ForeignServer(authority.issue("localhost"), answer(status="204 No Content")) as server:
        yield server


@pytest.fixture(scope="module")
def user(provider: Provider) -> Iterator[Person]:
    person = Person(provider)
    person.open(f"{provider.issuer}/login")
    person.submit({"username": EMAIL, "password": PASSWORD}, button="Sign in")
    yield person
    person.client.close()


@pytest.fixture(scope="module")
def registered(provider: Provider, installation: Installation, server: ForeignServer) -> dict[str, CibaClient]:
    """A client of each mode, and another one for the modules with two clients."""
    found = {}
    for name, mode in (("poll", "poll"), ("ping", "ping"), ("second", "poll")):
        keys = Signatory.of("PS256") if name != "second" else Signatory.of("ES256")
        endpoint = server.url("/ciba-notification-endpoint") if mode == "ping" else None
        metadata = ClientMetadata(
            client_name="oidf-conformance",
            grant_types=(GRANT, "refresh_token"),
            response_types=(),
            scope="openid email offline_access",
            token_endpoint_auth_method="private_key_jwt",
            token_endpoint_auth_signing_alg=keys.alg,
            backchannel_authentication_request_signing_alg=keys.alg,
            dpop_bound_access_tokens=True,
            id_token_signed_response_alg="PS256",
            jwks=keys.jwks,
            backchannel_token_delivery_mode=mode,
            backchannel_client_notification_endpoint=endpoint,
        )
        with unit_of_work(installation) as work:
            client, _ = create_client(work, metadata)
        found[name] = CibaClient(provider, client.client_id, mode, keys, server, Prover())
    return found


@pytest.fixture(params=MODES)
def either(request: pytest.FixtureRequest, registered: dict[str, CibaClient]) -> CibaClient:
    return registered[request.param]


@pytest.fixture
def poll(registered: dict[str, CibaClient]) -> CibaClient:
    return registered["poll"]


@pytest.fixture
def ping(registered: dict[str, CibaClient], server: ForeignServer) -> Iterator[CibaClient]:
    yield registered["ping"]
    server.behaviour = answer(status="204 No Content")


def test_discovery_end_point_verification(provider: Provider) -> None:
    found = provider.metadata
    assert set(found["backchannel_token_delivery_modes_supported"]) == set(MODES)
    assert found["backchannel_authentication_endpoint"].startswith("https://")
    assert "PS256" in found["backchannel_authentication_request_signing_alg_values_supported"]
    assert not {"none", "HS256"} & set(found["backchannel_authentication_request_signing_alg_values_supported"])
    assert found["backchannel_user_code_parameter_supported"] is False
    assert GRANT in found["grant_types_supported"]
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]


def test_fapi_ciba_id1(either: CibaClient, user: Person) -> None:
    asked = either.begin()
    pending = either.token(asked["auth_req_id"])
    assert either.refused(pending) == (400, "authorization_pending")
    either.user_answers(user)
    either.finish(asked["auth_req_id"])


def test_user_rejects_authentication(either: CibaClient, user: Person) -> None:
    asked = either.begin()
    either.user_answers(user, "Deny")
    if either.mode == "ping":
        either.require_ping(asked["auth_req_id"])
    assert either.refused(either.token(asked["auth_req_id"])) == (400, "access_denied")


def test_multiple_call_to_token_endpoint(either: CibaClient, user: Person) -> None:
    asked = either.begin()
    outcomes = [either.refused(either.token(asked["auth_req_id"])) for _ in range(3)]
    assert outcomes == [(400, "authorization_pending"), (400, "slow_down"), (400, "slow_down")]
    either.user_answers(user)
    either.finish(asked["auth_req_id"])
    assert either.refused(either.token(asked["auth_req_id"])) == (400, "invalid_grant")


def test_auth_req_id_expired(either: CibaClient) -> None:
    asked = either.begin(requested_expiry=1)
    assert asked["expires_in"] == 1
    time.sleep(1.1)
    assert either.refused(either.token(asked["auth_req_id"])) == (400, "expired_token")


def test_ensure_authorization_request_with_binding_message_succeeds(either: CibaClient, user: Person) -> None:
    asked = either.begin(binding_message="1234")
    either.user_answers(user)
    either.finish(asked["auth_req_id"])


def test_ensure_authorization_request_with_potentially_bad_binding_message(poll: CibaClient) -> None:
    message = "1234 \U0001f44d\U0001f3ff 品川 Lorem ipsum dolor sit amet, " + "consectetur " * 35
    assert poll.refused(poll.ask(binding_message=message)) == (400, "invalid_binding_message")


def test_ensure_other_scope_order_succeeds(either: CibaClient, user: Person) -> None:
    asked = either.begin(scope="offline_access email openid")
    either.user_answers(user)
    either.finish(asked["auth_req_id"])


def test_ensure_requested_expiry_as_string_succeeds(either: CibaClient, user: Person) -> None:
    asked = either.begin(requested_expiry="120")
    assert asked["expires_in"] == 120
    either.user_answers(user)
    either.finish(asked["auth_req_id"])


def test_ensure_request_object_missing_aud_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(aud=None)) == INVALID_REQUEST


def test_ensure_request_object_bad_aud_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(aud="https://www.other1.example.com/")) == INVALID_REQUEST


def test_ensure_request_object_missing_iss_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(iss=None)) == INVALID_REQUEST


def test_ensure_request_object_bad_iss_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(iss=poll.client_id + "1")) == INVALID_REQUEST


def test_ensure_request_object_missing_exp_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(exp=None)) == INVALID_REQUEST


def test_ensure_request_object_expired_exp_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(exp=int(time.time()) - 300)) == INVALID_REQUEST


def test_ensure_request_object_exp_is_70_minutes_in_future_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(exp=int(time.time()) + 70 * 60)) == INVALID_REQUEST


def test_ensure_request_object_missing_iat_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(iat=None)) == INVALID_REQUEST


def test_ensure_request_object_missing_nbf_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(nbf=None)) == INVALID_REQUEST


def test_ensure_request_object_nbf_is_10_minutes_in_future_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(nbf=int(time.time()) + 10 * 60)) == INVALID_REQUEST


def test_ensure_request_object_nbf_is_70_minutes_in_past_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(nbf=int(time.time()) - 70 * 60)) == INVALID_REQUEST


def test_ensure_request_object_missing_jti_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(jti=None)) == INVALID_REQUEST


def test_ensure_request_object_signature_algorithm_is_none_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.send(request=unsigned(poll.claims()))) == INVALID_REQUEST


def test_ensure_request_object_signature_algorithm_is_bad_fails(poll: CibaClient) -> None:
    signed = sign(poll.claims(), poll.keys.key, alg="PS256", kid=poll.keys.kid)
    assert poll.refused(poll.send(request=signed[:-4] + "AAAA")) == INVALID_REQUEST


def test_ensure_request_object_signature_algorithm_is_rs256_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(alg="RS256")) == INVALID_REQUEST


def test_ensure_request_object_signed_by_other_client_fails(
    poll: CibaClient, registered: dict[str, CibaClient]
) -> None:
    assert poll.refused(poll.send(request=registered["second"].keys.sign(poll.claims()))) == INVALID_REQUEST


def test_ensure_authorization_request_with_multiple_hints_fails(poll: CibaClient) -> None:
    assert poll.refused(poll.ask(id_token_hint="a.b.c")) == INVALID_REQUEST
    assert poll.refused(poll.ask(login_hint_token="a.b.c")) == INVALID_REQUEST


def test_ensure_wrong_auth_req_id_in_token_endpoint_request(
    either: CibaClient, registered: dict[str, CibaClient]
) -> None:
    second, asked = registered["second"], either.begin()
    url = second.provider.metadata["token_endpoint"]
    own = asserting(second.keys.sign(assertion_claims(second.client_id, second.provider.issuer)))
    form = {**own, "grant_type": GRANT, "auth_req_id": asked["auth_req_id"]}
    response = second.provider.http.post(url, data=form, headers={"dpop": second.prover.proof("POST", url)})
    assert second.refused(response) == (400, "invalid_grant")


def test_ensure_without_client_assertion_in_token_endpoint_fails(poll: CibaClient, user: Person) -> None:
    asked = poll.begin()
    poll.user_answers(user)
    url = poll.provider.metadata["token_endpoint"]
    form = {"grant_type": GRANT, "auth_req_id": asked["auth_req_id"], "client_id": poll.client_id}
    assert poll.refused(poll.provider.http.post(url, data=form)) == (401, "invalid_client")


def test_ensure_without_client_assertion_in_backchannel_authorization_request_fails(poll: CibaClient) -> None:
    url = poll.provider.metadata["backchannel_authentication_endpoint"]
    form = {"client_id": poll.client_id, "request": sign(poll.claims(), poll.keys.key, alg="PS256", kid=poll.keys.kid)}
    assert poll.refused(poll.provider.http.post(url, data=form)) == (401, "invalid_client")


def test_ensure_client_assertion_signature_algorithm_in_backchannel_authorization_request_is_rs256_fails(
    poll: CibaClient,
) -> None:
    form = poll.assertion(poll.provider.issuer, alg="RS256")
    form["request"] = sign(poll.claims(), poll.keys.key, alg="PS256", kid=poll.keys.kid)
    assert poll.refused(poll.send(**form)) == (401, "invalid_client")


def test_ensure_client_assertion_signature_algorithm_in_token_endpoint_request_is_rs256_fails(
    poll: CibaClient, user: Person
) -> None:
    asked = poll.begin()
    poll.user_answers(user)
    assert poll.refused(poll.token(asked["auth_req_id"], **poll.assertion(poll.provider.issuer, alg="RS256"))) == (
        401,
        "invalid_client",
    )


def test_ensure_client_assertion_with_iss_aud_succeeds(poll: CibaClient, user: Person) -> None:
    asked = poll.begin()
    poll.user_answers(user)
    poll.finish(asked["auth_req_id"], **poll.assertion(poll.provider.issuer))


def test_ensure_unsigned_backchannel_authorization_request_fails(poll: CibaClient) -> None:
    claims = poll.claims()
    form = {name: claims[name] for name in ("scope", "login_hint", "binding_message")}
    assert poll.refused(poll.send(**form)) == INVALID_REQUEST


def test_refresh_token(either: CibaClient, registered: dict[str, CibaClient], user: Person) -> None:
    asked = either.begin()
    either.user_answers(user)
    body = either.finish(asked["auth_req_id"])
    first = decode(either.provider, body["id_token"])[1]
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    fresh = either.token("", **form)
    assert fresh.status_code == 200, fresh.text
    assert decode(either.provider, fresh.json()["id_token"])[1]["sub"] == first["sub"]
    second = registered["second"]
    url = second.provider.metadata["token_endpoint"]
    own = asserting(second.keys.sign(assertion_claims(second.client_id, second.provider.issuer)))
    headers = {"dpop": second.prover.proof("POST", url)}
    stolen = second.provider.http.post(url, data={**own, **form}, headers=headers)
    assert second.refused(stolen) == (400, "invalid_grant")


def test_ping_backchannel_notification_endpoint_response_a_body(
    ping: CibaClient, server: ForeignServer, user: Person
) -> None:
    server.behaviour = answer('{"what": "ever"}', status="200 OK")
    asked = ping.begin()
    ping.user_answers(user)
    ping.finish(asked["auth_req_id"])


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_ping_backchannel_notification_endpoint_response_401_403_and_the_server_does_not_retry(
    ping: CibaClient, server: ForeignServer, user: Person, status: str
) -> None:
    server.behaviour = answer(status=status)
    asked = ping.begin()
    ping.user_answers(user)
    ping.finish(asked["auth_req_id"])
    assert len(ping.pings(asked["auth_req_id"])) == 1


def test_ping_backchannel_notification_endpoint_return_redirect_request(
    ping: CibaClient, server: ForeignServer, user: Person
) -> None:
    server.behaviour = answer(
        status="301 Moved Permanently", location=server.url("/invalid-ciba-notification-endpoint")
    )
    asked = ping.begin()
    ping.user_answers(user)
    ping.finish(asked["auth_req_id"])
    assert not [request for request in server.requests if "invalid" in request.target]
