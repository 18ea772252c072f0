"""What requests cost in which clients show keys: certificates, assertions, request objects, and metadata documents.

DPoP is in `test_cost_of_operations`. Clients without any of it pay nothing for them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from provider.config.settings import Settings
from provider.web import threads
from provider.work import Installation
from tests.oauth.clients.test_metadata_documents import allow
from tests.oauth.conftest import Person, Register
from tests.oauth.sender_constraint.conftest import StoppedTime
from tests.oauth.watched_http import WatchedClient
from tests.support import client_keys
from tests.support.client_certificates import PROXY, Shown, issue, with_mutual_tls
from tests.support.client_documents import LISTED, Names, Published, with_names
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.costs import TIMES, Calls, Costs, Operation, counted, require_costs
from tests.support.foreign_server import ForeignServer
from tests.support.installation import FOREIGN_HOST, ISSUER, settings_for
from tests.support.relying_party import AUTHORIZE, PAR, Answer, RelyingParty

pytestmark = pytest.mark.also_on_postgresql

COSTS: Costs = {
    "client_credentials with a certificate": {"sqlite": (1, 240), "postgresql": (1, 295)},
    "client_credentials with an assertion": {"sqlite": (2, 317), "postgresql": (2, 396)},
    "pushed request object": {"sqlite": (2, 572), "postgresql": (4, 831)},
    "authorization of a pushed request": {"sqlite": (6, 1031), "postgresql": (7, 1536)},
    "code with an assertion": {"sqlite": (4, 459), "postgresql": (3, 546)},
    "authorization of a metadata document": {"sqlite": (5, 607), "postgresql": (4, 778)},
    "code of a metadata document": {"sqlite": (5, 687), "postgresql": (4, 834)},
    "refresh_token of a metadata document": {"sqlite": (5, 684), "postgresql": (4, 832)},
}
"""With Python 3.11. Compare with the same operations in `test_cost_of_operations`."""
CERTIFICATE = {
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": "CN=client,O=Example",
}


@pytest.fixture(scope="module")
def root() -> Shown:
    return issue("CN=Authority", ca=True)


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any], root: Shown, tmp_path: Path) -> Settings:
    """With the caches that an installation has, mutual TLS and metadata documents."""
    usual = Settings.model_fields
    caches = {name: usual[name].default for name in ("client_cache", "key_cache")}
    return with_mutual_tls(settings_for(database_url, **LISTED, **outbound_settings, **caches), root.write(tmp_path))


@pytest.fixture
def installation(installation: Installation) -> Installation:
    return with_names(installation, Names())


@pytest.fixture
def http(http: WatchedClient) -> WatchedClient:
    http.come_from(PROXY)
    return http


@pytest.fixture(autouse=True)
def _few_surprises(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients have the clock of the server, and endpoints stay in the event loop, also on a busy machine."""
    monkeypatch.setattr(client_keys, "time", StoppedTime(clock))
    monkeypatch.setattr(threads, "LOOP_PAUSE", 0.0)


@pytest.fixture(autouse=True)
def calls() -> Iterator[Calls]:
    with counted() as calls:
        yield calls


def test_no_signed_request_costs_more_than_it_did(
    calls: Calls,
    register: Register,
    person: Person,
    ada: str,
    installation: Installation,
    http: WatchedClient,
    root: Shown,
    foreign_server: ForeignServer,
    hosts: set[str],
) -> None:
    programs: dict[str, Any] = {"redirect_uris": (), "grant_types": ("client_credentials",), "scope": "admin:read"}
    with_certificate = register(**programs, **CERTIFICATE)
    with_certificate.certificate = issue(by=root)
    signing = {"token_endpoint_auth_method": "private_key_jwt", "jwks": Signatory().jwks}
    with_assertion = register(**programs, **signing)
    app, browser = register(**signing), person(ada)
    hosts.add(FOREIGN_HOST)
    document = Published(foreign_server)
    document.publish(token_endpoint_auth_method="private_key_jwt", jwks_uri=document.jwks_uri)
    agent = document.rp(http, token_endpoint_auth_method="private_key_jwt")
    first = agent.redeem(allow(agent, browser))
    newest = [first.refresh_token]
    pushed = [_push(app) for _ in range(TIMES)]
    own, answers = ([rp.ask(browser) for _ in range(TIMES)] for rp in (app, agent))

    def refresh() -> httpx2.Response:
        refreshed = agent.refresh(newest[0])
        newest[0] = refreshed.refresh_token
        return refreshed.response

    def authorize() -> httpx2.Response:
        query = {"client_id": app.client_id, "request_uri": pushed.pop().json()["request_uri"]}
        response = browser.get(AUTHORIZE, params=query, follow_redirects=False)
        assert Answer(response, {}, "").code
        return response

    operations: dict[str, Operation] = {
        "client_credentials with a certificate": lambda: with_certificate.client_credentials().response,
        "client_credentials with an assertion": lambda: with_assertion.client_credentials().response,
        "pushed request object": lambda: _push(app),
        "authorization of a pushed request": authorize,
        "code with an assertion": lambda: app.redeem(own.pop()).response,
        "authorization of a metadata document": lambda: agent.ask(browser).response,
        "code of a metadata document": lambda: agent.redeem(answers.pop()).response,
        "refresh_token of a metadata document": refresh,
    }
    require_costs(calls, installation, operations, COSTS)


def _push(app: RelyingParty) -> httpx2.Response:
    """RFC 9126 section 3: the request is a signed object."""
    parameters, _ = app.request()
    signed = app.signatory.sign({**parameters, "iss": app.client_id, "aud": ISSUER})
    return app.post(PAR, request=signed)
