"""What the guides print checks what the specifications ask for: the code of each page, run with tokens of the kit."""

import ast
import asyncio
import sys
from types import ModuleType
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient
from signet_testing.signet import Signet

from tests.interop.quickstarts.page import Page
from tests.kit.conftest import App
from tests.support.server_process import REPOSITORY

AUDIENCE = "https://orders.example.com"


def printed(page: str, file: str) -> str:
    [found] = [block.text for block in Page(REPOSITORY / page).blocks if block.file == file]
    return found


class SuspiciousOperation(Exception):
    """Stands for Django's, which answers 400."""


class Library:
    """Stands for the backend of mozilla-django-oidc, which checks no more than the signature itself."""

    userinfo: dict[str, Any]

    def get_userinfo(self, *_: Any) -> dict[str, Any]:
        return self.userinfo


@pytest.fixture
def backend(signet: Signet, app: App, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The backend that the Django guide prints."""
    settings = {"ISSUER": signet.issuer, "OIDC_RP_CLIENT_ID": app.client.client_id, "OIDC_RP_SIGN_ALGO": "RS256"}
    modules: dict[str, dict[str, Any]] = {
        "django.conf": {"settings": type("Settings", (), settings)},
        "django.core.exceptions": {"SuspiciousOperation": SuspiciousOperation},
        "mozilla_django_oidc.auth": {"OIDCAuthenticationBackend": Library},
    }
    for name, members in modules.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    names: dict[str, Any] = {}
    exec(printed("docs/connect/django.md", "mysite/signet.py"), names)
    return names["SignetBackend"]()


@pytest.mark.parametrize(
    "wrong",
    [
        {"expired": True},
        {"wrong_issuer": True},
        {"wrong_audience": True},
        {"foreign_key": True},
        {"unsigned": True},
        {"claims": {"exp": None}},
        {"claims": {"iss": None}},
        {"claims": {"aud": None}},
        {"claims": {"sub": None}},
    ],
    ids=str,
)
def test_the_django_guide_rejects_a_wrong_id_token(
    signet: Signet, app: App, backend: Any, wrong: dict[str, Any]
) -> None:
    """N-629. OIDC Core section 3.1.3.7 items 2, 3 and 9, which the library leaves out."""
    ada = signet.user()
    right = app.sign_in(ada)["id_token"]
    key = jwt.PyJWKClient(f"{signet.issuer}/oauth2/jwks").get_signing_key_from_jwt(right)
    assert backend.get_payload_data(right, key)["sub"] == ada.sub
    signet.faults.id_token(**wrong)
    with pytest.raises(SuspiciousOperation):
        backend.get_payload_data(app.sign_in(ada)["id_token"], key)


def test_the_django_guide_rejects_userinfo_of_another_user(backend: Any) -> None:
    """OIDC Core section 5.3.2."""
    backend.userinfo = {"sub": "ada"}
    assert backend.get_userinfo("", "", {"sub": "ada"}) == {"sub": "ada"}
    for other in ({"sub": "bob"}, {}):
        backend.userinfo = other
        with pytest.raises(SuspiciousOperation):
            backend.get_userinfo("", "", {"sub": "ada"})


def checks_in(source: str) -> dict[str, str]:
    """Return the code of the methods of the backend that check something, without types."""
    [backend] = [node for node in ast.parse(source).body if getattr(node, "name", "") == "SignetBackend"]
    found = {}
    for method in (node for node in ast.walk(backend) if isinstance(node, ast.FunctionDef)):
        for argument in method.args.args:
            argument.annotation = None
        body = [
            ast.Assign([each.target], each.value, lineno=0) if isinstance(each, ast.AnnAssign) and each.value else each
            for each in method.body
        ]
        found[method.name] = f"{ast.unparse(method.args)}: {ast.unparse(ast.Module(body, []))}"
    return {name: found[name] for name in ("get_payload_data", "get_userinfo", "filter_users_by_claims")}


def test_the_django_guide_has_the_checks_of_the_sample_that_is_tested() -> None:
    sample = (REPOSITORY / "clients/testing/django_site/site_urls.py").read_text("utf-8")
    assert checks_in(sample) == checks_in(printed("docs/connect/django.md", "mysite/signet.py"))


NO_ACCESS_TOKENS: list[dict[str, Any]] = [
    {"header": {"typ": "JWT"}},
    {"expired": True},
    {"wrong_issuer": True},
    {"wrong_audience": True},
    {"foreign_key": True},
    {"unsigned": True},
    {"claims": {"exp": None}},
    {"claims": {"cnf": {"jkt": "of-a-key"}}},
]


def test_the_guide_for_apis_rejects_what_is_no_access_token_for_it(
    signet: Signet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-631. RFC 9068 section 4, RFC 8725 section 3.11, RFC 9449 section 7.2."""
    monkeypatch.setenv("ISSUER", signet.issuer)
    monkeypatch.setenv("AUDIENCE", AUDIENCE)
    names: dict[str, Any] = {}
    exec(printed("docs/protect/fastapi.md", "app.py"), names)
    api = TestClient(names["app"])

    def call(**changes: Any) -> int:
        token = signet.token(scope="orders:read", audience=AUDIENCE, **changes)
        return api.get("/orders", headers={"authorization": f"Bearer {token}"}).status_code

    assert call() == 200
    assert [call(**wrong) for wrong in NO_ACCESS_TOKENS] == [401] * len(NO_ACCESS_TOKENS)


def test_the_guide_for_mcp_servers_rejects_them_too(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    """MCP authorization 2026-07-28, Token Handling."""
    monkeypatch.setenv("SIGNET_ISSUER", signet.issuer)
    monkeypatch.setenv("MCP_URL", AUDIENCE)
    names: dict[str, Any] = {}
    exec(printed("docs/guides/mcp.md", "server.py").partition("server = MCPServer(")[0], names)
    verifier = names["Verifier"]()

    def verify(**changes: Any) -> Any:
        return asyncio.run(verifier.verify_token(signet.token(scope="notes:read", audience=AUDIENCE, **changes)))

    with signet.faults.fail("jwks"), pytest.raises(jwt.PyJWKClientConnectionError):
        verify()  # an outage is no verdict
    assert verify().scopes == ["notes:read"]
    assert [verify(**wrong) for wrong in NO_ACCESS_TOKENS] == [None] * len(NO_ACCESS_TOKENS)
