"""The snippets on the page of a client. `tests/interop/test_snippets.py` runs them as they are shown."""

import ast
import html
import re
from typing import Any

import pytest

from tests.admin.conftest import Console
from tests.support.factories import make_client
from tests.support.installation import ISSUER, Work

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
