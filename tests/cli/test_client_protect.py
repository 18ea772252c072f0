"""`signet client protect`: sites behind a reverse proxy."""

import json
from pathlib import Path

from tests.cli.conftest import Signet

WIKI = "https://wiki.example.test"


def test_sites_are_protected_and_changed(signet: Signet, tmp_path: Path) -> None:
    """Without --client-id, a client is registered that needs no secret and no consent."""
    made = signet("client", "protect", WIKI, "--name", "Wiki", "--bypass", "/health", "--json").json
    shown = signet("client", "show", made["client_id"], "--json").json
    assert (shown["client_name"], shown["first_party"], shown["token_endpoint_auth_method"]) == ("Wiki", True, "none")
    assert shown["redirect_uris"] == [f"{WIKI}/.signet/callback"]
    assert shown["protected_paths"] == {"/health": {"bypass": True}}
    (tmp_path / "rules.json").write_text(json.dumps({"/admin": {"allowed_groups": ["admins"]}}))
    files, rules = "https://files.example.test", ("--paths", str(tmp_path / "rules.json"))
    said = signet("client", "protect", files, "--client-id", made["client_id"], *rules)
    assert f"Protects {files}." in said.out
    shown = signet("client", "show", made["client_id"], "--json").json
    assert (shown["client_name"], shown["protected_sites"]) == ("Wiki", [files])
    assert shown["redirect_uris"] == [f"{files}/.signet/callback"]
    assert shown["protected_paths"] == {"/admin": {"allowed_groups": ["admins"]}}


def test_what_cannot_be_protected_is_said(signet: Signet) -> None:
    assert signet("client", "protect", WIKI, "--client-id", "unknown").status == 1
    wrong = signet("client", "protect", "http://wiki.example.test")
    assert wrong.status != 0
    assert "must be https" in wrong.err
