"""signet doctor on what a proxy does to requests and responses: break it, and it is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.doctor.examination import Case
from provider.doctor.limits import LIMITS
from provider.doctor.proxy import CLAIMED, PROXY
from provider.doctor.public_answers import PUBLIC_ANSWERS
from provider.doctor.transport import Response, Unreachable
from provider.installation import open_installation
from provider.web.health import LIFETIME, MAX_SENT, Wish, seal
from provider.work import Installation
from tests.doctor.conftest import PROXY_ADDRESS
from tests.support.clock import Clock
from tests.support.doctor import Proxy, Request, forward, found_by, respond, without
from tests.support.installation import settings_for

BOTH = (*PROXY, *PUBLIC_ANSWERS, *LIMITS)


def found(case: Case) -> dict[str, str]:
    return {name: each.severity for name, each in found_by(case, BOTH).items()}


def sending(**headers: str | None) -> Callable[[Request], Request]:
    """A proxy that sends these headers too, or instead; `None` removes one."""

    def send(request: Request) -> Request:
        method, path, sent, body = forward(request)
        for name, value in headers.items():
            sent = {key: each for key, each in sent.items() if key.lower() != name.replace("_", "-")}
            if value is not None:
                sent[name.replace("_", "-")] = value
        return method, path, sent, body

    return send


def test_a_fit_proxy_has_no_finding(case: Case) -> None:
    assert found(case) == {}


@pytest.mark.parametrize(
    ("send", "name"),
    [
        (sending(host="127.0.0.1:8001"), "proxy.host-is-changed"),
        (sending(x_forwarded_for=None, forwarded=None), "proxy.client-address-is-missing"),
        (sending(x_forwarded_for="unknown"), "proxy.client-address-is-unreadable"),
        (sending(x_forwarded_for=f"{CLAIMED}"), "proxy.client-address-can-be-claimed"),
        (sending(authorization=None), "proxy.headers-are-lost"),
        (sending(dpop=None), "proxy.headers-are-lost"),
        (sending(cookie="other=1"), "proxy.headers-are-lost"),
    ],
)
def test_a_request_that_arrives_otherwise_is_named(
    case: Case, proxy: Proxy, send: Callable[[Request], Request], name: str
) -> None:
    proxy.forward = send
    assert found(case)[name] == "problem"


def test_headers_of_clients_that_are_passed_on_can_claim_an_address(case: Case, proxy: Proxy) -> None:
    """RFC 7239 section 8.1."""
    proxy.forward = lambda request: request
    assert found(case)["proxy.client-address-can-be-claimed"] == "problem"


def test_forwarded_beside_a_claimed_x_forwarded_for_is_named(case: Case, proxy: Proxy) -> None:
    def send(request: Request) -> Request:
        method, path, headers, body = request
        return method, path, {**headers, "Forwarded": "for=198.51.100.9"}, body

    proxy.forward = send
    assert found(case)["proxy.client-address-can-be-claimed"] == "problem"


def test_a_machine_that_is_itself_a_trusted_proxy_gives_no_verdict(case: Case, proxy: Proxy) -> None:
    proxy.forward = sending(x_forwarded_for=f"{CLAIMED}, {PROXY_ADDRESS}")
    assert found(case) == {"proxy.examined-from-a-proxy": "unknown"}


class TestWithoutTrust:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url)

    def test_a_proxy_that_is_not_trusted_is_named(self, case: Case) -> None:
        assert found(case) == {"proxy.is-not-trusted": "problem"}

    def test_without_a_proxy_there_is_no_finding(self, case: Case, proxy: Proxy) -> None:
        proxy.forward = lambda request: request
        assert found(case) == {}


class TestClientCertificates:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        trusted = frozenset({PROXY_ADDRESS})
        return settings_for(database_url, trusted_proxies=trusted, client_certificate_header="client-cert")

    def test_a_header_with_a_certificate_that_arrives_is_named(self, case: Case, proxy: Proxy) -> None:
        assert found(case) == {}

        def send(request: Request) -> Request:
            method, path, headers, body = forward(request)
            given = {name: value for name, value in request[2].items() if name.lower() == "client-cert"}
            return method, path, {**headers, **given}, body

        proxy.forward = send
        assert found(case) == {"proxy.client-certificate-can-be-claimed": "problem"}


def test_a_query_that_is_decoded_is_named(case: Case, proxy: Proxy) -> None:
    def send(request: Request) -> Request:
        method, path, headers, body = forward(request)
        return method, path.replace("%2F", "/"), headers, body

    proxy.forward = send
    assert found(case)["proxy.query-is-changed"] == "problem"


def test_blocked_methods_are_named(case: Case, proxy: Proxy) -> None:
    proxy.answer = lambda request: respond(405) if request[0] in {"PUT", "DELETE"} else None
    (finding,) = found_by(case, BOTH).values()
    assert (finding.id, finding.what) == ("proxy.methods-are-blocked", "Requests with PUT, DELETE do not arrive.")


def test_a_changed_body_is_named(case: Case, proxy: Proxy) -> None:
    def send(request: Request) -> Request:
        method, path, headers, body = forward(request)
        return method, path, headers, body.strip() if body else body

    proxy.forward = send
    assert found(case) == {"proxy.bodies-are-changed": "problem"}


def limited(most: int, status: int) -> Callable[[Request], Response | None]:
    def answer(request: Request) -> Response | None:
        _, path, headers, body = request
        size = {413: len(body or b""), 414: len(path), 400: sum(map(len, headers.values()))}[status]
        return respond(status) if size > most else None

    return answer


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (limited(1 << 20, 413), {"proxy.upload-limit"}),
        (limited(8000, 413), {"proxy.upload-limit", "proxy.form-limit"}),
        (limited(4000, 414), {"proxy.request-header-limit"}),
        (limited(4000, 400), {"proxy.request-header-limit"}),
    ],
)
def test_limits_of_requests_are_named(
    case: Case, proxy: Proxy, answer: Callable[[Request], Response | None], names: set[str]
) -> None:
    proxy.answer = answer
    assert found(case) == dict.fromkeys(names, "problem")


def test_a_connection_that_is_reset_by_a_large_body_is_a_limit_too(case: Case, proxy: Proxy) -> None:
    def answer(request: Request) -> Response | None:
        if len(request[3] or b"") > 1 << 20:
            raise Unreachable("https://id.example.test", "no connection (Connection reset by peer)")
        return None

    proxy.answer = answer
    assert found(case) == {"proxy.upload-limit": "problem"}


def test_limits_of_responses_are_named(case: Case, proxy: Proxy) -> None:
    def change(_: str, response: Response) -> Response:
        if response.header("signet-filling"):
            return respond(502)
        return replace(response, body=response.body[:100_000]) if len(response.body) > 100_000 else response

    proxy.change = change
    assert found(case) == {"proxy.response-header-limit": "problem", "proxy.responses-are-cut": "problem"}


def test_a_short_timeout_is_named(case: Case, proxy: Proxy) -> None:
    proxy.answer = lambda _: respond(504)
    assert found_by(case, [LIMITS[-1]]) == {}, "a proxy that reaches nothing gets no verdict on its patience"
    counted = iter((None, respond(504)))
    proxy.answer = lambda _: next(counted)
    assert list(found_by(case, [LIMITS[-1]])) == ["proxy.timeout"]


def test_errors_that_are_replaced_are_named(case: Case, proxy: Proxy) -> None:
    """RFC 6749 section 5.2."""

    def change(_: str, response: Response) -> Response:
        return replace(response, body=b"<h1>Oops</h1>") if 400 <= response.status < 500 else response

    proxy.change = change
    assert found(case) == {"proxy.errors-are-replaced": "problem"}


def test_metrics_that_are_public_are_named(case: Case, proxy: Proxy) -> None:
    metrics = respond(200, b"# TYPE signet_sign_ins counter\n")
    proxy.answer = lambda request: metrics if request[1] == "/metrics" else None
    assert found(case) == {"proxy.metrics-are-public": "problem"}


def test_a_lost_challenge_is_named(case: Case, proxy: Proxy) -> None:
    """RFC 6750 section 3."""
    proxy.change = lambda _, response: without(response, "www-authenticate")
    assert found(case) == {"proxy.www-authenticate-is-lost": "problem"}


def test_an_echo_that_the_proxy_blocks_is_unknown(case: Case, proxy: Proxy) -> None:
    proxy.answer = lambda request: respond(403) if request[1].startswith("/health/") else None
    assert found(case) == {"proxy.echo-is-not-passed": "unknown"}


def test_another_secret_key_is_named(case: Case, database_url: str) -> None:
    other = settings_for(database_url, secret_key="another key of 32 characters or more for tests")
    installation = open_installation(other, clock=case.now)
    try:
        assert found(replace(case, installation=installation)) == {"proxy.token-is-not-accepted": "problem"}
    finally:
        installation.database.close()


def test_one_node_with_another_secret_key_is_named(case: Case, proxy: Proxy) -> None:
    counted = iter(range(100))
    refused = respond(404, b'{"error":"not_found"}')
    proxy.answer = lambda _: refused if next(counted) % 2 else None
    assert found_by(case, PROXY[:1]).keys() == {"proxy.nodes-have-other-keys"}


class TestEcho:
    """The endpoint with which the app says what it saw is of no use to others (N-431 to N-434)."""

    @pytest.mark.parametrize("token", [None, "", "x", "é", "12345678.AAAA", "x" * 5000])
    def test_without_a_token_of_this_installation_there_is_no_such_page(
        self, client: TestClient, token: str | None
    ) -> None:
        """N-431."""
        headers = {} if token is None else {"signet-doctor": token.encode("latin-1")}
        answer = client.post("/health/echo", content=b"x" * 100, headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})

    def test_a_token_expires(self, client: TestClient, installation: Installation, clock: Clock) -> None:
        """N-432."""
        token = seal(installation.vault, Wish(), now=clock())
        assert client.get("/health/echo", headers={"signet-doctor": token}).status_code == 200
        clock.advance(LIFETIME)
        assert client.get("/health/echo", headers={"signet-doctor": token}).status_code == 404

    def test_a_token_for_another_purpose_is_not_accepted(
        self, client: TestClient, installation: Installation, clock: Clock
    ) -> None:
        """N-433."""
        token = installation.vault.seal({"wait": 60}, purpose="csrf", now=clock(), lifetime=LIFETIME)
        assert client.get("/health/echo", headers={"signet-doctor": token}).status_code == 404

    def test_secrets_of_a_request_are_not_repeated(
        self, client: TestClient, installation: Installation, clock: Clock
    ) -> None:
        """N-434."""
        sent = {"signet-doctor": seal(installation.vault, Wish(), now=clock()), "authorization": "Bearer sesame"}
        answer = client.get("/health/echo", headers={**sent, "cookie": "signet=sesame"})
        assert answer.status_code == 200
        assert "sesame" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert client.post("/health/echo", content=b"x" * (MAX_SENT + 1), headers=sent).status_code == 413
