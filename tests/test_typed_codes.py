"""Codes as people and phones write them are read as meant (issue 12, line 39)."""

import re

import pytest

from provider.accounts.factors.recovery_codes import RECOVERY_CODE
from provider.crypto.digests import new_recovery_code
from provider.oauth.grants.device_requests import USER_CODE
from provider.resources import TEMPLATES
from provider.typed_codes import DIGITS

NUMBERS = [
    "123456",
    " 123 456 ",
    "123-456",
    "12 34 56",
    "1 2 3 4 5 6",
    "123\u2013456",  # en dash
    "123\u2011456",  # non-breaking hyphen
    "123\u2212456",  # minus sign
    "123\ufe58456",  # small em dash
    "123\u00a0456",  # no-break space
    "123\u2009456",  # thin space
    "123\u202f456",  # narrow no-break space
    "123\u3000456",  # ideographic space
    "123.456",
    "123456.",
    "\u201c123456\u201d",
    "(123456)",
    "<123456>",
    "\ufeff123456",
    "123\u200b456\u00ad",
    "\u202a123456\u202c",
    "\u2068123456\u2069",
    "\uff11\uff12\uff13\uff14\uff15\uff16",  # full-width
    "\u0661\u0662\u0663\u0664\u0665\u0666",  # Arabic-Indic
    "\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6",  # Persian
    "\u0967\u0968\u0969\u096a\u096b\u096c",  # Devanagari
    "\u09e7\u09e8\u09e9 \u09ea\u09eb\u09ec",  # Bengali
    "\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2\U0001d7d3\U0001d7d4",  # mathematical
    "1\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e34\ufe0f\u20e35\ufe0f\u20e36\ufe0f\u20e3",  # keycaps
    "l23456",
    "I23456",
    "code: 123 456",
    "Code:123456",
    "Your code is 123456. It works for 10 minutes.",
    "G-123456",
    "Signet: 123456\n",
    "\u0627\u0644\u0631\u0645\u0632: \u0661\u0662\u0663\u0664\u0665\u0666",
]
WRONG_NUMBERS = [
    "",
    "12345",
    "1234567",
    "123456 654321",
    "123456 or 123457",
    "abcdef",
    "12345a",
    "-123-",
    "1234567890123456",
    "\u2160\u2161",
    "\x00",
    "\ud800",
    "9" * 5000,
]


@pytest.mark.parametrize("typed", NUMBERS, ids=ascii)
def test_a_number_is_read_as_it_was_meant(typed: str) -> None:
    assert DIGITS.read(typed) == "123456"


@pytest.mark.parametrize("typed", WRONG_NUMBERS, ids=lambda typed: ascii(typed)[:20])
def test_what_does_not_contain_exactly_one_number_is_no_code(typed: str) -> None:
    assert DIGITS.read(typed) is None


def test_the_letters_o_i_and_l_are_digits_in_a_number() -> None:
    assert DIGITS.read("O1I lo0") == "011100" == DIGITS.read("\u041e1I-LO0")
    assert DIGITS.read("code: 12345O") == "123450"


@pytest.mark.parametrize(
    "typed",
    [
        "k3fx-9wq2-abcd-efgh",
        "K3FX 9WQ2 ABCD EFGH",
        "k3fx9wq2abcdefgh",
        "k3fx\u20139wq2\u2014abcd\u2212efgh.",
        "\uff4b\uff13\uff46\uff58-9wq2-abcd-efgh",
        "\u043a3fx-9wq2-\u0430bcd-efgh",  # from a Cyrillic keyboard
        "1. k3fx-9wq2-abcd-efgh",
        "\u2022 k3fx-9wq2-abcd-efgh",
        "Recovery code: k3fx-9wq2-abcd-efgh",
        "k3fx_9wq2_abcd_efgh\ufeff",
    ],
    ids=ascii,
)
def test_a_recovery_code_is_read_as_it_was_meant(typed: str) -> None:
    assert RECOVERY_CODE.read(typed) == "k3fx9wq2abcdefgh"


def test_a_new_recovery_code_is_read_and_several_are_none() -> None:
    code, other = new_recovery_code(), "k3fx-9wq2-abcd-efgh"
    assert RECOVERY_CODE.read(code) == code.replace("-", "")
    assert RECOVERY_CODE.read(f"{other}\nmnpq-rstu-vwxy-z234") is None
    assert RECOVERY_CODE.read("k3fx-9wq2-abcd-efg0") is None


@pytest.mark.parametrize(
    "typed",
    [
        "WDJL-SBHZ",
        "wdjl sbhz",
        "WDJL\u2014SBHZ",
        "wdj1-5bh2",
        "WDJI SBHZ",
        "\uff37\uff24\uff2a\uff2c\uff0d\uff33\uff22\uff28\uff3a",
        "code: WDJL-SBHZ.",
        "https://id.example.test/device?user_code=WDJL-SBHZ",
    ],
    ids=ascii,
)
def test_a_user_code_is_read_as_it_was_meant(typed: str) -> None:
    """RFC 8628 section 6.1."""
    assert USER_CODE.read(typed) == "WDJLSBHZ"


def test_no_field_for_a_code_keeps_a_browser_from_pasting_it() -> None:
    """WCAG 2.2 SC 3.3.8. A field of digits is filled in by phones, with the keyboard for digits."""
    fields = [
        (path.name, field)
        for path in TEMPLATES.rglob("*.html")
        for field in re.findall(r"\{\{ field\(.(?:user_)?code.,.*", path.read_text())
    ]
    assert len(fields) >= 7
    for name, field in fields:
        assert not re.search("maxlength|pattern|inputmode=(?!.numeric)", field), (name, field)
        takes_digits_only = "Recovery code" not in field and "recovery code" not in field and "user_code" not in field
        assert ('inputmode="numeric"' in field) is takes_digits_only, (name, field)
        assert takes_digits_only <= ('autocomplete="one-time-code"' in field), (name, field)
