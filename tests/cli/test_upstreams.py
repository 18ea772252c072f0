"""signet upstream, and upstreams in signet apply."""

import pytest

from tests.cli.conftest import Signet

FILE = """
[upstreams.github]
preset = "github"
client_id = "us"
secret_env = "GITHUB_SECRET"
"""


def test_from_its_creation_to_its_deletion(signet: Signet) -> None:
    made = signet(
        "upstream", "create", "github", "--preset", "github", "--client-id", "us", "--secret-stdin", stdin="a secret\n"
    )
    assert made.out.startswith("Added the upstream provider github.\nredirect_uri  ")
    assert signet("upstream", "update", "github", "--create-accounts", "--label", "Enter").status == 0
    shown = signet("upstream", "show", "github", "--json").json
    assert (shown["name"], shown["label"], shown["may_create_accounts"]) == ("GitHub", "Enter", True)
    assert "a secret" not in str(shown)
    base = shown["redirect_uri"].removesuffix("/callback")
    assert shown["post_logout_redirect_uri"] == f"{base}/signed-out"
    assert shown["backchannel_logout_uri"] == f"{base}/backchannel-logout"
    refused = signet("upstream", "update", "github", "--sign-out-there")
    assert refused.err == "signet: signs_out_there: is not a setting of this preset\n"
    assert "needs claims" in signet("upstream", "update", "github", "--update-profile").err
    updated = signet("upstream", "update", "github", "--update-profile", "--claim", "nickname=login", "--json").json
    assert (updated["updates_profile"], updated["claims"]) == (True, {"nickname": "login"})
    assert "label" not in signet("upstream", "update", "github", "--label", "", "--json").json
    assert signet("upstream", "disable", "github").status == 0
    assert [(row["key"], row["disabled"]) for row in signet("upstream", "list", "--json").json] == [("github", True)]
    assert signet("upstream", "enable", "github").status == 0
    assert signet("upstream", "delete", "github", "--yes").status == 0
    gone = signet("upstream", "delete", "github", "--yes")
    assert (gone.status, gone.err) == (1, "signet: There is no such upstream provider.\n")
    without = signet("upstream", "create", "github", "--preset", "github", "--client-id", "us")
    assert (without.status, without.err) == (1, "signet: client_secret: is missing\n")


def test_upstreams_are_applied_from_a_file_and_pruned(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = signet("apply", "-", stdin=FILE)
    assert "GITHUB_SECRET (secret_env) is not set" in missing.err
    monkeypatch.setenv("GITHUB_SECRET", "a secret")
    assert "+ upstream github" in signet("apply", "-", "--yes", stdin=FILE).out
    monkeypatch.delenv("GITHUB_SECRET")
    assert signet("apply", "-", stdin=FILE).out == "No changes. The installation already matches the file.\n"
    changed = signet("apply", "-", "--yes", stdin=FILE + "may_create_accounts = true\ndisabled = true\n").out
    assert "~ upstream github" in changed
    row = signet("upstream", "show", "github", "--json").json
    assert (row["may_create_accounts"], row["disabled"]) == (True, True)
    monkeypatch.setenv("GITHUB_SECRET", "another")
    other = FILE.replace("upstreams.github", "upstreams.discord").replace('"github"', '"discord"')
    assert "- upstream github" in signet("apply", "-", "--prune", "--yes", stdin=other).out
    assert [each["key"] for each in signet("upstream", "list", "--json").json] == ["discord"]
