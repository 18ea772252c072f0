"""signet issuer, and trusted issuers in signet apply."""

import json
from pathlib import Path

from tests.cli.conftest import Signet
from tests.support.client_keys import Signatory

CI = "https://ci.example.test"
FILE = f"""
[trusted_issuers."{CI}"]
algorithms = ["ES256"]
user_mapping = "linked"

[clients.job]
client_name = "Job"
grant_types = ["client_credentials"]
redirect_uris = []
token_endpoint_auth_method = "federated_jwt"
assertion_issuer = "{CI}"
assertion_subjects = ["repo:octo-org/*:environment:production"]
"""


def test_from_its_creation_to_its_deletion(signet: Signet, tmp_path: Path) -> None:
    assert signet("issuer", "create", CI, "--algorithm", "RS256").out == f"Added the trusted issuer {CI}.\n"
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(Signatory().jwks))
    signet("issuer", "update", CI, "--jwks", str(keys))
    shown = signet("issuer", "show", CI, "--json").json
    assert (shown["jwks"], shown["algorithms"], shown["user_mapping"]) == (Signatory().jwks, ["RS256"], "none")
    updated = signet("issuer", "update", CI, "--discovery", "--user-mapping", "sub", "--json").json
    assert (updated["keys"], updated["user_mapping"]) == ("discovery", "sub")
    assert signet("issuer", "disable", CI).status == 0
    assert [row["disabled"] for row in signet("issuer", "list", "--json").json] == [True]
    assert signet("issuer", "enable", CI).status == 0
    assert signet("issuer", "delete", CI, "--yes").status == 0
    gone = signet("issuer", "delete", CI, "--yes")
    assert (gone.status, gone.err) == (1, "signet: There is no such trusted issuer.\n")
    assert signet("issuer", "create", CI, "--user-mapping", "email").status == 1


def test_a_client_is_registered_for_it(signet: Signet) -> None:
    of_ci = ("--assertion-issuer", CI, "--assertion-subject", "repo:a/b:ref:refs/heads/main")
    made = signet("client", "create", "--name", "Job", "--type", "service", *of_ci, "--json").json
    assert "client_secret" not in made
    assert made["token_endpoint_auth_method"] == "federated_jwt"
    assert made["assertion_subjects"] == ["repo:a/b:ref:refs/heads/main"]


def test_issuers_are_applied_from_a_file_and_pruned(signet: Signet) -> None:
    shown = signet("apply", "-", stdin=FILE).out
    assert f"+ trusted issuer {CI}" in shown
    assert "+ client job" in shown
    assert signet("apply", "-", "--yes", stdin=FILE).status == 0
    assert signet("apply", "-", stdin=FILE).out == "No changes. The installation already matches the file.\n"
    assert signet("apply", "-", "--yes", stdin=FILE.replace('"linked"', '"none"\ndisabled = true')).status == 0
    row = signet("issuer", "show", CI, "--json").json
    assert (row["user_mapping"], row["disabled"]) == ("none", True)
    assert signet("apply", "-", stdin=FILE.replace('"ES256"', '"HS256"')).status == 1
    assert "trusted issuer" not in signet("apply", "-", "--prune", "--yes", stdin="").out  # the file has none
    other = '[trusted_issuers."https://other.example.test"]'
    assert f"- trusted issuer {CI}" in signet("apply", "-", "--prune", "--yes", stdin=other).out
    assert [each["issuer"] for each in signet("issuer", "list", "--json").json] == ["https://other.example.test"]
