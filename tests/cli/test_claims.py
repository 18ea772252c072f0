"""signet claims, and claim mappings in signet apply."""

import json
from pathlib import Path

from tests.cli.conftest import Signet

ADA = "ada@example.com"
FILE = """
[clients.k8s]
client_name = "Kubernetes"
redirect_uris = ["https://k8s.example.com/callback"]
scope = "openid groups"

[claim_mappings.kubernetes-groups]
claim = "groups"
client_id = "k8s"
source = "groups"
prefix = "k8s-"
strip_prefix = true
places = ["id_token"]

[claim_mappings.tier]
claim = "shop.tier"
client_id = "k8s"
source = "expression"
expression = 'user.groups.exists(g, g == "staff") ? "staff" : "guest"'
"""


def test_mappings_are_applied_from_a_file_and_previewed(signet: Signet, tmp_path: Path) -> None:
    made = signet(
        "user", "create", "--email", ADA, "--password-stdin", "--verified", stdin="correct horse battery staple"
    )
    assert made.status == 0, made.err
    file = tmp_path / "signet.toml"
    file.write_text(FILE)
    applied = signet("apply", str(file), "--yes")
    assert applied.status == 0, applied.err
    assert "No changes" in signet("apply", str(file)).out
    for group in ("k8s-admins", "other"):
        signet("group", "create", group)
        signet("group", "add", group, ADA)
    shown = signet("claims", "preview", "k8s", ADA, "--json").json
    assert shown["id_token"]["groups"] == ["admins"]
    assert shown["access_token"]["groups"] == ["k8s-admins", "other"]
    assert shown["userinfo"]["shop"] == {"tier": "guest"}
    refused = signet("claims", "preview", "k8s", ADA, "--scope", "email")
    assert (refused.status, refused.err) == (1, "signet: This application isn't registered for the scope email.\n")
    assert signet("claims", "preview", "nope", ADA).status == 1
    file.write_text(FILE.partition("[claim_mappings.tier]")[0])
    assert signet("apply", str(file), "--prune", "--yes").status == 0
    assert [one["name"] for one in signet("claims", "list", "--json").json] == ["kubernetes-groups"]
    file.write_text('[claim_mappings.x]\nclaim = "sub"\nclient_id = "k8s"\nsource = "groups"\n')
    assert "is set by Signet" in signet("apply", str(file)).err
    file.write_text('[claim_mappings.x]\nclaim = "y"\nclient_id = "nope"\nsource = "groups"\n')
    refused = signet("apply", str(file), "--yes")
    assert "nope is not registered" in refused.err
    assert [one["name"] for one in signet("claims", "list", "--json").json] == ["kubernetes-groups"]


def test_a_mapping_from_its_declaration_to_its_deletion(signet: Signet) -> None:
    given = {"claim": "tier", "scope": "shop", "source": "constant", "value": {"a": [1]}, "description": "See it"}
    made = signet("claims", "put", "tier", "-", stdin=json.dumps(given))
    assert (made.status, made.out) == (0, "Declared tier.\n")
    shown = signet("claims", "show", "tier", "--json").json
    assert (shown["value"], shown["description"]) == ({"a": [1]}, {"en": "See it"})
    assert signet("claims", "put", "tier", "-", stdin=json.dumps(shown)).status == 0
    assert signet("claims", "put", "tier", "-", stdin="{").status == 2
    refused = signet("claims", "put", "tier", "-", stdin=json.dumps(given | {"source": "expression", "value": None}))
    assert (refused.status, refused.err) == (1, "signet: expression: is missing.\n")
    assert signet("claims", "delete", "tier", "--yes").out == "Deleted tier.\n"
    assert signet("claims", "show", "tier").status == 1
