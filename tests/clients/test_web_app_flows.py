"""The flows of the sample web app: sign-in, sign-out, what is wrong."""

from typing import Any

import pytest
from signet_testing.signet import Signet
from starlette.testclient import TestClient

from tests.clients.conftest import sample

URL = "http://localhost"


@pytest.fixture
def web_app(signet: Signet) -> TestClient:
    """A browser at the app."""
    client = signet.client(f"{URL}/callback", backchannel_logout_uri=f"{URL}/backchannel-logout", client_name="Quill")
    module = sample("web_app.app")
    config = module.Config(signet.issuer, client.client_id, client.client_secret, URL, "http://127.0.0.1:9")
    return TestClient(module.create_app(config), base_url=URL, follow_redirects=False)


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
    [sent] = signet.logouts
    assert is_signed_in(web_app)
    assert web_app.post(sent.path, data=sent.form).status_code == 200
    assert not is_signed_in(web_app)


def test_a_forged_sign_out_does_not_end_a_session(signet: Signet, web_app: TestClient) -> None:
    """N-563. OpenID Connect Back-Channel Logout section 2.7."""
    user = signet.user(name="Ada")
    sign_in(signet, web_app, user=user)
    signet.faults.logout_token(foreign_key=True)
    signet.sign_out(user)
    [sent] = signet.logouts
    assert web_app.post(sent.path, data=sent.form).status_code == 400
    assert is_signed_in(web_app)


@pytest.mark.parametrize(
    "wrong",
    [
        {"expired": True},
        {"wrong_issuer": True},
        {"wrong_audience": True},
        {"foreign_key": True},
        {"unsigned": True},
        {"claims": {"exp": None}},
        {"claims": {"nonce": None}},
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


@pytest.mark.parametrize(
    "wrong", [{"state": "forged"}, {"state": None}, {"iss": "https://attacker.example"}, {"iss": None}], ids=str
)
def test_the_app_rejects_a_wrong_answer(signet: Signet, web_app: TestClient, wrong: dict[str, str | None]) -> None:
    """N-630. RFC 9207 section 2.4: also one that does not say where it comes from."""
    signet.faults.redirect(times=None, **wrong)
    assert sign_in(signet, web_app).status_code >= 400
    assert not is_signed_in(web_app)


def test_the_app_rejects_userinfo_of_another_user(signet: Signet, web_app: TestClient) -> None:
    """OIDC Core section 5.3.2."""
    signet.faults.userinfo(sub="someone-else")
    assert sign_in(signet, web_app).status_code == 400


def test_the_app_reports_an_outage_of_the_token_endpoint(signet: Signet, web_app: TestClient) -> None:
    signet.faults.lose_answer("token")
    assert sign_in(signet, web_app).status_code >= 500
    assert not is_signed_in(web_app)
