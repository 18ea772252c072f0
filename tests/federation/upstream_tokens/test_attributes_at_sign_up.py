"""Tokens of an upstream wait with a sign-up that asks for attributes, until the user has given them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from provider.accounts.upstream_tokens.sealing import TokenPair, unseal
from provider.federation.configuration import parse_upstream
from provider.federation.exchange import UpstreamIdentity
from provider.federation.issued_tokens import LONGEST_TOKEN, IssuedTokens
from provider.federation.new_accounts import seal, spend
from provider.federation.new_accounts import unseal as unseal_sign_up
from tests.federation.conftest import EXAMPLE
from tests.federation.fake_provider import Traveller
from tests.federation.token_provider import TokenProvider
from tests.federation.upstream_tokens.people import tokens_of
from tests.support.attributes import EVERYONE, declare
from tests.support.installation import Work

TOKENS = IssuedTokens(
    pair=TokenPair(access_token="access-0", token_type="Bearer", refresh_token="refresh-0"),
    scope="calendar",
    expires_at=datetime(2026, 1, 2, 4, 4, 5, tzinfo=UTC),
)
IDENTITY = UpstreamIdentity(
    issuer="https://upstream.example",
    subject="ada",
    email="ada@example.test",
    email_proven=True,
    names={"name": "Ada"},
    claims={},
    proven_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    tokens=TOKENS,
    sid="session",
    id_token="h.p.s",
)


@pytest.fixture
def required(work: Work) -> None:
    declare(
        work,
        "customer_number",
        seen_by=EVERYONE,
        edited_by=EVERYONE,
        shown_at=["sign-up"],
        required_at=["sign-up"],
    )


def carried(work: Work, identity: UpstreamIdentity) -> UpstreamIdentity:
    settings = parse_upstream("example", EXAMPLE | {"store_tokens": True})
    with work() as w:
        ticket = seal(w, settings, identity, browser="b", destination={})
        assert "access-0" not in ticket
        return spend(w, unseal_sign_up(w, ticket, upstream="example", browser="b"))


@pytest.mark.parametrize("issued", [{"expires_in": 600}, {}], ids=["expires", "does not say"])
def test_the_tokens_are_stored_with_the_account(
    issued: dict[str, Any], traveller: Traveller, provider: TokenProvider, required: None, work: Work
) -> None:
    """With and without a time at which they expire: GitHub sends none."""
    provider.issued = {"scope": "openid calendar", **issued}
    assert "A few more details are needed." in traveller.sign_in().text
    assert traveller.browser.submit({"attributes.customer_number": "42"}).path == "/account"
    [row] = tokens_of(work)
    assert (row.scope, row.expires_at is not None) == ("openid calendar", bool(issued))
    with work() as w:
        pair = unseal(w.vault, row)
    assert (pair.access_token, pair.refresh_token) == ("access-0", "refresh-0")


def test_everything_about_the_user_is_the_same_after_the_form(work: Work) -> None:
    """Nothing that the form carries changes its type."""
    for identity in (
        IDENTITY,
        replace(IDENTITY, proven_at=None, tokens=None, sid=None, id_token=None, email=None),
        replace(IDENTITY, tokens=replace(TOKENS, expires_at=None)),
    ):
        assert carried(work, identity) == identity


def test_tokens_that_make_the_form_too_long_are_left_out(
    traveller: Traveller, provider: TokenProvider, required: None, work: Work
) -> None:
    """The account is created all the same, and the next sign-in brings tokens."""
    provider.issued = {"access_token": "x" * LONGEST_TOKEN, "refresh_token": "y" * LONGEST_TOKEN}
    provider.with_refresh_token = False
    provider.claims["big"] = "x" * 9000
    traveller.sign_in()
    assert traveller.browser.submit({"attributes.customer_number": "42"}).path == "/account"
    assert tokens_of(work) == []
