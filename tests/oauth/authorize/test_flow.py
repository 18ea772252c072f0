"""Which response types and modes a client gets, and what a request needs for them."""

import pytest

from provider.config.settings import Settings
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.installation import settings_for
from tests.support.relying_party import RelyingParty

LEGACY = ["id_token", "id_token token", "code id_token", "code token", "code id_token token"]
EVERYTHING = {"grant_types": ("authorization_code", "refresh_token", "implicit"), "response_types": ("code", *LEGACY)}


@pytest.fixture
def settings(database_url: str) -> Settings:
    """An installation that serves old apps too."""
    return settings_for(database_url, legacy_response_types=True)


@pytest.fixture
def old(register: Register) -> RelyingParty:
    """A client registered for everything there is."""
    return register(**EVERYTHING)


def refusal(rp: RelyingParty, browser: WatchedClient, **changes: str | None) -> tuple[str | None, str | None]:
    """The mode and the error; whatever is wrong, nothing else comes back."""
    answer = rp.ask(browser, **changes)
    assert set(answer.parameters) == {"error", "error_description", "state", "iss"}
    assert answer.target == rp.client.metadata.redirect_uris[0]
    return answer.mode, answer.error


@in_one_world(
    ("response_type", "error"),
    [
        (None, ("query", "invalid_request")),
        ("", ("query", "invalid_request")),
        ("none", ("query", "unsupported_response_type")),
        ("unheard-of", ("query", "unsupported_response_type")),
        ("code code", ("query", "unsupported_response_type")),
        ("token", ("fragment", "unsupported_response_type")),
        ("code none", ("query", "unsupported_response_type")),
        ("code token unheard-of", ("fragment", "unsupported_response_type")),
        ("id_token id_token", ("fragment", "unsupported_response_type")),
    ],
)
def test_an_invalid_response_type_is_rejected(
    old: RelyingParty,
    browser: WatchedClient,
    unchanged: Unchanged,
    response_type: str | None,
    error: tuple[str, str],
) -> None:
    """RFC 6749 section 3.1.1, Multiple Response Types section 5; A-30: `token` alone and `none` in no installation."""
    with unchanged():
        assert refusal(old, browser, response_type=response_type) == error
        assert refusal(old, browser, response_type=response_type, response_mode="form_post") == ("form_post", error[1])


@in_one_world("response_type", LEGACY)
def test_a_response_type_the_client_is_not_registered_for_is_refused(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, response_type: str
) -> None:
    """RFC 6749 section 4.2.2.1; ASVS 10.4.4: per client."""
    with unchanged():
        assert refusal(rp, browser, response_type=response_type) == ("fragment", "unauthorized_client")


def test_a_client_of_the_implicit_flow_gets_no_code(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.2.1."""
    rp = register(grant_types=("implicit",), response_types=("id_token",))
    assert refusal(rp, browser) == ("query", "unauthorized_client")
    assert refusal(rp, browser, response_type="code id_token") == ("fragment", "unauthorized_client")
    assert "id_token" in rp.ask(browser, response_type="id_token").parameters


def test_a_client_without_the_code_grant_is_refused(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.2.1."""
    rp = register(grant_types=("client_credentials",))
    assert refusal(rp, browser) == ("query", "unauthorized_client")


@in_one_world("response_type", LEGACY)
def test_tokens_are_never_returned_in_the_query(
    old: RelyingParty, browser: WatchedClient, unchanged: Unchanged, response_type: str
) -> None:
    """Multiple Response Types section 5; A-30, A-34: neither does the error."""
    with unchanged():
        error = refusal(old, browser, response_type=response_type, response_mode="query")
    assert error == ("fragment", "invalid_request")


@in_one_world("response_mode", ["web_message", "FORM_POST", "query fragment", "jwt.jwt", "\U0001f600"])
@in_one_world("response_type", ["code", "id_token"])
def test_an_unknown_response_mode_is_rejected(
    old: RelyingParty, browser: WatchedClient, unchanged: Unchanged, response_type: str, response_mode: str
) -> None:
    """Multiple Response Types section 2.1; A-30."""
    with unchanged():
        _, error = refusal(old, browser, response_type=response_type, response_mode=response_mode)
    assert error == "invalid_request"


def test_a_client_gets_only_the_modes_it_is_registered_for(
    register: Register, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """ASVS 10.4.12; A-30."""
    rp = register(response_modes=("form_post",))
    with unchanged():
        assert refusal(rp, browser) == ("query", "invalid_request")
        assert refusal(rp, browser, response_mode="fragment") == ("query", "invalid_request")
    assert rp.ask(browser, response_mode="form_post").code


@in_one_world("response_type", ["id_token", "id_token token", "code id_token", "code id_token token"])
@in_one_world("response_mode", [None, "form_post"])
def test_an_id_token_of_the_front_channel_needs_a_nonce(
    old: RelyingParty,
    browser: WatchedClient,
    unchanged: Unchanged,
    response_type: str,
    response_mode: str | None,
) -> None:
    """OIDC Core sections 3.2.2.1 and 3.3.2.11; oidcc-ensure-request-without-nonce-fails."""
    with unchanged():
        error = refusal(old, browser, response_type=response_type, response_mode=response_mode, nonce=None)
    assert error == (response_mode or "fragment", "invalid_request")


def test_without_an_id_token_no_nonce_is_needed(old: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.3.2.1; oidcc-ensure-request-without-nonce-succeeds of the hybrid plan."""
    assert old.ask(browser, response_type="code token", nonce=None).code


@pytest.mark.parametrize("response_type", ["id_token", "code id_token"])
def test_an_id_token_needs_the_scope_openid(old: RelyingParty, browser: WatchedClient, response_type: str) -> None:
    """OIDC Core section 3.1.2.1."""
    error = refusal(old, browser, response_type=response_type, scope="email")
    assert error == ("fragment", "invalid_request")


@pytest.mark.parametrize("response_type", ["code id_token", "code token", "code id_token token"])
def test_a_code_needs_pkce_in_every_flow(old: RelyingParty, browser: WatchedClient, response_type: str) -> None:
    """RFC 9700 section 2.1.1; A-17."""
    changes = {"code_challenge": None, "code_challenge_method": None}
    assert refusal(old, browser, response_type=response_type, **changes) == ("fragment", "invalid_request")


def test_a_client_registered_without_pkce_may_leave_it_out_of_the_hybrid_flow(
    register: Register, browser: WatchedClient
) -> None:
    """docs/reference/protocol.md, response types; oidcc-*-hybrid."""
    rp = register(**EVERYTHING, require_pkce=False)
    changes = {"code_challenge": None, "code_challenge_method": None}
    assert rp.redeem(rp.ask(browser, response_type="code id_token", **changes)).status == 200


def test_without_a_code_no_challenge_is_needed(old: RelyingParty, browser: WatchedClient) -> None:
    """RFC 7636 section 4.3: there is no code it could protect."""
    changes = {"code_challenge": None, "code_challenge_method": None}
    assert "id_token" in old.ask(browser, response_type="id_token", **changes).parameters


@pytest.mark.parametrize("state", ["a\nb", "a\rb", "a\r\nb"])
def test_a_state_that_no_form_carries_is_not_posted(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, state: str
) -> None:
    """A-29: browsers write every line break of a form as CR LF; refused rather than changed."""
    with unchanged():
        answer = rp.ask(browser, response_mode="form_post", state=state)
    assert (answer.mode, answer.error) == ("form_post", "invalid_request")


def test_a_refused_response_type_is_explained(rp: RelyingParty, browser: WatchedClient, explain: Explain) -> None:
    """The refusal is explained: which grant type is missing."""
    answer = rp.ask(browser, response_type="code id_token")
    check = explain(answer.response.headers["x-request-id"]).checks[-1]
    assert check["name"] == "response_type is registered for the client"
    assert "implicit" in check["got"]
