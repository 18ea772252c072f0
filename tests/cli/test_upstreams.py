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
    assert "groups_claim" in signet("upstream", "update", "github", "--group", "editors=shop-editors").err
    mapping = ("--claim", "attributes.team=team", "--groups-claim", "teams", "--group", "a=b", "--group", "*=*")
    updated = signet("upstream", "update", "github", *mapping, "--json").json
    assert (updated["groups_claim"], updated["groups"]) == ("teams", {"a": "b", "*": "*"})
    assert updated["claims"] == {"attributes.team": "team"}
    assert "label" not in signet("upstream", "update", "github", "--label", "", "--json").json
    assert signet("upstream", "disable", "github").status == 0
    assert [(row["key"], row["disabled"]) for row in signet("upstream", "list", "--json").json] == [("github", True)]
    assert signet("upstream", "enable", "github").status == 0
    assert signet("upstream", "delete", "github", "--yes").status == 0
    gone = signet("upstream", "delete", "github", "--yes")
    assert (gone.status, gone.err) == (1, "signet: There is no such upstream provider.\n")
    without = signet("upstream", "create", "github", "--preset", "github", "--client-id", "us")
    assert (without.status, without.err) == (1, "signet: client_secret: is missing\n")


def test_the_signals_of_a_provider_are_turned_on_and_shown(signet: Signet) -> None:
    given = ("--name", "Other", "--issuer", "https://op.example.com/a", "--client-id", "us", "--secret-stdin")
    audience = ("--signals-audience", "android")
    assert signet("upstream", "create", "other", *given, "--receive-signals", *audience, stdin="s").status == 0
    shown = signet("upstream", "signals", "other", "--json").json
    assert shown["signals_uri"].endswith("/login/upstream/other/signals")
    assert shown["configuration_url"] == "https://op.example.com/.well-known/ssf-configuration/a"
    assert (shown["receives_signals"], shown["received_at"]) == (True, None)
    assert signet("upstream", "show", "other", "--json").json["signals_audiences"] == ["android"]
    wrong = signet("upstream", "update", "other", "--signals-configuration", "http://op.example.com/x")
    assert wrong.err == "signet: signals_configuration: must be an https URL (http only on loopback)\n"
    inside = signet("upstream", "update", "other", "--signals-configuration", "https://10.0.0.1/x")
    assert "is at an address that this server may not connect to" in inside.err
    signet("upstream", "update", "other", "--ignore-signals")
    refused = signet("upstream", "test-signals", "other")
    assert (refused.status, refused.err) == (1, "signet: Turn on signals for this provider first.\n")
    assert signet("upstream", "signals", "unknown").status == 1


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


def test_a_directory_is_added_with_its_settings(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ("servers=ldaps://a.corp.test", "servers=ldaps://b.corp.test", "bind_dn=cn=s,dc=corp", "base_dn=dc=corp")
    options = [part for setting in settings for part in ("--directory", setting)]
    made = signet("upstream", "create", "corp", "--preset", "ldap", "--secret-stdin", *options, stdin="a password\n")
    assert made.out == "Added the upstream provider corp.\n"
    assert signet("upstream", "update", "corp", "--directory", "ca_file=/etc/ssl/corp.pem").status == 0
    shown = signet("upstream", "show", "corp", "--json").json
    assert (shown["servers"], shown["bind_dn"]) == (["ldaps://a.corp.test", "ldaps://b.corp.test"], "cn=s,dc=corp")
    assert shown["ca_file"] == "/etc/ssl/corp.pem"
    assert "redirect_uri" not in shown
    assert "a password" not in str(shown)
    unknown = signet("upstream", "update", "corp", "--directory", "bind_password=secret")
    assert unknown.status == 2
    assert "secret" not in unknown.err
    monkeypatch.setenv("CORP", "a password")
    table = '[upstreams.corp]\npreset = "ldap"\nsecret_env = "CORP"\nbind_dn = "cn=s"\nbase_dn = "dc=corp"\n'
    changed = signet("apply", "-", "--yes", stdin=f'{table}servers = ["ldaps://c.corp.test"]\n').out
    assert "~ upstream corp" in changed
