"""The operator's list of breached passwords: found wherever it stands, and refused at the start when it is no list."""

import hashlib
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.accounts.passwords.breached_passwords import is_breached, require_usable
from provider.accounts.passwords.passwords import problem_of
from provider.config.environment import SettingsError
from provider.config.settings import Settings
from provider.refusals import Unavailable
from tests.support.browser import Browser
from tests.support.factories import make_user
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS, sign_in, sign_up

BREACHED = ["trombone zebra", "Zoë likes tea", "quiet river 77", "orange chair 12", "seven blue kites", "x" * 200]
FINE = "marmalade on the ninth"
SHAPES: dict[str, Callable[[list[str]], str]] = {
    "with counts": lambda hashes: "".join(f"{hash_}:{number * 977}\n" for number, hash_ in enumerate(hashes, 1)),
    "bare": lambda hashes: "".join(f"{hash_}\n" for hash_ in hashes),
    "CRLF": lambda hashes: "".join(f"{hash_}:3\r\n" for hash_ in hashes),
    "no newline at the end": lambda hashes: "\n".join(f"{hash_}:3" for hash_ in hashes),
    "lower case": lambda hashes: "".join(f"{hash_.lower()}:3\n" for hash_ in hashes),
}


def sha1(password: str) -> str:
    return hashlib.sha1(unicodedata.normalize("NFC", password).encode()).hexdigest().upper()


def listed(passwords: list[str]) -> list[str]:
    return sorted(sha1(password) for password in passwords)


@pytest.fixture
def use(tmp_path: Path) -> Callable[[str], Settings]:
    """Settings that name a file of this text."""

    def write(text: str) -> Settings:
        path = tmp_path / "pwnedpasswords.txt"
        path.write_text(text, newline="")
        return settings_for("sqlite:///unused.db", breached_passwords=path)

    return write


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_each_line_is_found_and_nothing_else(
    use: Callable[[str], Settings], shape: Callable[[list[str]], str], count: int
) -> None:
    """The first, the last and those between; before the first, after the last and between two lines there is none."""
    settings = use(shape(listed(BREACHED[:count])))
    require_usable(settings)
    assert all(is_breached(settings, password) for password in BREACHED[:count])
    assert not any(is_breached(settings, password) for password in [*BREACHED[count:], FINE, FINE + "!", ""])


@given(
    st.lists(st.binary(min_size=20, max_size=20), min_size=1, max_size=200, unique=True),
    st.lists(st.integers(1, 10**10), min_size=200, max_size=200),
    st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_the_length_of_its_lines(tmp_path: Path, hashes: list[bytes], counts: list[int], newline: str) -> None:
    hashes = sorted({*hashes, bytes.fromhex(sha1(FINE))})
    path = tmp_path / "list.txt"
    path.write_text(
        "".join(f"{h.hex().upper()}:{c}{newline}" for h, c in zip(hashes, counts, strict=False)), newline=""
    )
    settings = settings_for("sqlite:///unused.db", breached_passwords=path)
    require_usable(settings)
    assert is_breached(settings, FINE) == (bytes.fromhex(sha1(FINE)) in hashes[: len(counts)])
    assert not is_breached(settings, FINE + "!")


def test_the_work_is_the_same_wherever_a_password_stands(
    use: Callable[[str], Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = use(SHAPES["with counts"](listed([*BREACHED, *map(str, range(5000))])))
    read: list[int] = []
    pread = os.pread

    def counted(file: int, length: int, offset: int) -> bytes:
        read.append(length)
        return pread(file, length, offset)

    monkeypatch.setattr(os, "pread", counted)
    effort = set()
    for password in [*BREACHED, FINE, "0", "4999"]:
        read.clear()
        is_breached(settings, password)
        effort.add((len(read), sum(read)))
    assert len(effort) == 1
    assert effort.pop()[0] < 22  # of 256 KB: by halves, not by lines


def test_many_threads_may_ask_at_once(use: Callable[[str], Settings]) -> None:
    settings = use(SHAPES["bare"](listed([str(number) for number in range(0, 4000, 2)])))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: is_breached(settings, str(number)), range(4000)))
    assert answers == [True, False] * 2000


def test_a_password_is_looked_up_in_its_normal_form(use: Callable[[str], Settings]) -> None:
    settings = use(SHAPES["bare"](listed(["Zoë likes tea"])))
    assert is_breached(settings, "Zoe\u0308 likes tea")


LINES = listed(BREACHED)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("".join(f"{line[:32]}:4\n" for line in LINES), "NTLM"),
        ("".join(f"{line[:32]}\r\n" for line in LINES), "NTLM"),
        ("".join(f"{line}\n" for line in reversed(LINES)), "not ordered"),
        ("".join(f"{line}\n" for line in [*LINES[1:], LINES[0]]), "not ordered"),
        ("hash,count\n" + "".join(f"{line}\n" for line in LINES), "SHA-1"),
        ("\ufeff" + "".join(f"{line}\n" for line in LINES), "SHA-1"),
        ("".join(f"{line};4\n" for line in LINES), "SHA-1"),
        ("".join(f"{line}:4 \n" for line in LINES), "SHA-1"),
        ("".join(f"{line}A\n" for line in LINES), "SHA-1"),
        ("".join(f"{line}\n" for line in LINES) + "FFFF", "SHA-1"),
        ("".join(f"{line}\n" for line in LINES) + "\n\n", "SHA-1"),
        ("\r".join(LINES), "SHA-1"),
        ("password\n123456\n", "SHA-1"),
        ("\0" * 5000, "SHA-1"),
        ("x" * 5000, "SHA-1"),
    ],
)
def test_what_is_no_such_list_stops_the_start_with_one_line(
    use: Callable[[str], Settings], text: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        require_usable(use(text))
    assert str(refused.value).startswith("SIGNET_BREACHED_PASSWORDS: /")
    assert "\n" not in str(refused.value)


def test_a_list_ordered_by_count_is_noticed(use: Callable[[str], Settings]) -> None:
    """The same people publish that too."""
    lines = [f"{sha1(str(number))}:{9000 - number}\n" for number in range(3000)]
    with pytest.raises(SettingsError, match="not ordered"):
        require_usable(use("".join(lines)))


@pytest.mark.parametrize(
    ("name", "problem"), [("missing", "No such file"), (".", "is not a file"), ("pipe", "is not a file")]
)
def test_a_file_that_cannot_be_read_stops_the_start_with_one_line(tmp_path: Path, name: str, problem: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match=problem):
        require_usable(settings_for("sqlite:///unused.db", breached_passwords=tmp_path / name))


def test_without_a_list_there_is_none() -> None:
    settings = settings_for("sqlite:///unused.db")
    require_usable(settings)
    assert not is_breached(settings, BREACHED[0])


@pytest.mark.parametrize("text", ["", "no hashes here\n" * 100])
def test_a_list_that_went_bad_is_an_outage_and_no_verdict(use: Callable[[str], Settings], text: str) -> None:
    """R-1: neither "breached" nor "fine"."""
    settings = use(text)
    with pytest.raises(Unavailable):
        problem_of(settings, FINE)
    assert settings.breached_passwords is not None
    settings.breached_passwords.unlink()
    with pytest.raises(Unavailable):
        problem_of(settings, FINE)


def test_a_newer_list_moved_to_its_place_is_used_at_once(use: Callable[[str], Settings], tmp_path: Path) -> None:
    settings = use(SHAPES["with counts"](listed(BREACHED)))
    assert not is_breached(settings, FINE)
    (tmp_path / "newer").write_text(SHAPES["with counts"](listed([*BREACHED, FINE])))
    assert settings.breached_passwords is not None
    (tmp_path / "newer").replace(settings.breached_passwords)
    assert is_breached(settings, FINE)


class TestWithAList:
    @pytest.fixture
    def settings(self, settings: Settings, use: Callable[[str], Settings]) -> Settings:
        path = use(SHAPES["with counts"](listed(BREACHED))).breached_passwords
        return settings.model_copy(update={"breached_passwords": path})

    def test_a_breached_password_is_refused_with_its_reason(self, browser: Browser, work: Work) -> None:
        """ASVS v5.0.0-6.2.12; it is asked for new passwords only."""
        with work() as w:
            make_user(w, password=BREACHED[0])
        page = sign_up(browser, "new@example.test", password=BREACHED[0])
        assert page.status == 400
        assert "appeared in a data breach" in page.text
        assert sign_in(browser, password=BREACHED[0]).path == "/account"
        browser.open("/account/password")
        page = browser.submit({"Current password": BREACHED[0], "New password": BREACHED[1]})
        assert page.status == 400
        assert "appeared in a data breach" in page.text
        browser.open("/account/password")
        page = browser.submit({"Current password": BREACHED[0], "New password": FINE})
        assert page.title.startswith("Password changed")
        assert sign_in(browser, ADDRESS, password=FINE).path == "/account"
