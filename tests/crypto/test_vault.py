"""Secrets at rest: unreadable, unchangeable, bound to their purpose and owner, and rotatable."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.config.environment import SettingsError
from provider.config.settings import Settings
from provider.crypto.vault import Vault, VaultError, create_key_file, open_vault
from tests.support.clock import Clock

OLD, NEW = "an old key of at least 32 characters", "a new key of at least 32 characters"


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_encrypted_comes_back(plain: bytes, context: str) -> None:
    vault = Vault((NEW,))
    context = context.encode("utf-8", "replace").decode()
    sealed = vault.encrypt(plain, purpose="test", context=context)
    assert vault.decrypt(sealed, purpose="test", context=context) == plain


@given(st.text(max_size=80))
def test_any_other_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(VaultError):
        Vault((NEW,)).decrypt(text, purpose="test")


def test_each_encryption_differs_and_hides_the_text() -> None:
    vault = Vault((NEW,))
    first, second = (vault.encrypt(b"a TOTP seed", purpose="test") for _ in range(2))
    assert first != second
    assert "TOTP seed" not in first


@pytest.mark.parametrize(("purpose", "context"), [("other", "ada"), ("test", "eve"), ("test", "")])
def test_a_ciphertext_is_worth_nothing_for_another_purpose_or_owner(purpose: str, context: str) -> None:
    vault = Vault((NEW,))
    sealed = vault.encrypt(b"seed", purpose="test", context="ada")
    with pytest.raises(VaultError):
        vault.decrypt(sealed, purpose=purpose, context=context)


def test_every_changed_character_is_noticed() -> None:
    vault = Vault((NEW,))
    sealed = vault.encrypt(b"x", purpose="test")
    version, _, body = sealed.partition(".")
    for at in range(len(body) - 1):  # the last one holds unused bits
        changed = body[:at] + ("A" if body[at] != "A" else "B") + body[at + 1 :]
        with pytest.raises(VaultError):
            vault.decrypt(f"{version}.{changed}", purpose="test")


def test_a_new_key_encrypts_and_an_old_one_still_decrypts() -> None:
    sealed = Vault((OLD,)).encrypt(b"seed", purpose="test")
    rotated = Vault((NEW, OLD))
    assert rotated.decrypt(sealed, purpose="test") == b"seed"
    assert Vault((NEW,)).decrypt(rotated.encrypt(b"seed", purpose="test"), purpose="test") == b"seed"
    with pytest.raises(VaultError):
        Vault((NEW,)).decrypt(sealed, purpose="test")


def test_keyed_digests_know_what_an_earlier_key_made() -> None:
    made = Vault((OLD,)).keyed_digest("value", purpose="test")
    rotated = Vault((NEW, OLD))
    assert made in rotated.keyed_digests("value", purpose="test")
    assert rotated.keyed_digest("value", purpose="test") != made
    assert rotated.keyed_digest("value", purpose="other") != rotated.keyed_digest("value", purpose="test")


def test_a_sealed_value_lasts_its_time_and_serves_its_purpose(clock: Clock) -> None:
    vault = Vault((NEW,))
    sealed = vault.seal({"a": 1}, purpose="test", now=clock.now, lifetime=timedelta(minutes=5))
    assert vault.unseal(sealed, purpose="test", now=clock.advance(minutes=4)) == {"a": 1}
    assert vault.unseal(sealed, purpose="other", now=clock.now) is None
    assert vault.unseal(sealed[:-2], purpose="test", now=clock.now) is None
    assert vault.unseal(sealed, purpose="test", now=clock.advance(minutes=1)) is None


@given(st.text(max_size=60))
def test_no_text_from_a_url_makes_unsealing_fail(text: str) -> None:
    assert Vault((NEW,)).unseal(text, purpose="test", now=Clock().now) is None


def test_the_key_file_is_made_once_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "signet.db.key"
    before = os.umask(0)
    try:
        assert create_key_file(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = path.read_text()
    assert len(made) >= 43
    assert not create_key_file(path)
    assert path.read_text() == made


def embedded(path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        (None, 0, "signet migrate"),
        (OLD, 0o640, "other users of this machine can read"),
        (OLD, 0o604, "other users of this machine can read"),
        ("x", 0o600, "short"),
    ],
)
def test_an_invalid_key_file_is_refused(tmp_path: Path, text: str | None, mode: int, problem: str) -> None:
    """F-12."""
    path = tmp_path / "signet.db.key"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(SettingsError, match=problem):
        open_vault(embedded(tmp_path / "signet.db"))


def test_only_the_embedded_mode_keeps_its_key_in_a_file() -> None:
    with pytest.raises(SettingsError, match="SIGNET_SECRET_KEY"):
        open_vault(Settings(database_url="postgresql://signet@localhost/signet"))
