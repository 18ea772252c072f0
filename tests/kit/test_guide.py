"""The guide shows code that works, and tables that name everything."""

import re
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from signet_testing.control import OPERATIONS
from signet_testing.faults import NAMES, Faults
from signet_testing.requests import Requests
from signet_testing.signet import Signet

from tests.support.server_process import REPOSITORY

GUIDE = (REPOSITORY / "docs/guides/test-your-app.md").read_text("utf-8")


class Api:
    """The API of the guide: it checks the signature, the audience and the expiry, and knows one scope."""

    def __init__(self, issuer: str, audience: str) -> None:
        self._issuer, self._audience = issuer, audience

    def get(self, _path: str, token: str) -> Any:
        keys = KeySet.import_key_set(httpx2.get(f"{self._issuer}/oauth2/jwks").json())
        rules = jwt.JWTClaimsRegistry(iss={"value": self._issuer}, aud={"value": self._audience})
        try:
            claims = jwt.decode(token, keys).claims
            rules.validate(claims)
        except JoseError:
            return type("Answer", (), {"status": 401})
        return type("Answer", (), {"status": 200 if "orders:read" in claims["scope"] else 403})


def test_the_tests_of_an_api_pass(signet: Signet) -> None:
    shown = re.search(r'```python title="test_api.py"\n(.*?)```', GUIDE, re.DOTALL)
    assert shown is not None
    project: dict[str, Any] = {"create_api": Api}
    exec(shown[1], project)
    tests = [test for name, test in project.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test(signet)


def test_python_examples_compile() -> None:
    for text in re.findall(r"```python[^\n]*\n(.*?)```", GUIDE, re.DOTALL):
        compile(text, "the guide", "exec")


@pytest.mark.parametrize(
    "names",
    [
        {f"`{method} {path}`" for method, path in OPERATIONS},
        {f"`{name}`" for name in NAMES},
        {f"`{name}(" for name in vars(Requests) if name.startswith("assert_")},
        {f"signet.faults.{name}(" for name in vars(Faults) if not name.startswith("_")}
        - {
            f"signet.faults.{name}("
            for name in ("clear", "forget", "take", "loses_logout", "of_redirects", "of_tokens", "hide_keys")
        }
        - {"signet.faults.access_token("},
    ],
    ids=["operations", "endpoints", "assertions", "faults"],
)
def test_the_tables_name_everything(names: set[str]) -> None:
    assert {name for name in names if name not in GUIDE} == set()
