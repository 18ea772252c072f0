"""The sample single-page application: what its server hands out, and which ID tokens its script takes."""

import json
import shutil
import subprocess
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.testclient import TestClient

from provider.resources import CLIENTS
from tests.clients.conftest import sample
from tests.support.relying_party import half_of
from tests.support.services import unavailable
from tests.support.waiting import PATIENCE

ISSUER, CLIENT_ID, ACCESS_TOKEN = "https://id.example.test", "quill-pocket", "an access token"
STATIC = CLIENTS / "single_page_app" / "static"
VERIFY = """
const { verify } = await import(process.argv[1]);
const cases = JSON.parse(process.argv[2]);
const told = await Promise.all(cases.map(([token, options]) => verify(token, options).then(
  (claims) => claims.sub, (error) => `${error.constructor.name}: ${error.message}`)));
console.log(JSON.stringify(told));
"""


@pytest.fixture
def site() -> TestClient:
    module = sample("single_page_app.app")
    return TestClient(module.create_app(module.Config(ISSUER, CLIENT_ID, "https://api.example.test")))


@pytest.mark.parametrize("path", ["/", "/callback?code=x&state=y", "/signed-out"])
def test_every_address_of_the_application_is_its_page(site: TestClient, path: str) -> None:
    answer = site.get(path)
    assert "<main>" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_its_scripts_may_speak_to_the_provider_and_the_api_only(site: TestClient) -> None:
    policy = site.get("/").headers["content-security-policy"]
    assert f"connect-src 'self' {ISSUER} https://api.example.test;" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "<script>" not in site.get("/").text


def test_its_settings_hold_no_secret(site: TestClient) -> None:
    assert set(site.get("/config.json").json()) == {"issuer", "client_id", "api_url", "scope"}


def test_its_modules_are_served_as_scripts(site: TestClient) -> None:
    modules = list(STATIC.glob("*.js"))
    assert modules
    for path in modules:
        assert "javascript" in site.get(f"/static/{path.name}").headers["content-type"]


# The ID token (OIDC Core section 3.1.3.7)


def verified(keys: list[Any], cases: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """The `sub` of each token, or why it was refused."""
    node = shutil.which("node") or unavailable("Node", "no node on PATH to run the sample's script with")
    published = [key.as_dict(private=False) for key in keys]
    known = {"keys": published, "issuer": ISSUER, "client_id": CLIENT_ID, "access_token": ACCESS_TOKEN, "nonce": "n"}
    given = json.dumps([(token, {**known, **options}) for token, options in cases])
    command = [node, "--input-type=module", "-e", VERIFY, str(STATIC / "id_token.js"), given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    told: list[str] = json.loads(done.stdout)
    return told


def sign(key: Any, alg: str, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": "ada",
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 60,
        "nonce": "n",
        "at_hash": half_of(ACCESS_TOKEN),
    }
    given = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid, **(header or {})}, given, key, algorithms=[alg])


def test_the_script_takes_an_id_token_only_if_everything_about_it_is_right() -> None:
    ec = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    rsa = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    stranger = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": str(ec.kid)})
    good = sign(ec, "ES256")
    head, body, signature = good.split(".")
    none = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    right = [
        (good, {}),
        (sign(rsa, "RS256"), {}),
        (sign(ec, "ES256", nonce=None), {"nonce": None}),
        (sign(ec, "ES256", aud=[CLIENT_ID]), {}),
    ]
    wrong = [
        (sign(stranger, "ES256"), {}),
        (f"{head}.{body}.", {}),
        (f"{head}.{body}.{signature[::-1]}", {}),
        (f"{none}.{body}.", {}),
        (f"{good}.x", {}),
        ("x", {}),
        ("", {}),
        (sign(rsa, "RS256", header={"kid": ec.kid}), {}),
        (sign(ec, "ES256", header={"kid": "unknown"}), {}),
        (sign(ec, "ES256", iss="https://elsewhere.example"), {}),
        (sign(ec, "ES256", aud="another"), {}),
        (sign(ec, "ES256", aud=[CLIENT_ID, "another"]), {}),
        (sign(ec, "ES256", exp=1_700_000_000), {}),
        (sign(ec, "ES256", exp=None), {}),
        (sign(ec, "ES256", iat=4_000_000_000), {}),
        (sign(ec, "ES256", iat=None), {}),
        (sign(ec, "ES256", nonce="another"), {}),
        (sign(ec, "ES256", nonce=None), {}),
        (good, {"access_token": "another"}),
    ]
    told = verified([ec, rsa], right + wrong)
    assert told[: len(right)] == ["ada"] * len(right)
    assert [text.partition(":")[0] for text in told[len(right) :]] == ["InvalidIdToken"] * len(wrong), told
