"""signet attribute, the attributes of users on the command line, in signet apply and in imports."""

import json
from pathlib import Path

from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.users import find_user
from tests.cli.conftest import Signet
from tests.support.attributes import declare, give, values_of
from tests.support.factories import make_user
from tests.support.installation import Work

DECLARATION = {"type": "text", "label": "Customer number", "rules": {"pattern": "^[0-9]+$"}, "searchable": True}
FILE = """
[user_attributes.customer_number]
type = "text"
label = { en = "Customer number", de = "Kundennummer" }
scope = "shop"

[user_attributes.sizes]
type = "json"
label = "Sizes"
rules = { json_schema = '{"type": "object", "maxProperties": 3}' }
"""
CSV = "email,attributes.level,attributes.tags,attributes.vip\nnew@example.test,3,red,true\n{}@example.test,{},,\n"


def test_from_its_declaration_to_its_deletion(signet: Signet, tmp_path: Path, work: Work) -> None:
    file = tmp_path / "number.json"
    file.write_text(json.dumps(DECLARATION))
    made = signet("attribute", "put", "customer_number", str(file), "--json").json
    assert (made["label"], made["edited_by"]) == ({"en": "Customer number"}, ["operator", "api"])
    shown = signet("attribute", "show", "customer_number", "--json")
    assert signet("attribute", "put", "customer_number", "-", "--json", stdin=shown.out).json == shown.json
    assert [row["name"] for row in signet("attribute", "list", "--json").json] == ["customer_number"]
    with work() as w:
        ada = make_user(w, "ada@example.test")
    changed = signet("user", "set-attributes", "ada@example.test", "customer_number=4711", "--json").json
    assert changed["attributes"] == {"customer_number": "4711"}
    assert signet("user", "attributes", ada, "--json").json[0]["value"] == "4711"
    assert [row["id"] for row in signet("user", "find", "customer_number:4711", "--json").json] == [ada]
    for wrong in ("customer_number=x", "none=1"):
        assert signet("user", "set-attributes", ada, wrong).status == 1
    assert signet("user", "set-attributes", ada, "customer_number").status == 2
    assert signet("user", "set-attributes", ada, "customer_number=").status == 0
    assert values_of(work, ada) == {}
    assert signet("attribute", "put", "x", "-", stdin='{"type": "text"}').status == 1
    assert signet("attribute", "delete", "customer_number", "--yes").status == 0
    assert signet("attribute", "show", "customer_number").status == 1


def test_attributes_are_applied_from_a_file_changed_and_pruned(signet: Signet) -> None:
    made = signet("apply", "-", "--yes", stdin=FILE)
    assert [line for line in made.out.splitlines() if line[0] in "+~-"] == [
        "+ user attribute customer_number",
        "+ user attribute sizes",
    ]
    assert "No changes" in signet("apply", "-", "--prune", stdin=FILE).out
    changed = FILE.replace('"Sizes"', '"Your sizes"')
    assert "~ user attribute sizes" in signet("apply", "-", "--yes", stdin=changed).out
    fewer = changed[: changed.index("[user_attributes.sizes]")]
    assert "- user attribute sizes" in signet("apply", "-", "--yes", "--prune", stdin=fewer).out
    assert "No changes" in signet("apply", "-", "--prune", stdin="").out
    for wrong, said in ((fewer.replace('"text"', '"number"'), "type"), (fewer.replace('"shop"', '"email"'), "scope")):
        refused = signet("apply", "-", "--yes", stdin=wrong)
        assert (refused.status, said in refused.err) == (1, True)


def test_users_are_imported_with_attributes(signet: Signet, work: Work, tmp_path: Path) -> None:
    declare(work, "level", "number", required_at=["admin"])
    declare(work, "tags", "list")
    declare(work, "vip", "boolean")
    with work() as w:
        ada = make_user(w, "ada@example.test")
    give(work, ada, level=1)
    file = tmp_path / "users.csv"
    file.write_text(CSV.format("ada", "high"))
    checked = signet("user", "import", str(file), "--update", "--dry-run")
    assert "Line 3: ada@example.test: level: Enter a number" in checked.err
    file.write_text(CSV.format("ada", "7"))
    assert signet("user", "import", str(file), "--update").status == 0
    with work() as w:
        new = find_user(w, "new@example.test")
    assert new is not None
    assert values_of(work, new.id) == {"level": 3, "tags": ["red"], "vip": True}
    assert values_of(work, ada) == {"level": 7}
    rows = tmp_path / "users.jsonl"
    lines = [
        {"email": "b@example.test", "attributes": {"level": 2, "tags": ["a", "b"], "vip": False}},
        {"email": "c@example.test", "attributes": {"level": 2, "none": 1}},
        {"email": "d@example.test"},
    ]
    rows.write_text("\n".join(map(json.dumps, lines)))
    failed = signet("user", "import", str(rows)).err
    assert "c@example.test: none: There is no attribute" in failed
    assert "d@example.test: level: This field is required." in failed
    with work() as w:
        found = find_user(w, "b@example.test")
        assert find_user(w, "c@example.test") is None
    assert found is not None
    assert values_of(work, found.id) == {"level": 2, "tags": ["a", "b"], "vip": False}


def test_a_user_is_created_or_invited_with_attributes_and_not_without_required_ones(signet: Signet, work: Work) -> None:
    """N-430: nothing is written if a value is missing, wrong or of no declared attribute."""
    declare(work, "badge", required_at=["admin"])
    declare(work, "vip", "boolean")
    create = ["user", "create", "--email", "ada@example.test", "--verified", "--password-stdin"]
    for wrong in ([], ["--attribute", "badge="], ["--attribute", "badge=7", "--attribute", "vip=perhaps"],
                  ["--attribute", "badge=7", "--attribute", "size=1"]):  # fmt: skip
        assert signet(*create, *wrong, stdin="a long password\n").status == 1
        assert signet("user", "invite", "ada@example.test", *wrong).status == 1
    assert signet("user", "list", "--json").json == []
    given = ["--attribute", "badge=7", "--attribute", "vip=true"]
    made = signet(*create, *given, "--json", stdin="a long password\n").json
    assert values_of(work, made["id"]) == {"badge": "7", "vip": True}
    invited = signet("user", "invite", "grace@example.test", *given, "--json").json
    assert values_of(work, invited["id"]) == {"badge": "7", "vip": True}
    assert signet("user", "invite", "joan@example.test", "--attribute", "badge").status == 2


def test_attributes_that_operators_do_not_see_are_not_shown(signet: Signet, work: Work) -> None:
    """The command line is an operator, as `seen_by` means it (docs/guides/user-attributes.md)."""
    declare(work, "city")
    declare(work, "diary", seen_by=["user", "api"], edited_by=["user", "api"])
    with work() as w:
        ada = make_user(w, "ada@example.test")
        diary = values.from_texts(w, {"diary": "Dear diary"})
        values.change_values(w, user_id=ada, given=diary, editor=Editor.API, place=Place.ADMIN)
    changed = signet("user", "set-attributes", ada, "city=Paris", "--json").json
    assert changed["attributes"] == {"city": "Paris"}
    assert [row["name"] for row in signet("user", "attributes", ada, "--json").json] == ["city"]
