"""signet export and signet import."""

from pathlib import Path

import pytest

from tests.cli.conftest import Signet
from tests.support.factories import make_user
from tests.support.installation import Work


@pytest.mark.both_databases
def test_the_file_is_for_its_owner_alone_and_never_overwritten(signet: Signet, work: Work, tmp_path: Path) -> None:
    with work() as w:
        make_user(w, "ada@example.test")
    file = tmp_path / "signet.jsonl"
    assert signet("export", str(file), "--json").json["rows"]["users"] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert signet("export", str(file)).status == 1
    assert "correct horse" not in file.read_text()


def test_what_cannot_be_imported_is_said_in_one_line(signet: Signet, work: Work, tmp_path: Path) -> None:
    with work() as w:
        make_user(w, "ada@example.test")
    exported = signet("export", "-").out
    refused = signet("import", "-", stdin=exported)
    assert refused.status == 1
    assert refused.err.endswith("Import into a new one. Nothing was imported.\n")
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    assert signet("import", str(tmp_path / "x")).err.endswith("Nothing was imported.\n")
