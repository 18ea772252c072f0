"""No form tells a stranger who has an account: not by status, text, headers, cookies or letters (A-61, A-81, A-86;
OWASP ASVS v5.0.0-6.3.8; security.md section 7.6). The same by API is in tests/api, the time of it in test_timing.
"""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette

from provider.accounts import registration
from tests.clock import Clock
from tests.conftest import Work
from tests.factories import PASSWORD
from tests.inbox import Inbox
from tests.silence import NOBODY, NOBODY_EITHER, SPELLINGS, WHO, Stranger, address_of, assert_alike, make_everybody

VERIFY = "Confirm your email address for Signet"
TAKEN = "You already have a Signet account"
RESET = "Choose a new Signet password"

Form = Callable[[Stranger], object]


def sign_in(password: str) -> Form:
    return lambda stranger: stranger.open("/login").submit("/login", username=stranger.typed, password=password)


def sign_up(stranger: Stranger) -> Stranger:
    return stranger.open("/signup").submit("/signup", email=stranger.typed, password=PASSWORD, name="Eve")


def forgot_password(stranger: Stranger) -> object:
    return stranger.open("/forgot-password").submit("/forgot-password", email=stranger.typed)


def send_again(stranger: Stranger) -> object:
    return sign_up(stranger).submit("/verify-email/resend")


def type_codes(stranger: Stranger) -> object:
    """Six wrong ones: the sixth is not checked any more."""
    sign_up(stranger)
    for number in range(6):
        stranger.submit("/verify-email", code=f"00000{number}")
    return stranger


def guess_until_it_waits(stranger: Stranger) -> object:
    stranger.open("/login")
    for _ in range(7):
        stranger.submit("/login", username=stranger.typed, password="a wrong guess")
    return stranger


def guess_sign_up_and_guess(stranger: Stranger) -> object:
    """The wait for an address nobody owned yet must not begin anew with a claim to it."""
    guess_until_it_waits(stranger)
    sign_up(stranger)
    return stranger.open("/login").submit("/login", username=stranger.typed, password="a wrong guess")


OF_SIGN_UP = dict.fromkeys((NOBODY, NOBODY_EITHER, "unv"), [VERIFY]) | dict.fromkeys(
    ("act", "two", "sus", "pas", "lea"), [TAKEN]
)
OF_RESET = {"unv": [VERIFY]} | dict.fromkeys(("act", "two", "pas", "lea"), [RESET])
FORMS: dict[str, tuple[Form, dict[str, list[str]]]] = {
    "sign-in": (sign_in("a wrong guess"), {}),
    "sign-in, no password": (sign_in(""), {}),
    "sign-in, 10 kB": (sign_in("x" * 10_000), {}),
    "sign-in until it waits": (guess_until_it_waits, {}),
    "sign-up": (sign_up, OF_SIGN_UP),
    "sign-in, sign-up, sign-in": (guess_sign_up_and_guess, OF_SIGN_UP),
    "forgotten password": (forgot_password, OF_RESET),
    "another letter": (send_again, {who: 2 * letters for who, letters in OF_SIGN_UP.items()}),
    "code": (type_codes, OF_SIGN_UP),
}
"""What is done, and the letters that come of it. Without any there are none for anybody."""


@pytest.mark.parametrize("spelling", list(SPELLINGS))
@pytest.mark.parametrize("form", list(FORMS))
def test_a_form_answers_alike_whoever_has_the_address(
    app: Starlette, work: Work, inbox: Inbox, unlimited: None, form: str, spelling: str
) -> None:
    make_everybody(work)
    fill_in, expected = FORMS[form]
    saw = {}
    for who in WHO:
        stranger, before = Stranger(app, SPELLINGS[spelling](who)), len(inbox.letters())
        fill_in(stranger)
        saw[who] = stranger.saw
        subjects = expected.get(NOBODY if spelling == "tagged" else who, [])
        # An owner's mailbox is the one that was proven; a claim's is the one that was typed.
        is_claim = VERIFY in subjects and form != "forgotten password"
        mailbox = _domain_in_small(stranger.typed.strip()) if is_claim else address_of(who)
        wrote = [(letter.to, letter.subject) for letter in inbox.letters()[before:]]
        assert wrote == [(mailbox, subject) for subject in subjects], who
    assert_alike(saw)


def _domain_in_small(address: str) -> str:
    local, at, domain = address.partition("@")
    return local + at + domain.lower()
