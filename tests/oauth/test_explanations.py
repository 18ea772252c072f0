"""Explained refusals: kept for some time, found by their id, never a reason to fail."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.database.outages import DatabaseUnavailable
from provider.oauth import store
from provider.oauth.checks import Checks, ascii_description
from provider.oauth.errors import InvalidRequestError
from provider.oauth.explanations import find_explanation
from tests.oauth.conftest import Explain
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import TOKEN, RelyingParty


def test_an_explanation_is_kept_for_a_week(rp: RelyingParty, work: Work, clock: Clock) -> None:
    """Older ones are of no use to anyone, and their number must have an end."""
    error_id = rp.refresh("x").error_id
    clock.advance(days=7, seconds=-1)
    with work() as w:
        assert find_explanation(w, error_id) is not None
    clock.advance(seconds=1)
    with work() as w:
        assert find_explanation(w, error_id) is None


@pytest.mark.parametrize("error_id", ["", "x", "x" * 5000, "' OR 1=1 --", "ä"])
def test_an_unknown_id_finds_nothing(work: Work, error_id: str) -> None:
    with work() as w:
        assert find_explanation(w, error_id) is None


def test_it_says_whose_request_it_was_and_where_from(rp: RelyingParty, explain: Explain) -> None:
    row = explain(rp.refresh("x").error_id)
    assert (row.endpoint, row.client_id, row.error) == ("token", rp.client_id, "invalid_grant")
    assert row.network


def test_long_and_odd_values_are_shortened_and_kept(http: WatchedClient, explain: Explain) -> None:
    """PostgreSQL keeps no NUL; both databases bound what a stranger may store."""
    form = {"client_id": "\x00ä\U0001f600" * 400, "grant_type": "\x00" * 400, "client_secret": "x"}
    row = explain(http.post(TOKEN, data=form).json()["error_id"])
    assert len(row.client_id or "") == 128
    assert "\x00" not in str(row)
    assert all(len(str(value)) <= 400 for check in row.checks for value in check.values())


def test_a_refusal_does_not_fail_when_it_cannot_be_explained(
    rp: RelyingParty, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Best-effort, and never on the path of a successful request."""

    def away(*_: Any) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(store, "add", away)
    refused = rp.refresh("x")
    assert (refused.status, refused.error) == (400, "invalid_grant")
    with work() as w:
        assert find_explanation(w, refused.error_id) is None


def test_a_success_leaves_no_explanation(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    tokens = rp.sign_in(browser)
    with work() as w:
        assert find_explanation(w, tokens.response.headers["x-request-id"]) is None


@pytest.mark.parametrize(
    ("form", "failed", "fix"),
    [
        ({"grant_type": "password"}, "grant_type is supported", "Send one of the expected values as grant_type."),
        ({"scope": "openid"}, "The request has grant_type", "Send grant_type in the form body of the request."),
    ],
)
def test_the_failed_check_says_how_to_fix_it(
    rp: RelyingParty, explain: Explain, form: dict[str, str], failed: str, fix: str
) -> None:
    """RFC 6749 section 5.2."""
    refused = rp.http.post(TOKEN, data=form, auth=(rp.client_id, rp.secret or "")).json()
    check = explain(refused["error_id"]).checks[-1]
    assert (check["name"], check["passed"], check["fix"]) == (failed, False, fix)


def test_a_passed_check_received_what_was_expected(rp: RelyingParty, explain: Explain) -> None:
    """RFC 6749 section 3.2.1: the client_id came in the body."""
    form = {"client_id": rp.client_id, "client_secret": rp.secret or "", "grant_type": "password"}
    checks = explain(rp.http.post(TOKEN, data=form).json()["error_id"]).checks
    passed = [check for check in checks if check["name"] == "The request names a client"]
    assert [(check["passed"], check["got"]) for check in passed] == [(True, "as expected")]


@given(text=st.text())
def test_a_description_holds_only_what_the_specification_allows(text: str) -> None:
    """RFC 6749 section 5.2: printable ASCII without quote and backslash."""
    allowed = {chr(code) for code in range(0x20, 0x7F)} - {'"', "\\"}
    assert set(ascii_description(text)) <= allowed


@given(got=st.text())
def test_long_received_values_are_shortened(got: str) -> None:
    checks = Checks("token")
    with pytest.raises(InvalidRequestError) as refused:
        checks.require(
            False,
            "Something",
            section="s",
            error=InvalidRequestError,
            description="Wrong",
            expected="this",
            got=got,
            fix="Do.",
        )
    assert refused.value.checks is checks
    assert len(checks.done[0].got) <= 123
