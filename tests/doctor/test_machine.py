"""signet doctor on the machine that it runs on, and on names of apps: break them, and it is named."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from provider.doctor import machine
from provider.doctor.examination import Case
from provider.doctor.machine import MACHINE
from provider.doctor.mail_domain import judge_domain
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from tests.support.doctor import FakeResolver, found_by
from tests.support.installation import Work


def found(case: Case) -> list[str]:
    return sorted(found_by(case, MACHINE))


def test_files_memory_and_names_of_apps_are_examined(
    case: Case, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert found(case) == []
    monkeypatch.setattr(machine, "file_system_of", lambda _: "ext4")
    (tmp_path / ".env").write_text("SIGNET_SECRET_KEY=x")
    (tmp_path / "memory.current").write_text("970000000\n")
    (tmp_path / "memory.max").write_text("1000000000\n")
    full = SimpleNamespace(f_files=1000, f_favail=1)
    monkeypatch.setattr("os.statvfs", lambda _: full)
    with work() as w:
        create_client(w, ClientMetadata(client_name="Old", redirect_uris=("https://gone.example.com/cb",)))
    assert found(case) == [
        "installation.disk-has-no-inodes",
        "installation.memory-is-nearly-used-up",
        "installation.redirect-host-does-not-exist",
        "installation.secrets-are-readable",
    ]
    (tmp_path / ".env").chmod(0o600)
    (tmp_path / "memory.max").write_text("max\n")
    full.f_favail = 900
    there = replace(case, resolver=FakeResolver({"gone.example.com": ["198.51.100.9"]}))
    assert found(there) == []

    def no_folder() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", no_folder)
    assert found(there) == ["installation.no-temporary-files"]


def test_dkim_keys_are_looked_for_at_the_usual_selectors_of_the_mail_server() -> None:
    key = ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
    base: dict[tuple[str, str], list[str] | None] = {("example.com", "A"): ["198.51.100.7"]}

    def dkim(host: str, **selectors: list[str]) -> list[str]:
        known = base | {
            (f"{name.replace('_', '-')}._domainkey.example.com", "TXT"): at for name, at in selectors.items()
        }
        judged = judge_domain(FakeResolver(known=known), "example.com", (), smtp_host=host)
        return [each.id for each in judged if "dkim" in each.id]

    assert dkim("smtp.google.com") == ["mail.dkim-not-found"]
    assert dkim("smtp.google.com", google=key) == ["mail.dkim"]
    assert dkim("mail.example.com", google=key) == ["mail.dkim-not-found"]
    assert dkim("mail.example.com", default=["v=DKIM1; p="]) == ["mail.dkim-is-revoked"]
    assert dkim("mail.example.com", signet_doctor_d0c7=key) == []
