"""The Form Post, Implicit and Hybrid plans: what they add to the modules of the Basic plan.

oidcc-formpost-basic-, -implicit- and -hybrid-, oidcc-implicit- and oidcc-hybrid-certification-test-plan.
"""

import pytest

from tests.conformance.suite import ALL_RESPONSE_TYPES, Person, Provider
from tests.conformance.test_basic import CLAIMS, NOT_SIGNED_IN

FRONT = ALL_RESPONSE_TYPES[1:]
with_every_type = pytest.mark.parametrize("response_type", FRONT)


@pytest.mark.parametrize("response_mode", [None, "form_post"])
@with_every_type
def test_oidcc_server(provider: Provider, person: Person, response_type: str, response_mode: str | None) -> None:
    """The happy flow of each plan: the mode, at_hash, c_hash, nonce, the same sub in both ID tokens."""
    with provider.client(response_types=[response_type]) as client:
        client.sign_in(person, response_mode=response_mode)


def test_oidcc_server_form_post_basic(provider: Provider, person: Person) -> None:
    with provider.client() as client:
        client.sign_in(person, response_mode="form_post")


@with_every_type
def test_oidcc_ensure_request_without_nonce(provider: Provider, person: Person, response_type: str) -> None:
    """It fails where an ID token comes from the front channel, and succeeds for `code token`."""
    with provider.client(response_types=[response_type]) as client:
        for mode in ("fragment", "form_post"):
            callback = client.ask(person, nonce=None, response_mode=mode)
            if response_type == "code token":
                client.finish(callback)
            else:
                assert callback.error == "invalid_request"
                assert callback.mode == mode


@pytest.mark.parametrize("response_mode", [None, "form_post"])
@pytest.mark.parametrize("response_type", ["code", "id_token", "code id_token"])
def test_oidcc_prompt_none_not_logged_in(
    provider: Provider, person: Person, response_type: str, response_mode: str | None
) -> None:
    """Errors travel as the answer would."""
    with provider.client(response_types=[response_type]) as client:
        callback = client.ask(person, prompt="none", response_mode=response_mode)
        assert callback.error in NOT_SIGNED_IN
        assert callback.mode == (response_mode or ("query" if response_type == "code" else "fragment"))


@pytest.mark.parametrize("response_type", ["id_token", "id_token token"])
def test_oidcc_scope_all(provider: Provider, person: Person, response_type: str) -> None:
    """With `id_token` alone the claims are in the ID token; with a token beside it, at userinfo."""
    with provider.client(response_types=[response_type]) as client:
        done = client.sign_in(person, scope="openid " + " ".join(CLAIMS))
        everything = set().union(*CLAIMS.values())
        if response_type == "id_token":
            assert everything <= done.front.keys()
        else:
            assert not everything & done.front.keys()
            assert everything <= client.userinfo(done.access_token).keys()


@pytest.mark.parametrize("response_type", ["id_token token", "code token", "code id_token token"])
def test_oidcc_response_type_missing(provider: Provider, person: Person, response_type: str) -> None:
    with provider.client(response_types=[response_type]) as client:
        assert client.ask(person, response_type=None).error in {"invalid_request", "unsupported_response_type"}


@pytest.mark.parametrize("response_type", ["id_token", "code id_token token"])
def test_oidcc_prompt_none_logged_in(provider: Provider, person: Person, response_type: str) -> None:
    with provider.client(response_types=[response_type]) as client:
        first = client.sign_in(person)
        again = client.ask(person, prompt="none", id_token_hint=first.callback.parameters["id_token"])
        assert not again.seen
        assert client.finish(again).front["sub"] == first.front["sub"]


@pytest.mark.parametrize("response_type", ["id_token", "code token"])
def test_oidcc_ensure_registered_redirect_uri(provider: Provider, person: Person, response_type: str) -> None:
    with provider.client(response_types=[response_type]) as client:
        page = client.ask(person, redirect_uri=client.registered["redirect_uris"][0] + "/more").page
        assert page is not None
        assert page.status == 400


@pytest.mark.parametrize("response_type", ["code id_token", "code token"])
def test_oidcc_codereuse(provider: Provider, person: Person, response_type: str) -> None:
    with provider.client(response_types=[response_type]) as client:
        done = client.sign_in(person)
        response = client.redeem(done.callback)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
