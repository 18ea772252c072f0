"""signet group, groups in signet apply, and the column groups of an import."""

from pathlib import Path

import pytest

from tests.cli.conftest import Signet

ADA = "ada@example.com"
FILE = """
[groups.engineering]
display_name = "Engineering"
roles = ["developer"]
groups = ["backend"]
owners = ["ada@example.com"]

[groups.backend]

[users."ada@example.com"]
groups = ["backend"]
"""


def make_ada(signet: Signet) -> None:
    made = signet(
        "user", "create", "--email", ADA, "--password-stdin", "--verified", stdin="correct horse battery staple"
    )
    assert made.status == 0, made.err


def test_from_its_creation_to_its_deletion(signet: Signet) -> None:
    make_ada(signet)
    made = signet("group", "create", "engineering", "--role", "developer", "--owner", ADA)
    assert made.out == "Created the group engineering.\n"
    assert signet("group", "add", "engineering", ADA).out == f"Added to engineering: {ADA}.\n"
    assert [one["email"] for one in signet("group", "members", "engineering", "--json").json] == [ADA]
    shown = signet("user", "show", ADA, "--json").json
    assert (shown["roles"], shown["groups"], shown["group_roles"]) == ([], ["engineering"], ["developer"])
    assert signet("group", "update", "engineering", "--role", "").status == 0
    assert signet("group", "show", "engineering", "--json").json["roles"] == []
    assert [one["name"] for one in signet("group", "list", "--json").json] == ["engineering"]
    refused = signet("group", "update", "engineering", "--contains", "engineering")
    assert (refused.status, refused.err) == (1, "signet: A group can only contain groups that contain no groups.\n")
    assert signet("group", "remove", "engineering", ADA).out == f"Removed from engineering: {ADA}.\n"
    assert signet("group", "delete", "engineering", "--yes").status == 0
    assert signet("group", "show", "engineering").status == 1


def test_groups_are_applied_from_a_file(signet: Signet, tmp_path: Path) -> None:
    make_ada(signet)
    file = tmp_path / "signet.toml"
    file.write_text(FILE)
    applied = signet("apply", str(file), "--yes")
    assert applied.status == 0, applied.err
    assert signet("user", "show", ADA, "--json").json["group_roles"] == ["developer"]
    assert "No changes" in signet("apply", str(file)).out
    file.write_text('[groups.backend]\ndescription = "APIs"\n')
    assert signet("apply", str(file), "--prune", "--yes").status == 0
    assert [one["name"] for one in signet("group", "list", "--json").json] == ["backend"]
    file.write_text("[groups.backend]\nroles = 7\n")
    assert "roles must be a list of names" in signet("apply", str(file)).err
    file.write_text('[groups.backend]\ngroups = ["backend"]\n')
    assert "contain no groups" in signet("apply", str(file), "--yes").err


def test_an_import_adds_users_to_groups(signet: Signet, tmp_path: Path) -> None:
    signet("group", "create", "engineering")
    file = tmp_path / "users.csv"
    file.write_text(f"email,groups\n{ADA},engineering\ngrace@example.com,nowhere\n")
    done = signet("user", "import", str(file))
    assert "There is no group nowhere." in done.out + done.err
    assert signet("user", "show", ADA, "--json").json["groups"] == ["engineering"]


def test_users_are_added_and_removed_all_or_not_at_all(signet: Signet) -> None:
    make_ada(signet)
    assert signet("group", "create", "staff").status == 0
    for command in ("add", "remove"):
        failed = signet("group", command, "staff", ADA, "nobody@example.com")
        assert (failed.status, failed.out) == (1, "")
        there = [one["email"] for one in signet("group", "members", "staff", "--json").json]
        assert there == ([] if command == "add" else [ADA])
        assert signet("group", "add", "staff", ADA).status == 0


def test_a_user_who_is_in_too_many_groups_stops_the_others_too(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    make_ada(signet)
    grace = signet("user", "create", "--email", "grace@example.com", "--password-stdin", stdin="correct horse battery")
    assert grace.status == 0, grace.err
    for name in ("staff", "others"):
        assert signet("group", "create", name).status == 0
    assert signet("group", "add", "others", "grace@example.com").status == 0
    monkeypatch.setattr("provider.accounts.groups.members.MOST_GROUPS", 1)
    assert signet("group", "add", "staff", ADA, "grace@example.com").status == 1
    assert signet("group", "members", "staff", "--json").json == []
