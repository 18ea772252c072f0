"""signet user import: users from a file of CSV or JSON lines."""

import io
import json
from pathlib import Path

import pytest

from provider.accounts.importing.files import LONGEST_LINE, Row, UnreadableFile, read_rows
from provider.accounts.importing.rows import InvalidRow, parse_row
from provider.accounts.passwords.passwords import is_password_of
from provider.accounts.roles.permissions import EVERYTHING, permissions_of
from provider.accounts.store import users
from provider.accounts.users import find_user
from provider.crypto.passwords import hash_password
from provider.operators.imports.rows import Options, Result, import_rows
from provider.work import Installation
from tests.cli.conftest import Signet
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work

CSV = 'email,name,roles\r\nada@example.test,"Ada\r\nLovelace",staff\r\ngrace@example.test,Grace,\r\n'


def rows(content: str | bytes) -> list[Row]:
    return list(read_rows(io.BytesIO(content if isinstance(content, bytes) else content.encode())))


def run(installation: Installation, content: str, options: Options) -> list[Result]:
    results: list[Result] = []
    import_rows(installation, read_rows(io.BytesIO(content.encode())), options, results.append)
    return results


def test_a_file_is_read_whatever_wrote_it() -> None:
    """RFC 4180 section 2; spreadsheets write byte order marks, UTF-16 and semicolons."""
    expected = [
        Row(2, {"email": "ada@example.test", "name": "Ada\r\nLovelace", "roles": "staff"}),
        Row(4, {"email": "grace@example.test", "name": "Grace", "roles": ""}),
    ]
    for separator in ",;\t":
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            assert rows(CSV.replace(",", separator).encode(encoding)) == expected, (separator, encoding)
    lines = '{"email": "ada@example.test"}\n\n[]\n{"email"\n{"email": "x", "plan": 1}\n'
    assert [(row.line, row.problem) for row in rows(lines)] == [
        (1, None),
        (3, "The line is not a JSON object."),
        (4, "The line is not valid JSON."),
        (5, "There is no member 'plan'."),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "The file is empty"),
        ("name\nAda\n", "The first line must name the columns"),
        ("email,plan\n", "There is no column 'plan'"),
        ("email,email\n", "The column email is in the file twice"),
        ('email\n"ada', "Line 2 is not valid CSV"),
        (b"email\n\xff\xfe\xfa", "The file is not UTF-8 or UTF-16"),
        ("email\n" + "x" * (LONGEST_LINE + 1), "A line is longer than"),
    ],
)
def test_a_file_that_is_not_one_of_users_is_refused(content: str | bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        rows(content)


def test_values_are_checked_by_column() -> None:
    """OIDC Core section 5.1: the claims have the form that the profile page gives them."""
    wanted = parse_row({"email": " a@b.example ", "email_verified": False, "roles": ["x", "y", "x"], "locale": "fr_CA"})
    assert (wanted.email, wanted.is_verified, wanted.roles) == ("a@b.example", False, ("x", "y"))
    assert wanted.claims == {"locale": "fr-CA"}
    [row] = rows('{"email": "a@b.example", "claims": {"name": "Ada", "address": {"country": "France"}}}')
    assert parse_row(row.values).claims == {"name": "Ada", "address": {"country": "France"}}
    name = "<b>\u05e9\u05dc\u05d5\u05dd</b> \U0001f469\u200d\U0001f4bb"
    assert parse_row({"email": "a@b.example", "name": name}).claims == {"name": name}
    for values, words in (
        ({"name": "x" * 200}, "name: Enter at most 100 characters"),
        ({"zoneinfo": "Mars/Base"}, "zoneinfo: "),
        ({"email_verified": "maybe"}, "email_verified: "),
        ({"name": 7}, "name: the value must be text"),
    ):
        with pytest.raises(InvalidRow, match=words):
            parse_row({"email": "a@b.example", **values})


@pytest.mark.both_databases
def test_users_are_created_skipped_and_updated(installation: Installation, work: Work) -> None:
    hashed = hash_password("a long password", cost=installation.settings.bcrypt_cost)
    content = "\n".join(
        json.dumps(line)
        for line in (
            {"email": "ada@example.test", "name": "Ada", "password_hash": hashed, "roles": ["staff"]},
            {"email": "ADA@example.test"},
            {"email": "grace", "password_hash": "$2b$secret"},
            {"email": "grace@example.test", "password_hash": "$2b$secret"},
            {"email": "new@example.test", "email_verified": False},
        )
    )
    options = Options(permissions=EVERYTHING)
    dry = run(installation, content, Options(permissions=EVERYTHING, dry_run=True))
    with work() as w:
        assert find_user(w, "ada@example.test") is None
    done = run(installation, content, options)
    assert dry == done
    assert [(one.line, one.outcome) for one in done] == [
        (1, "created"), (2, "failed"), (3, "failed"), (4, "failed"), (5, "created"),
    ]  # fmt: skip
    assert not any("secret" in one.problem for one in done)  # the hash is in no report
    with work() as w:
        ada = find_user(w, "ada@example.test")
        assert ada is not None
        assert (ada.roles, ada.claims) == (["staff"], {"name": "Ada"})
        assert is_password_of(w, ada.id, "a long password")
    # Stopped in the middle and run again: nobody is created twice, verified or not.
    again = run(installation, content, options)
    assert [one.outcome for one in again if one.outcome != "failed"] == ["skipped", "skipped"]
    changed = "email,family_name,roles\nada@example.test,Lovelace,staff editor\n"
    run(installation, changed, Options(permissions=EVERYTHING, update=True))
    with work() as w:
        ada = users.find(w.read, ada.id)
        assert ada is not None
        assert (sorted(ada.roles), ada.claims) == (["editor", "staff"], {"name": "Ada", "family_name": "Lovelace"})


def test_an_operator_gives_no_more_permissions_than_they_have(installation: Installation, work: Work) -> None:
    with work() as w:
        make_user(w, "boss@example.test", roles=("admin",))
    content = "email,roles,nickname\nada@example.test,admin,\nboss@example.test,,Boss\n"
    results = run(installation, content, Options(permissions=permissions_of(["user-manager"]), update=True))
    assert [one.outcome for one in results] == ["failed", "failed"]
    with work() as w:
        assert find_user(w, "ada@example.test") is None


def test_the_command_reports_the_rows_that_failed(signet: Signet, work: Work, tmp_path: Path, inbox: Inbox) -> None:
    file, report = tmp_path / "users.csv", tmp_path / "report.csv"
    file.write_text("email,name\nada@example.test,Ada\n=cmd(),x\n")
    dry = signet("user", "import", str(file), "--dry-run", "--json")
    assert dry.status == 1, dry.err
    assert dry.out, dry.err
    assert json.loads(dry.out) == {"dry_run": True, "created": 1, "updated": 0, "skipped": 0, "failed": 1}
    assert "Line 3: =cmd(): Enter an email address" in dry.err
    assert signet("user", "import", str(file), "--invite", "--report", str(report)).status == 1
    assert report.read_text().splitlines()[1].startswith("3,'=cmd(),\"Enter an email address")
    assert inbox.latest("ada@example.test").subject == "You've been invited to Signet"
