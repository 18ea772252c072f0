"""signet provisioning, and provisioning in signet apply."""

from pathlib import Path

import pytest

from tests.cli.conftest import Signet

URL = "https://shop.example.com/scim/v2"
FILE = f"""
[clients.shop]
client_name = "Shop"
redirect_uris = ["https://shop.example.com/callback"]

[groups.staff]

[provisioning.shop]
base_url = "{URL}"
token_env = "SHOP_SCIM_TOKEN"
members_of = ["staff"]
"""


def test_provisioning_is_applied_from_a_file_and_changed(
    signet: Signet, tmp_path: Path, environ: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "signet.toml"
    file.write_text(FILE)
    refused = signet("apply", str(file), "--yes")
    assert refused.status != 0
    assert "SHOP_SCIM_TOKEN (token_env) is not set" in refused.err
    environ.setenv("SHOP_SCIM_TOKEN", "secret-token")
    applied = signet("apply", str(file), "--yes")
    assert applied.status == 0, applied.err
    assert "secret-token" not in applied.out + applied.err
    environ.delenv("SHOP_SCIM_TOKEN")
    assert "No changes" in signet("apply", str(file)).out
    shown = signet("provisioning", "show", "shop", "--json").json
    assert (shown["base_url"], shown["members_of"], shown["state"]) == (URL, ["staff"], "scanning")
    assert "token" not in shown
    changed = signet("provisioning", "set", "shop", "--push-group", "staff", "--on-deletion", "delete", "--json").json
    assert (changed["push_groups"], changed["members_of"], changed["on_deletion"]) == (["staff"], ["staff"], "delete")
    refused = signet("provisioning", "set", "shop", "--base-url", "https://other.example.com/scim")
    assert refused.status != 0
    assert "token" in refused.err
    moved = signet(
        "provisioning", "set", "shop", "--base-url", "https://other.example.com", "--token-stdin", stdin="another\n"
    )
    assert moved.status == 0, moved.err
    assert signet("provisioning", "resync", "shop").status == 0
    assert signet("provisioning", "retry", "shop", "--group", "staff", "--json").json["count"] == 0
    assert signet("provisioning", "resources", "shop", "--json").json == []
    assert signet("provisioning", "disable", "shop").status == 0
    assert [one["state"] for one in signet("provisioning", "list", "--json").json] == ["disabled"]
    assert signet("provisioning", "enable", "shop").status == 0
    file.write_text(FILE.partition("[provisioning")[0] + '\n[provisioning.shop]\nbase_url = "http://shop"\n')
    assert "base_url must be an https URL" in signet("apply", str(file), "--yes").err
    assert signet("provisioning", "delete", "shop", "--yes").status == 0
    assert signet("provisioning", "show", "shop").status != 0
