"""Redeeming codes: once, by the right client, with the right verifier, in time."""

from collections.abc import Callable
from typing import Any

import pytest

from provider.accounts import suspension
from provider.accounts.store import users
from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.oauth.authorize import consent
from provider.oauth.authorize.store.authorization_codes import MOST_ATTEMPTS
from provider.oauth.clients import clients
from provider.oauth.grants import authorization_code
from provider.oauth.tokens.access_tokens import token_response
from provider.sessions import lifecycle
from provider.tables import metadata
from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import Answer, RelyingParty, Tokens, challenge_of

OFFLINE = "openid email offline_access"


def assert_invalid_grant(tokens: Tokens) -> None:
    """RFC 6749 section 5.2."""
    assert (tokens.status, tokens.error) == (400, "invalid_grant")


def test_a_code_is_redeemed_for_tokens(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 5.1."""
    tokens = rp.redeem(rp.ask(browser, scope=OFFLINE))
    assert set(tokens.body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (tokens.body["token_type"], tokens.body["expires_in"]) == ("Bearer", 600)
    assert tokens.response.headers["content-type"] == "application/json"
    assert tokens.response.headers["pragma"] == "no-cache"


def test_a_client_not_registered_for_refresh_gets_no_refresh_token(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 1.5."""
    rp = register(grant_types=("authorization_code",))
    assert "refresh_token" not in rp.sign_in(browser, scope=OFFLINE).body


def test_a_code_without_openid_gives_no_id_token(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.1."""
    assert "id_token" not in rp.redeem(rp.ask(browser, scope="email")).body


# Once


def test_a_second_use_of_a_code_revokes_the_tokens_of_the_first(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.2; A-15, oidcc-codereuse."""
    answer = rp.ask(browser, scope=OFFLINE)
    first = rp.redeem(answer)
    assert_invalid_grant(rp.redeem(answer))
    assert not rp.is_active(first.access_token)
    assert not rp.is_active(first.refresh_token)
    assert rp.userinfo(first).status_code == 401
    assert_invalid_grant(rp.refresh(first))


def test_a_second_use_of_a_code_revokes_refreshed_tokens_too(
    rp: RelyingParty, browser: WatchedClient, clock: Clock
) -> None:
    """RFC 6749 section 4.1.2; oidcc-codereuse-30seconds."""
    answer = rp.ask(browser, scope=OFFLINE)
    second = rp.refresh(rp.redeem(answer))
    clock.advance(seconds=30)
    assert_invalid_grant(rp.redeem(answer))
    assert rp.userinfo(second).status_code == 401
    assert_invalid_grant(rp.refresh(second))


@pytest.mark.both_databases
def test_a_second_use_after_the_code_expired_is_still_a_replay(
    rp: RelyingParty, browser: WatchedClient, clock: Clock
) -> None:
    """RFC 9700 section 4.5."""
    answer = rp.ask(browser, scope=OFFLINE)
    first = rp.redeem(answer)
    clock.advance(minutes=5)
    assert_invalid_grant(rp.redeem(answer))
    assert_invalid_grant(rp.refresh(first))


def test_the_purge_keeps_redeemed_codes_for_a_day_so_that_a_replay_is_recognized(
    rp: RelyingParty, browser: WatchedClient, clock: Clock, installation: Installation
) -> None:
    """RFC 6749 section 4.1.2."""
    answer = rp.ask(browser, scope=OFFLINE)
    first = rp.redeem(answer)
    clock.advance(hours=23)
    purge(installation)
    assert rp.is_active(first.refresh_token)
    assert_invalid_grant(rp.redeem(answer))
    assert not rp.is_active(first.refresh_token)


@pytest.mark.both_databases
def test_a_replay_is_recorded_once_in_the_audit_log(
    rp: RelyingParty, browser: WatchedClient, work: Work, ada: str
) -> None:
    """RFC 9700 section 4.5."""
    answer = rp.ask(browser)
    for _ in range(3):
        rp.redeem(answer)
    with work() as w:
        replays = [event for event in find_events(w.read, user_id=ada) if event.name == Event.CODE_REPLAYED]
    assert len(replays) == 1
    assert answer.code not in str(replays)


@pytest.mark.both_databases
def test_a_replay_does_not_revoke_other_families(rp: RelyingParty, browser: WatchedClient) -> None:
    """A-24: other families of the user are untouched."""
    other = rp.sign_in(browser, scope=OFFLINE)
    answer = rp.ask(browser)
    rp.redeem(answer)
    rp.redeem(answer)
    assert rp.refresh(other).status == 200


# In time, and while what was approved stands


def test_a_code_works_for_a_minute(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """RFC 6749 section 4.1.2: at most ten minutes; FAPI: at most one."""
    answer = rp.ask(browser)
    clock.advance(seconds=59)
    assert rp.redeem(answer).status == 200


def test_an_expired_code_is_refused(
    rp: RelyingParty, browser: WatchedClient, clock: Clock, unchanged: Unchanged
) -> None:
    """RFC 6749 section 4.1.2; A-15."""
    answer = rp.ask(browser)
    clock.advance(seconds=61)
    with unchanged():
        assert_invalid_grant(rp.redeem(answer))


def _suspend(work: Work, user_id: str, rp: RelyingParty) -> None:
    with work() as w:
        suspension.suspend(w, user_id=user_id, reason=None)


def _suspend_and_restore(work: Work, user_id: str, rp: RelyingParty) -> None:
    _suspend(work, user_id, rp)
    with work() as w:
        suspension.restore(w, user_id=user_id)


def _reset(work: Work, user_id: str, rp: RelyingParty) -> None:
    with work() as w:
        users.change_security_stamp(w.db, user_id, now=w.now)


def _sign_out(work: Work, user_id: str, rp: RelyingParty) -> None:
    with work() as w:
        lifecycle.end_all_sessions(w, user_id=user_id, reason="signed out")


def _withdraw(work: Work, user_id: str, rp: RelyingParty) -> None:
    with work() as w:
        consent.withdraw(w, user_id=user_id, client_id=rp.client_id)


ENDINGS: dict[str, Callable[[Work, str, RelyingParty], None]] = {
    "suspended": _suspend,
    "suspended and restored": _suspend_and_restore,
    "password reset": _reset,
    "signed out": _sign_out,
    "consent withdrawn": _withdraw,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_code_is_invalid_after_its_grant_ended(
    rp: RelyingParty, browser: WatchedClient, ada: str, work: Work, clock: Clock, ending: str
) -> None:
    """A-15, A-26, A-105."""
    answer = rp.ask(browser)
    clock.advance(seconds=1)
    ENDINGS[ending](work, ada, rp)
    clock.advance(seconds=1)
    assert_invalid_grant(rp.redeem(answer))


def test_a_disabled_client_cannot_redeem(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """A-26."""
    answer = rp.ask(browser)
    with work() as w:
        clients.disable(w, rp.client_id)
    assert rp.redeem(answer).error == "invalid_client"


# By the client it was issued to


@pytest.mark.parametrize("public", [True, False])
def test_another_client_cannot_redeem_the_code_and_does_not_use_it_up(
    rp: RelyingParty, register: Register, browser: WatchedClient, unchanged: Unchanged, *, public: bool
) -> None:
    """RFC 6749 section 4.1.3; A-16."""
    other = register(public=public)
    answer = rp.ask(browser)
    with unchanged():
        assert_invalid_grant(other.redeem(answer))
    assert rp.redeem(answer).status == 200


def test_another_client_cannot_redeem_in_the_name_of_the_first(
    rp: RelyingParty, register: Register, browser: WatchedClient
) -> None:
    """A-16: client 2's credentials with client 1's client_id."""
    answer = rp.ask(browser)
    tokens = register().redeem(answer, client_id=rp.client_id)
    assert (tokens.status, tokens.error) == (400, "invalid_request")


def test_an_unknown_code_is_refused(rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged) -> None:
    """RFC 6749 section 5.2."""
    answer = rp.ask(browser)
    for code in ("x", "x" * 43, answer.code + "x", answer.code.swapcase(), "\x00", "ä", "' OR 1=1 --"):
        with unchanged():
            assert_invalid_grant(rp.redeem(answer, code=code))


def test_a_missing_code_is_an_invalid_request(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.3."""
    assert rp.redeem(rp.ask(browser), code=None).error == "invalid_request"


# The same redirect_uri


@in_one_world("uri", [None, "https://b.example.test/cb", "https://a.example.test/cb/", "https://evil.test/cb"])
def test_another_redirect_uri_is_refused(register: Register, browser: WatchedClient, uri: str | None) -> None:
    """RFC 6749 section 4.1.3; A-12."""
    rp = register(redirect_uris=("https://a.example.test/cb", "https://b.example.test/cb"))
    answer = rp.ask(browser)
    assert_invalid_grant(rp.redeem(answer, redirect_uri=uri))
    assert rp.redeem(answer).status == 200, "the code is not spent by a mistake"


def test_a_redirect_uri_that_was_not_sent_need_not_be_repeated(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.3; but the registered one is no mistake."""
    uri = rp.client.metadata.redirect_uris[0]
    assert rp.redeem(rp.ask(browser, redirect_uri=None), redirect_uri=uri).status == 200
    assert rp.redeem(rp.ask(browser, redirect_uri=None)).status == 200


# PKCE


def _verifiers(answer: Answer) -> dict[str, str | None]:
    return {
        "none": None,
        "empty": "",
        "wrong": "w" * 43,
        "the challenge": answer.asked["code_challenge"],
        "cut": answer.verifier[:-1],
        "longer": answer.verifier + "x",
        "too long": "x" * 129,
        "not ascii": "ä" * 43,
        "nul": answer.verifier + "\x00",
        "in capitals": answer.verifier.swapcase(),
    }


@pytest.mark.both_databases
@in_one_world("which", list(_verifiers(Answer(None, {"code_challenge": "c"}, "v"))))  # type: ignore[arg-type]
def test_a_wrong_verifier_is_refused(rp: RelyingParty, browser: WatchedClient, which: str) -> None:
    """RFC 7636 section 4.6: invalid_grant, also when it is missing; A-19."""
    answer = rp.ask(browser)
    assert_invalid_grant(rp.redeem(answer, code_verifier=_verifiers(answer)[which]))


def test_the_verifier_of_another_request_is_refused(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 7636 section 4.6; A-19."""
    other = rp.ask(browser)
    assert_invalid_grant(rp.redeem(rp.ask(browser), code_verifier=other.verifier))


def test_five_wrong_verifiers_use_up_the_code(rp: RelyingParty, browser: WatchedClient) -> None:
    """A-19."""
    answer = rp.ask(browser)
    for _ in range(5):
        assert_invalid_grant(rp.redeem(answer, code_verifier="w" * 43))
    assert_invalid_grant(rp.redeem(answer))


def test_a_verifier_for_a_request_without_challenge_is_refused(register: Register, browser: WatchedClient) -> None:
    """RFC 9700 section 2.1.1: a downgrade."""
    rp = register(require_pkce=False)
    answer = rp.ask(browser, code_challenge=None, code_challenge_method=None)
    assert_invalid_grant(rp.redeem(answer, code_verifier="v" * 43))
    assert rp.redeem(answer).status == 200


def test_verifiers_of_every_allowed_length_work(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 7636 section 4.1: 43 to 128 characters."""
    for verifier in ("a" * 43, "-._~" * 32):
        answer = rp.ask(browser, code_challenge=challenge_of(verifier))
        assert rp.redeem(answer, code_verifier=verifier).status == 200


# What is remembered, and what is said


def test_all_invalid_grant_errors_are_identical(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """RFC 6749 section 5.2: one description; the explanation is for whoever runs this."""
    spent, late, wrong = rp.ask(browser), rp.ask(browser), rp.ask(browser)
    rp.redeem(spent)
    wrong_answer = rp.redeem(wrong, code_verifier="w" * 43)
    clock.advance(minutes=2)
    answers = [wrong_answer, rp.redeem(spent), rp.redeem(late), rp.redeem(late, code="x")]
    assert len({each.body["error_description"] for each in answers}) == 1


def test_the_explanation_names_the_check_and_no_secret(
    rp: RelyingParty, browser: WatchedClient, explain: Explain
) -> None:
    """The refusal is explained: the check, what was expected, what came and what to do."""
    answer = rp.ask(browser)
    guess = "guess" * 10
    row = explain(rp.redeem(answer, code_verifier=guess).error_id)
    assert [check["name"] for check in row.checks][-5:] == [
        "The code is used for the first time",
        "The code has not expired",
        "What the user allowed is still active",
        "redirect_uri is the same as in the authorization request",
        "code_verifier matches the code_challenge",
    ]
    assert [check["passed"] for check in row.checks][-2:] == [True, False]
    for secret in (answer.code, guess, answer.verifier, rp.secret or ""):
        assert secret not in str(row)


def test_no_code_is_stored_in_clear(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """A-104: only digests."""
    answer = rp.ask(browser, scope=OFFLINE)
    tokens = rp.redeem(answer)
    with work() as w:
        dump = "".join(str(row) for table in metadata.sorted_tables for row in w.read.execute(table.select()))
    for secret in (answer.code, answer.verifier, tokens.refresh_token, tokens.access_token, rp.secret or ""):
        assert secret not in dump


@pytest.mark.both_databases
def test_wrong_verifiers_use_up_a_code_that_another_request_is_redeeming(
    rp: RelyingParty, browser: WatchedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 7636 section 4.6; A-19: the tries of requests at the same moment count together."""
    answer = rp.ask(browser)

    def meanwhile(*given: Any, **options: Any) -> Any:
        for _ in range(MOST_ATTEMPTS):
            assert_invalid_grant(rp.redeem(answer, code_verifier="x" * 43))
        return token_response(*given, **options)

    monkeypatch.setattr(authorization_code, "token_response", meanwhile)
    assert_invalid_grant(rp.redeem(answer))
