"""The inspector: what it recognizes, what it says about it, and what it never shows."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import RSAKey

from provider.inspection.comparison import compare
from provider.inspection.findings import Fact, Inspection
from provider.inspection.inspector import LONGEST, NothingToInspect, inspect
from provider.inspection.reader import Reader
from provider.inspection.timeline import timeline_of
from provider.jose import base64url
from provider.oauth.http.metadata import provider_metadata
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import Installation
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import PAR, RelyingParty
from tests.support.stored import stored

Look = Callable[..., Inspection]
FULL = "openid profile offline_access"


@pytest.fixture
def look(work: Work, server: AuthorizationServer) -> Look:
    def look_at(text: str, *, sees_users: bool = True) -> Inspection:
        with work() as w:
            return inspect(Reader(w, server, sees_users=sees_users), text)

    return look_at


def facts(found: Inspection) -> dict[str, Fact]:
    return {fact.name: fact for part in reversed(found.parts) for fact in part.facts}


def rows(work: Work) -> dict[str, list[str]]:
    with work() as w:
        return stored(w.read, but=())


def everything(found: Inspection) -> str:
    return repr(found)


def encoded(value: dict[str, Any]) -> str:
    return base64url.encode(json.dumps(value).encode()).decode()


def test_an_access_token_is_explained_claim_by_claim(rp: RelyingParty, browser: WatchedClient, look: Look) -> None:
    tokens = rp.sign_in(browser, scope=FULL)
    found = look(f"Authorization: Bearer {tokens.access_token}")
    assert (found.kind, found.is_valid, found.secret) == ("access token", True, True)
    known = facts(found)
    assert known["alg"].value == "RS256"
    assert known["kid"].passed
    assert known["exp"].passed
    assert known["scope"].meaning == "The scopes it was issued with."
    assert "ada@example.test" in known["user"].value
    assert found.client_id == rp.client_id
    assert found.grant_id == known["grant_id"].value
    assert tokens.access_token not in everything(found)


def test_a_token_that_was_revoked_or_has_expired_says_so(
    rp: RelyingParty, browser: WatchedClient, look: Look, clock: Clock
) -> None:
    tokens = rp.sign_in(browser)
    rp.revoke(tokens.access_token)
    assert look(tokens.access_token).summary == "It is not active: it was revoked."
    clock.advance(hours=2)
    found = look(tokens.access_token)
    assert found.summary == "It is not active: it has expired or is not valid yet."
    assert facts(found)["exp"].why.startswith("It expired")
    assert not found.is_valid


def test_an_id_token_names_its_application_user_and_session(
    rp: RelyingParty, browser: WatchedClient, look: Look, ada: str
) -> None:
    found = look(rp.sign_in(browser).id_token)
    assert (found.kind, found.is_valid, found.user_id) == ("ID token", True, ada)
    assert facts(found)["session"].value == found.session_id


def test_of_a_pairwise_client_too(register: Register, browser: WatchedClient, look: Look, ada: str) -> None:
    rp = register(subject_type="pairwise")
    found = look(rp.sign_in(browser).id_token)
    assert found.user_id == ada
    hidden = look(rp.sign_in(browser).id_token, sees_users=False)
    assert ada not in repr(hidden.parts)
    assert "ada@example.test" not in repr(hidden.parts)


def test_a_code_is_active_then_used_and_never_redeemed_by_a_look(
    rp: RelyingParty, browser: WatchedClient, look: Look, work: Work
) -> None:
    answer = rp.ask(browser)
    before = rows(work)
    found = look(answer.code)
    assert (found.kind, found.is_valid, found.secret) == ("authorization code", True, True)
    assert answer.code not in everything(found)
    redirect = look(answer.location)
    assert (redirect.kind, redirect.is_valid, redirect.client_id) == ("authorization response", True, rp.client_id)
    assert facts(redirect)["redirect URI"].passed
    assert facts(redirect)["iss"].passed
    assert answer.code not in everything(redirect)
    assert rows(work) == before
    assert rp.redeem(answer).status == 200
    assert look(answer.code).summary.startswith("It was redeemed at")


def test_a_refresh_token_shows_its_generation_and_family(
    rp: RelyingParty, browser: WatchedClient, look: Look, clock: Clock
) -> None:
    first = rp.sign_in(browser, scope=FULL)
    second = rp.refresh(first)
    assert look(second.refresh_token).summary == "It is active."
    assert facts(look(second.refresh_token))["generation"].value == "2"
    assert "A retry still gets the same successor." in look(first.refresh_token).summary
    clock.advance(hours=1)
    found = look(first.refresh_token)
    assert "revokes all tokens" in found.summary
    assert first.refresh_token not in everything(found)


def test_an_authorization_request_is_checked_and_nothing_is_stored(rp: RelyingParty, look: Look, work: Work) -> None:
    asked, _ = rp.request()
    before = rows(work)
    found = look(f"{ISSUER}/oauth2/authorize?{urlencode(asked)}")
    assert (found.kind, found.summary, found.is_valid) == ("authorization request", "It would be accepted.", True)
    wrong = look(urlencode(asked | {"redirect_uri": "https://evil.example/cb", "client_secret": "very-secret-value-x"}))
    assert not wrong.is_valid
    assert "redirect_uri is not registered" in wrong.summary
    assert facts(wrong)["client_secret"].passed is False
    assert "very-secret-value-x" not in everything(wrong)
    assert rows(work) == before


def test_a_pushed_request_is_found_by_its_uri(register: Register, look: Look, clock: Clock) -> None:
    rp = register()
    asked, _ = rp.request()
    uri = rp.post(PAR, **asked).json()["request_uri"]
    found = look(uri)
    assert (found.kind, found.summary, found.client_id) == ("request URI", "It would be accepted.", rp.client_id)
    assert facts(found)["origin"].value == "pushed by the application"
    clock.advance(hours=1)
    assert look(uri).summary.startswith("It expired")


def test_a_rejected_request_is_explained_by_its_id_also_from_a_redirect(
    rp: RelyingParty, browser: WatchedClient, look: Look
) -> None:
    answer = rp.ask(browser, scope="not-mine", prompt="none")
    found = look(answer.location)
    assert (found.is_valid, found.summary) == (False, "The request was rejected with invalid_scope.")
    assert found.error_id is not None
    explained = look(found.error_id)
    assert (explained.kind, explained.client_id) == ("rejected request", rp.client_id)
    assert explained.parts[1].facts[0].passed is False


def test_our_discovery_document_and_keys_are_compared_with_what_is_published(
    rp: RelyingParty, look: Look, installation: Installation
) -> None:
    ours = provider_metadata(installation.settings)
    assert look(f"{ISSUER}/.well-known/openid-configuration").is_valid
    assert look(json.dumps(ours)).is_valid
    changed = look(json.dumps(ours | {"token_endpoint": "https://evil.example/token"}))
    assert changed.summary == "It differs from what this installation publishes (members: 1)."
    assert look(f"{ISSUER}/oauth2/jwks").is_valid
    keys = rp.jwks()
    assert look(json.dumps(keys)).is_valid
    assert look(json.dumps({"keys": keys["keys"][:1]})).is_valid is False


def test_two_tokens_are_compared(rp: RelyingParty, browser: WatchedClient, look: Look, clock: Clock) -> None:
    first = rp.sign_in(browser, scope="openid")
    clock.advance(seconds=5)
    second = rp.sign_in(browser, scope="openid profile")
    rows = compare(look(first.access_token), look(second.access_token))
    differing = {row.name for row in rows if not row.is_same}
    assert {"scope", "iat", "exp", "jti", "grant_id"} <= differing
    assert {row.name for row in rows if row.is_same} >= {"iss", "sub", "client_id", "alg"}


def test_the_timeline_of_a_sign_in_has_each_step(
    rp: RelyingParty, browser: WatchedClient, look: Look, work: Work, clock: Clock
) -> None:
    tokens = rp.sign_in(browser, scope=FULL)
    clock.advance(minutes=1)
    second = rp.refresh(tokens)
    clock.advance(minutes=1)
    rp.revoke(second.refresh_token)
    found = look(second.access_token)
    for pasted in (found.grant_id, found.session_id, second.access_token):
        assert pasted is not None
        again = look(pasted)
        with work() as w:
            moments = timeline_of(w, again)
        said = [str(getattr(moment.what, "name", moment.what)) for moment in moments]
        wanted = [
            "The session began",
            "Access was granted",
            "The code was redeemed",
            "The tokens were refreshed",
            "Access was revoked",
            "token.family.revoked",
        ]
        assert [each for each in said if each in wanted] == wanted
    with work() as w:
        assert timeline_of(w, look("0" * 43)) == []


# Bad input.


@pytest.mark.parametrize(
    "text",
    ["", "  ", "\x00", "\ud800", "{", "[1]", '{"keys": [1, {"kid": []}]}', "...", "a.b.c", "....", "http://[", "://x",
     "https://x.example/?code=%00", "urn:ietf:params:oauth:request_uri:x", "%", "=", "a=b", "ü.ü.ü", "e" * 16,
     '{"iss": 1', "client_id=%00&response_type=code", "{" * 40_000, "client_id=a&client_id=b&response_type=code"],
)  # fmt: skip
def test_garbage_never_crashes_it(look: Look, text: str) -> None:
    """N-444."""
    try:
        found = look(text)
    except NothingToInspect:
        return
    assert found.summary
    assert not found.secret


def test_a_megabyte_is_not_read(look: Look) -> None:
    """N-445."""
    with pytest.raises(NothingToInspect):
        look("a" * (LONGEST + 1))


def test_the_token_of_another_issuer_is_only_read(look: Look) -> None:
    """N-446."""
    claims = {"iss": "https://other.example", "sub": "1", "exp": 1, "iat": 10**40, "nbf": "x", "jku": "https://x"}
    head = encoded({"alg": "RS256", "kid": "1", "jku": "https://other.example/jwks"})
    found = look(f"{head}.{encoded(claims)}.{'A' * 86}")
    assert found.kind == "JWT of another issuer"
    assert "fetches no keys" in found.summary
    assert found.is_valid is False  # it has expired
    assert found.user_id is None


def test_only_the_header_of_an_encrypted_token_can_be_read(look: Look) -> None:
    """N-447."""
    found = look(f"{encoded({'alg': 'RSA-OAEP-256', 'enc': 'A256GCM', 'kid': 'k'})}.AA.AA.secret-ciphertext.AA")
    assert found.kind == "encrypted JWT (JWE)"
    assert found.is_valid is None
    assert facts(found)["enc"].value == "A256GCM"
    assert "secret-ciphertext" not in everything(found)


def test_a_changed_token_of_ours_is_not_valid_and_says_nothing_about_a_user(
    rp: RelyingParty, browser: WatchedClient, look: Look
) -> None:
    """N-448."""
    head, claims, signature = rp.sign_in(browser).access_token.split(".")
    for forged in (f"{head}.{claims[:-4]}AAAA.{signature}", f"{head}.{claims}.{signature[:-4]}AAAA"):
        found = look(forged)
        assert found.is_valid is False
        assert (found.user_id, found.grant_id) == (None, None)
        assert "ada@example.test" not in everything(found)
    unsigned = look(f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{claims}.")
    assert unsigned.is_valid is False


def test_a_response_of_another_server_is_a_mix_up(rp: RelyingParty, browser: WatchedClient, look: Look) -> None:
    """N-449."""
    code = rp.ask(browser).code
    found = look(f"https://app.example.test/callback?{urlencode({'code': code, 'iss': 'https://evil.example'})}")
    assert found.is_valid is False
    assert "mix-up" in found.summary


def test_a_private_key_in_a_key_set_is_named_and_not_shown(look: Look) -> None:
    """N-450."""
    private = RSAKey.generate_key(2048).as_dict(private=True)
    found = look(json.dumps({"keys": [private]}))
    assert "private or secret key" in found.summary
    assert str(private["d"]) not in everything(found)
    symmetric = look(json.dumps({"kty": "oct", "k": "c2VjcmV0LXNlY3JldA"}))
    assert "c2VjcmV0LXNlY3JldA" not in everything(symmetric)


def test_documents_of_other_servers_are_not_fetched(look: Look, register: Register) -> None:
    """N-451. The tests' sockets reach loopback alone, and this URL would be asked."""
    assert look("https://127.0.0.1:1/.well-known/openid-configuration").kind == "URL of another server"
    rp = register(request_uris=("https://app.example.test/request.jwt",))
    asked, _ = rp.request(request_uri="https://app.example.test/request.jwt")
    assert look(urlencode(asked)).kind == "authorization request"
    document = urlencode({"client_id": "https://127.0.0.1:1/client.json", "response_type": "code"})
    assert look(document).kind == "authorization request"


def test_without_the_permission_no_session_is_found_by_its_id(
    rp: RelyingParty, browser: WatchedClient, look: Look
) -> None:
    """N-452."""
    token = rp.sign_in(browser).access_token
    session_id = look(token).session_id
    assert session_id is not None
    assert look(session_id).kind == "session ID (sid)"
    hidden = look(session_id, sees_users=False)
    assert (hidden.kind, hidden.user_id) == ("unknown value", None)
    assert "ada@example.test" not in everything(look(token, sees_users=False))
