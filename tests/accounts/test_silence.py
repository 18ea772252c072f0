"""No form tells a stranger who has an account: not by status, text, headers, cookies or letters (A-61, A-81, A-86;
OWASP ASVS v5.0.0-6.3.8). The same by API is in tests/api, the time of it in test_timing.
"""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette

from provider.accounts import timing as constant_time_response
from tests.support.factories import PASSWORD
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.silence import (
    ASKED,
    NOBODY,
    SPELLINGS,
    WHO,
    Stranger,
    address_of,
    assert_alike,
    make_everybody,
    most_slowly,
)

VERIFY = "Confirm your email address for Signet"
TAKEN = "You already have an account with Signet"
RESET = "Reset your Signet password"

CHOSEN = "chosen by whoever signs up"
"""And nobody's password."""

Form = Callable[[Stranger], object]


def sign_in(password: str) -> Form:
    return lambda stranger: stranger.open("/login").submit("/login", username=stranger.typed, password=password)


def sign_up(stranger: Stranger, password: str = PASSWORD) -> Stranger:
    return stranger.open("/signup").submit("/signup", email=stranger.typed, password=password, name="Eve")


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


def sign_in_with_the_password_of_a_sign_up(stranger: Stranger) -> object:
    """Decision 41: nor does what was chosen at a sign-up tell, however often it is tried among guesses."""
    sign_up(stranger, CHOSEN)
    sign_in(CHOSEN)(stranger)
    stranger.submit("/verify-email/resend").submit("/verify-email", code="000000")
    for password in ("a wrong guess", "a wrong guess", CHOSEN, "a wrong guess", "a wrong guess", CHOSEN):
        sign_in(password)(stranger)
    return stranger


OWNERS = ("act", "two", "sus", "pas", "lea")
OF_SIGN_UP = {who: TAKEN if who in OWNERS else VERIFY for who in WHO}
OF_RESET = {"unv": VERIFY} | {who: RESET for who in OWNERS if who != "sus"}
FORMS: dict[str, tuple[Form, dict[str, str], int]] = {
    "sign-in": (sign_in("a wrong guess"), {}, 0),
    "sign-in, no password": (sign_in(""), {}, 0),
    "sign-in, 10 kB": (sign_in("x" * 10_000), {}, 0),
    "sign-in until it waits": (guess_until_it_waits, {}, 0),
    "sign-up": (sign_up, OF_SIGN_UP, 1),
    "sign-in, sign-up, sign-in": (guess_sign_up_and_guess, OF_SIGN_UP, 1),
    "forgotten password": (forgot_password, OF_RESET, 1),
    "a new email": (send_again, OF_SIGN_UP, 2),
    "code": (type_codes, OF_SIGN_UP, 1),
    "sign-up, sign-in with its password": (sign_in_with_the_password_of_a_sign_up, OF_SIGN_UP, 4),
}
"""What is done, and the letter that comes of it, as often as that."""


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long an answer takes is not what is judged here."""
    monkeypatch.setattr(constant_time_response, "PACE", 0)


@pytest.mark.parametrize(("database_url", "spelling"), ASKED, indirect=["database_url"])
@pytest.mark.parametrize("form", most_slowly(FORMS))
def test_a_form_answers_alike_whoever_has_the_address(
    app: Starlette, work: Work, inbox: Inbox, unlimited: None, form: str, spelling: str
) -> None:
    make_everybody(work)
    fill_in, letters, times = FORMS[form]
    saw = {}
    for who in WHO:
        stranger, before = Stranger(app, SPELLINGS[spelling](who)), len(inbox.letters())
        fill_in(stranger)
        saw[who] = stranger.saw
        subject = letters.get(NOBODY if spelling == "tagged" else who)
        # An owner's mailbox is the one that was proven; a claim's is the one that was typed.
        is_claim = subject == VERIFY and form != "forgotten password"
        mailbox = _domain_in_small(stranger.typed.strip()) if is_claim else address_of(who)
        wrote = [(letter.to, letter.subject) for letter in inbox.letters()[before:]]
        assert wrote == ([(mailbox, subject)] * times if subject else []), who
    assert_alike(saw)


def _domain_in_small(address: str) -> str:
    local, at, domain = address.partition("@")
    return local + at + domain.lower()
