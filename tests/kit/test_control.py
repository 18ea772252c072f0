"""`signet test-server` and its control API, which tests in other languages use."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from signet_testing.control import control_app
from signet_testing.signet import Signet

from tests.support import forking
from tests.support.cases import in_one_world
from tests.support.relying_party import challenge_of
from tests.support.server_process import REPOSITORY, environment
from tests.support.waiting import PATIENCE

KIT = REPOSITORY / "clients/pytest_signet"
WITH_KIT = f"import sys; sys.path.insert(0, {str(KIT)!r}); {forking.SIGNET}"


@pytest.fixture
def control(signet: Signet) -> Iterator[httpx2.Client]:
    signet.control(control_app(signet))
    with httpx2.Client(base_url=f"{signet.issuer}/_testing/") as client:
        yield client


def post(control: httpx2.Client, path: str, **body: Any) -> Any:
    answer = control.post(path, json=body)
    assert answer.status_code in {200, 204}, answer.text
    return answer.json() if answer.content else None


def test_a_test_in_another_language_signs_a_user_in_and_checks_what_the_app_sent(
    signet: Signet, control: httpx2.Client
) -> None:
    user = post(control, "users", email="ada@example.test", claims={"name": "Ada"}, roles=["admin"])
    client = post(control, "clients", redirect_uris=["http://localhost:3000/cb"], client_name="My app")
    url = (
        f"{signet.issuer}/oauth2/authorize?response_type=code&client_id={client['client_id']}&scope=openid"
        f"&redirect_uri={client['redirect_uris'][0]}&state=12345678&code_challenge_method=S256"
        f"&code_challenge={challenge_of('v' * 43)}"
    )
    redirect = post(control, "sign-in", url=url, user="ada@example.test")
    assert redirect["parameters"]["state"] == "12345678"
    assert redirect["url"].startswith("http://localhost:3000/cb?code=")
    assert post(control, "assert-safe-sign-in", redirect_uri="http://localhost:3000/cb") is None
    wrong = control.post("assert-safe-sign-in", json={"redirect_uri": "http://localhost:3000/other"})
    assert (wrong.status_code, "not 'http://localhost:3000/other'" in wrong.json()["message"]) == (409, True)
    assert [one["endpoint"] for one in control.get("requests").json()][:1] == ["authorize"]
    token = post(control, "tokens", user=user["sub"], client_id=client["client_id"], scope="openid")
    asked = {"authorization": f"Bearer {token['access_token']}"}
    assert httpx2.get(f"{signet.issuer}/oauth2/userinfo", headers=asked).json()["sub"] == user["sub"]
    post(control, "suspend", user=user["sub"])
    assert httpx2.get(f"{signet.issuer}/oauth2/userinfo", headers=asked).status_code == 401
    assert control.get("emails").json()[0]["to"] == "ada@example.test"


def test_faults_clock_and_keys_are_controlled_and_reset(signet: Signet, control: httpx2.Client) -> None:
    post(control, "faults", fault="fail", endpoint="jwks", status=500)
    assert httpx2.get(f"{signet.issuer}/oauth2/jwks").status_code == 500
    assert control.delete("faults").status_code == 204
    assert httpx2.get(f"{signet.issuer}/oauth2/jwks").status_code == 200
    assert "now" in post(control, "clock", minutes=5)
    kid = post(control, "rotate-keys", unknown=True)["kid"]
    post(control, "reset")
    assert kid not in httpx2.get(f"{signet.issuer}/oauth2/jwks").text
    assert signet.clock.difference.total_seconds() == 0


@in_one_world(
    ("path", "body", "status", "message"),
    [
        ("sign-in", {"url": "x", "user": "unknown"}, 404, "'unknown' was not created here"),
        ("sign-in", {"url": "x"}, 400, "'user' is missing"),
        ("users", {"email": "no address"}, 400, "address"),
        ("users", {"email": "ada@example.test", "age": {}, "roles": ["no such role "]}, 400, ""),
        ("faults", {"fault": "explode"}, 404, "Use one of fail, slow"),
        ("faults", {"fault": "slow", "endpoint": "jwks", "secs": 3}, 400, "secs"),
        ("users", ["ada"], 400, "must be a JSON object"),
        ("users", {"claims": 5}, 400, ""),
        ("nothing", {}, 404, "There are: POST users"),
    ],
)
def test_a_mistake_is_explained(control: httpx2.Client, path: str, body: Any, status: int, message: str) -> None:
    answer = control.post(path, json=body)
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://attacker.example"}, 403),
        ({"host": "attacker.example"}, 403),
        ({"content-type": "text/plain"}, 415),
    ],
)
def test_a_page_in_a_browser_cannot_control_it(control: httpx2.Client, headers: dict[str, str], status: int) -> None:
    given = {"content-type": "application/json", **headers}
    assert control.post("users", content=b"{}", headers=given).status_code == status


def test_without_the_command_there_is_no_control_api() -> None:
    with Signet() as signet:
        assert httpx2.post(f"{signet.issuer}/_testing/users", json={}).status_code == 404


def test_the_command_prints_its_urls_and_ends_with_the_program_that_started_it() -> None:
    given, keep_open = os.pipe()
    out, shown = os.pipe()
    process = forking.start(
        ["test-server", "--json", "--watch-stdin", "--setting", "legacy_response_types=true"],
        env=environment({}),
        code=WITH_KIT,
        stdin=given,
        stdout=shown,
    )
    os.close(given)
    os.close(shown)
    with os.fdopen(out) as lines:
        urls = json.loads(lines.readline())
        discovered = httpx2.get(urls["discovery_url"]).json()
        assert discovered["issuer"] == urls["issuer"]
        assert "id_token" in discovered["response_types_supported"]
        user = httpx2.post(f"{urls['control']}users", json={}).json()
        assert user["email"].endswith("@example.com")
        os.close(keep_open)
        assert process.wait(PATIENCE) == 0


def test_the_command_refuses_an_address_that_others_could_reach() -> None:
    done = forking.run(["test-server", "--host", "0.0.0.0"], env=environment({}), code=WITH_KIT)
    assert done.returncode == 1
    assert "only listens on loopback" in done.stderr


def test_the_command_says_that_it_is_not_for_production() -> None:
    done: subprocess.CompletedProcess[str] = forking.run(["test-server", "--help"], env=environment({}))
    assert "Never use it in production" in " ".join(done.stdout.split())
