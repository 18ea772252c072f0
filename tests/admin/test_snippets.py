"""The snippets on the page of a client. `tests/interop/test_snippets.py` runs them as they are shown."""

import ast
import html
import re
from typing import Any

import pytest

from tests.admin.conftest import Console
from tests.support.factories import make_client
from tests.support.installation import ISSUER, Work
from tests.support.server_process import REPOSITORY

QUICKSTARTS = {
    "authlib": ("fastapi", r"\boauth\.[\w.]+\("),
    "openid-client": ("node-openid-client", r"\bclient\.(?!ClientSecret)\w+|\btokens\.\w+\("),
    "oidc-client-ts": ("oidc-client-ts", r"\bmanager\.\w+\("),
    "spring": ("spring-boot", r"[\w-]*(?:issuer-uri|client-id|client-secret|scope)\b"),
    "mod-auth-openidc": ("apache", r"^OIDC\w+"),
}
"""By snippet: the quickstart for the same library, and what finds its calls or settings. How a client sends its secret
is up to its registration.
"""
PLACEHOLDERS = re.compile(r"\{\{|\{%|None\b")


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, {"authlib", "openid-client"}),
        ({"redirect_uris": (), "grant_types": ("client_credentials",), "scope": "reports:read"}, {"curl"}),
    ],
    ids=["web", "service"],
)
def test_the_snippets_of_a_client_name_its_id_and_the_issuer(
    console: Console, work: Work, metadata: dict[str, Any], expected: set[str]
) -> None:
    with work() as w:
        client, secret = make_client(w, **metadata)
    page = console.open(f"/clients/client?client_id={client.client_id}")
    found = dict(re.findall(r'<code id="snippet-(.*?)">(.*?)</code>', page.html, re.DOTALL))
    snippets = {name: html.unescape(text) for name, text in found.items()}
    assert expected <= snippets.keys()
    for name in expected:
        assert client.client_id in snippets[name]
        assert ISSUER in snippets[name]
        assert str(secret) not in snippets[name]
        assert not PLACEHOLDERS.search(snippets[name])
    if "authlib" in snippets:
        ast.parse(snippets["authlib"])


@pytest.mark.parametrize("public", [False, True])
def test_the_snippets_use_the_libraries_as_the_quickstarts_do(console: Console, work: Work, *, public: bool) -> None:
    with work() as w:
        client, _ = make_client(w, public=public, claims_in_id_token=True)
    page = console.open(f"/clients/client?client_id={client.client_id}")
    compared = set()
    for name, text in re.findall(r'<code id="snippet-(.*?)">(.*?)</code>', page.html, re.DOTALL):
        quickstart, calls = QUICKSTARTS[name]
        tested = (REPOSITORY / f"docs/connect/{quickstart}.md").read_text("utf-8")
        found = set(re.findall(calls, html.unescape(text), re.MULTILINE))
        assert found
        assert found - set(re.findall(calls, tested, re.MULTILINE)) == set()
        compared.add(name)
    assert compared == ({"oidc-client-ts"} if public else QUICKSTARTS.keys() - {"oidc-client-ts"})
