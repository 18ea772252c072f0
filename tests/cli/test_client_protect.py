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


def test_a_page_is_previewed_and_the_proxy_configured(signet: Signet) -> None:
    ada = "ada@example.test"
    signet("user", "create", "--email", ada, "--password-stdin", stdin="a long password")
    signet("client", "protect", WIKI, "--bypass", "/health")
    shown = signet("client", "preview-site", f"{WIKI}/health/x", ada, "--json").json
    assert (shown["allowed"], shown["rule"], shown["needs_sign_in"]) == (True, "/health", False)
    assert signet("client", "preview-site", f"{WIKI}/health/..;", ada, "--json").json["allowed"] is False
    assert f"$signet_site {WIKI.removeprefix('https://')};" in signet("client", "proxy-config", WIKI).out
    assert signet("client", "proxy-config", "https://other.test").status == 1
    assert signet("client", "proxy-config", WIKI, "--proxy", "iis").err.startswith("signet: There is no configuration")
