"""Addrresses that no email could reach are refused where they are typed (RFC 6531)."""

import pytest

from provider.accounts.email.email_addresses import parse_address, problem_of_address
from provider.accounts.email.new_addresses import NotAnAddress
from provider.accounts.registration import create_user
from provider.config.settings import Settings
from tests.support.installation import Work


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("ada@bücher.example", None),
        ("ada@xn--bcher-kva.example", None),
        ("zoë@example.test", "non-Latin letters"),
        ("用户@example.test", "non-Latin letters"),
        ("ada", "Enter an email address"),
        ("a" * 65 + "@example.test", "Enter an email address"),  # RFC 5321 section 4.5.3.1.1
    ],
)
def test_the_form_says_what_is_wrong_with_an_address(settings: Settings, typed: str, problem: str | None) -> None:
    found = problem_of_address(settings, parse_address(typed))
    assert (found is None) if problem is None else (found is not None and problem in found)


def test_with_smtputf8_every_local_part_is_accepted(settings: Settings) -> None:
    able = settings.model_copy(update={"smtp_utf8": True})
    assert problem_of_address(able, parse_address("zoë@example.test")) is None


def test_an_operator_is_told_too(work: Work) -> None:
    with work() as w, pytest.raises(NotAnAddress, match="non-Latin letters"):
        create_user(w, email="zoë@example.test", password=None, verified=True)
