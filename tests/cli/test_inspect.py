"""signet inspect."""

import json

from tests.cli.conftest import Signet
from tests.support.installation import ISSUER

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL290aGVyLmV4YW1wbGUiLCJzdWIiOiIxIn0.AAAA"


def test_a_url_and_a_token_are_explained(signet: Signet) -> None:
    shown = signet("inspect", f"{ISSUER}/.well-known/openid-configuration")
    assert shown.status == 0, shown.err
    assert shown.out.startswith("Discovery URL\n✓ It is the discovery document of this installation.\n")
    found = signet("inspect", "-", "--json", stdin=f"Bearer {TOKEN}\n").json
    assert (found["kind"], found["is_valid"], found["timeline"]) == ("JWT of another issuer", None, [])


def test_two_tokens_from_stdin_are_compared(signet: Signet) -> None:
    rows = signet("inspect", "--diff", "--json", stdin=f"{TOKEN}\n{TOKEN}\n").json
    assert rows
    assert all(row["same"] for row in rows)
    refused = signet("inspect", "--diff", stdin=TOKEN)
    assert refused.status == 2
    assert TOKEN not in refused.err


def test_secrets_are_never_printed(signet: Signet) -> None:
    """N-459."""
    secret = "k3y-material-that-nobody-may-see-0123456789"
    for text in (secret, json.dumps({"kty": "oct", "k": secret}), f"client_id=a&client_secret={secret}"):
        for arguments in (("inspect", "-"), ("inspect", "-", "--json"), ("inspect", "--nothing", "-")):
            shown = signet(*arguments, stdin=text)
            assert secret not in shown.out + shown.err


def test_too_long_or_no_input_is_an_error_of_one_line(signet: Signet) -> None:
    """N-460."""
    for text in ("", "a" * 1_000_000):
        refused = signet("inspect", "-", stdin=text)
        assert refused.status == 1
        assert refused.err.startswith("signet: Paste a URL")
        assert refused.err.count("\n") == 1
