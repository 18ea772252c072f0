"""The sample web app and the sample API with a real Signet, by the test kit: sign-in, sign-out, what is wrong."""

from collections.abc import Iterator
from typing import Any

import pytest
from signet_testing.server import Server
from signet_testing.signet import Signet
from starlette.testclient import TestClient

from tests.clients.conftest import sample
from tests.kit.conftest import signet, signet_server, signet_settings
from tests.support.one_world import in_one_world

__all__ = ["signet", "signet_server", "signet_settings"]
AUDIENCE = "https://api.example"


@pytest.fixture
def web_app(signet: Signet) -> Iterator[TestClient]:
    """The app on a port, where Signet's notifications reach it, and a browser at it."""
    server = Server("127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.port}"
    client = signet.client(f"{url}/callback", backchannel_logout_uri=f"{url}/backchannel-logout", client_name="Quill")
    module = sample("web_app.app")
    config = module.Config(signet.issuer, client.client_id, client.client_secret, url, "http://127.0.0.1:9")
    app = module.create_app(config)
    server.start(app)
    yield TestClient(app, base_url=url, follow_redirects=False)
    server.stop()


def sign_in(signet: Signet, web_app: TestClient, **options: Any) -> Any:
    location = web_app.get("/sign-in").headers["location"]
    return web_app.get(signet.sign_in(location, options.pop("user", None) or signet.user(name="Ada"), **options).path)


def is_signed_in(web_app: TestClient) -> bool:
    return "Sign out" in web_app.get("/").text


def test_the_app_signs_users_in_as_it_should(signet: Signet, web_app: TestClient) -> None:
    assert sign_in(signet, web_app).headers["location"] == "/"
    assert is_signed_in(web_app)
    signet.requests.assert_safe_sign_in(f"{web_app.base_url}/callback")
    signet.requests.assert_nonce()


def test_a_sign_out_elsewhere_reaches_the_app(signet: Signet, web_app: TestClient) -> None:
    """OpenID Connect Back-Channel Logout section 2.6."""
    user = signet.user(name="Ada")
    sign_in(signet, web_app, user=user)
    signet.sign_out(user)
    assert not is_signed_in(web_app)


@pytest.mark.parametrize(
    "wrong",
    [
        {"wrong_audience": True},
        {"foreign_key": True},
        {"claims": {"nonce": "of another sign-in"}},
        {"claims": {"at_hash": "of another token"}},
    ],
    ids=str,
)
def test_the_app_rejects_a_wrong_id_token(signet: Signet, web_app: TestClient, wrong: dict[str, Any]) -> None:
    """OIDC Core section 3.1.3.7."""
    signet.faults.id_token(**wrong)
    assert sign_in(signet, web_app).status_code >= 400
    assert not is_signed_in(web_app)


@pytest.mark.parametrize("wrong", [{"state": "forged"}, {"iss": "https://attacker.example"}], ids=str)
def test_the_app_rejects_a_wrong_answer(signet: Signet, web_app: TestClient, wrong: dict[str, str]) -> None:
    """RFC 9207 section 2.4."""
    signet.faults.redirect(times=None, **wrong)
    assert sign_in(signet, web_app).status_code >= 400
    assert not is_signed_in(web_app)


def test_the_app_reports_an_outage_of_the_token_endpoint(signet: Signet, web_app: TestClient) -> None:
    signet.faults.lose_answer("token")
    assert sign_in(signet, web_app).status_code >= 500
    assert not is_signed_in(web_app)


@pytest.fixture
def api(signet: Signet) -> TestClient:
    return TestClient(sample("resource_server.app").create_app(signet.issuer, AUDIENCE))


def ask(api: TestClient, token: str, path: str = "/hello") -> int:
    return int(api.get(path, headers={"authorization": f"Bearer {token}"}).status_code)


def test_the_api_accepts_what_signet_issues(signet: Signet, api: TestClient) -> None:
    """RFC 9068 section 4 and RFC 9470 section 5."""
    assert ask(api, signet.token(scope="profile", audience=AUDIENCE)) == 200
    assert ask(api, signet.token(scope="profile", audience=AUDIENCE), "/vault") == 401
    assert ask(api, signet.token(scope="profile", audience=AUDIENCE, acr="aal2"), "/vault") == 200
    assert ask(api, signet.client_token(scope="reports:read", audience=AUDIENCE), "/reports") == 200


@in_one_world("wrong", ["expired", "not_yet_valid", "wrong_issuer", "wrong_audience", "foreign_key", "unsigned"])
def test_the_api_rejects_a_wrong_token(signet: Signet, api: TestClient, wrong: str) -> None:
    given: dict[str, Any] = {wrong: True}
    assert ask(api, signet.token(scope="profile", audience=AUDIENCE, **given)) == 401
