"""oidcc-rp-initiated-logout-certification-test-plan. One test per module."""

from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from tests.conformance.suite import RP, Person, Provider, Signed, SuiteClient, unsigned
from tests.support.browser import Page
from tests.support.cases import in_one_world

SIGNED_OUT = f"{RP}/post_logout_redirect"
STATE = "rPh4%&+ =~!state"


def log_out(person: Person, client: SuiteClient, done: Signed, **changes: str | None) -> Page:
    given = {
        "id_token_hint": done.raw_id_token,
        "post_logout_redirect_uri": SIGNED_OUT,
        "state": STATE,
        **changes,
    }
    query = urlencode({name: value for name, value in given.items() if value is not None})
    page = person.open(f"{client.provider.metadata['end_session_endpoint']}?{query}")
    if person.left_to is None and page.heading == "Sign out?":
        page = person.submit(button="Sign out", action=page.url)
    return page


def is_signed_out(person: Person, client: SuiteClient) -> bool:
    return "error" in client.ask(person, prompt="none").parameters


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(provider: Provider) -> None:
    assert provider.metadata["end_session_endpoint"].startswith("https://")


@pytest.mark.parametrize("state", [STATE, None])
def test_oidcc_rp_initiated_logout(provider: Provider, person: Person, state: str | None) -> None:
    """oidcc-rp-initiated-logout, -no-state: the same state and nothing else."""
    with provider.client(post_logout_redirect_uris=[SIGNED_OUT]) as client:
        done = client.sign_in(person)
        log_out(person, client, done, state=state)
        assert person.left_to is not None
        target, _, query = person.left_to.partition("?")
        assert target == SIGNED_OUT
        assert parse_qs(query) == ({} if state is None else {"state": [state]})
        assert is_signed_out(person, client)


def forged(client: SuiteClient, done: Signed) -> str:
    claims: dict[str, Any] = {**done.id_token, "iss": client.client_id, "aud": client.provider.issuer}
    return client.keys.sign(claims)


@in_one_world("module", ["bad_uri", "query_added", "modified_hint", "bad_hint", "no_hint"])
def test_oidcc_rp_initiated_logout_never_redirects(provider: Provider, person: Person, module: str) -> None:
    """oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, -query-added-to-post-logout-redirect-uri,
    -modified-id-token-hint, -bad-id-token-hint, -no-id-token-hint.
    """
    with provider.client(post_logout_redirect_uris=[SIGNED_OUT]) as client:
        done = client.sign_in(person)
        changes: dict[str, dict[str, str | None]] = {
            "bad_uri": {"post_logout_redirect_uri": f"{RP}/other"},
            "query_added": {"post_logout_redirect_uri": f"{SIGNED_OUT}?foo=bar"},
            "modified_hint": {"id_token_hint": unsigned(done.id_token)},
            "bad_hint": {"id_token_hint": forged(client, done)},
            "no_hint": {"id_token_hint": None},
        }
        page = log_out(person, client, done, **changes[module])
        assert person.left_to is None
        assert page.response.headers["content-type"].startswith("text/html")
        assert "suite.example.test" not in "".join(page.links.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"id_token_hint": None, "post_logout_redirect_uri": None, "state": None},
        {"post_logout_redirect_uri": None},
        {"id_token_hint": None, "post_logout_redirect_uri": None},
    ],
    ids=["no_params", "no_post_logout_redirect_uri", "only_state"],
)
def test_oidcc_rp_initiated_logout_ends_on_our_page(
    provider: Provider, person: Person, changes: dict[str, str | None]
) -> None:
    """oidcc-rp-initiated-logout-no-params, -no-post-logout-redirect-uri, -only-state."""
    with provider.client(post_logout_redirect_uris=[SIGNED_OUT]) as client:
        done = client.sign_in(person)
        page = log_out(person, client, done, **changes)
        assert page.path == "/signed-out"
        assert is_signed_out(person, client)
