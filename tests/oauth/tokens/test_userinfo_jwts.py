"""The userinfo response as a JWT."""

import base64
import json
import warnings
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from sqlalchemy import Engine, event

from provider.config.settings import Settings
from provider.jose.algorithms import SIGNING_ALGORITHMS
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.work import Installation
from tests.oauth.conftest import Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.installation import settings_for
from tests.support.relying_party import LOGOUT, RelyingParty


def verified(rp: RelyingParty, response: httpx2.Response, alg: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims."""
    assert response.headers["content-type"] == "application/jwt"
    with warnings.catch_warnings(category=SecurityWarning, action="ignore"):
        token = jwt.decode(response.text, KeySet.import_key_set(rp.jwks()), algorithms=[alg])  # type: ignore[arg-type]
    return token.header, token.claims


@in_one_world("alg", SIGNING_ALGORITHMS)
def test_a_client_may_be_registered_for_a_signed_answer(
    register: Register, browser: WatchedClient, ada: str, alg: str
) -> None:
    """OIDC Core section 5.3.2; oidcc-userinfo-rs256: iss and aud, and no nonce."""
    rp = register(userinfo_signed_response_alg=alg)
    tokens = rp.sign_in(browser, scope="openid email")
    header, claims = verified(rp, rp.userinfo(tokens), alg)
    assert header["alg"] == alg
    assert claims == {
        "iss": rp.issuer,
        "aud": rp.client_id,
        "sub": ada,
        "email": "ada@example.test",
        "email_verified": True,
    }


def test_it_names_whom_the_id_token_names(register: Register, browser: WatchedClient, ada: str) -> None:
    """OIDC Core section 5.3.2."""
    rp = register(userinfo_signed_response_alg="ES256", subject_type="pairwise")
    tokens = rp.sign_in(browser)
    claims = verified(rp, rp.userinfo(tokens), "ES256")[1]
    assert claims["sub"] == rp.verify(tokens)["sub"] != ada


def test_a_refusal_stays_json(register: Register) -> None:
    """RFC 6750 section 3."""
    rp = register(userinfo_signed_response_alg="RS256")
    response = rp.userinfo("x")
    assert (response.status_code, response.headers["content-type"]) == (401, "application/json")


def test_it_is_no_other_kind_of_token(register: Register, browser: WatchedClient, unchanged: Unchanged) -> None:
    """RFC 8725 sections 3.11, 3.12; A-56: neither a hint nor a bearer token."""
    rp = register(userinfo_signed_response_alg="RS256")
    answer = rp.userinfo(rp.sign_in(browser)).text
    with unchanged():
        assert rp.userinfo(answer).status_code == 401
        assert not rp.is_active(answer)
        assert rp.ask(browser, id_token_hint=answer).error == "invalid_request"
        assert browser.get(LOGOUT, params={"id_token_hint": answer}).status_code == 400


@pytest.mark.parametrize("alg", ["none", "HS256", "RS512", 1])
def test_an_algorithm_we_do_not_sign_with_cannot_be_registered(alg: object) -> None:
    """OIDC Registration section 2, userinfo_signed_response_alg."""
    with pytest.raises(InvalidMetadata):
        parse_metadata({"redirect_uris": ["https://app.example.test/cb"], "userinfo_signed_response_alg": alg})


class TestWhatItCosts:
    """Nothing for those who do not ask for it."""

    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, client_cache=60, key_cache=60)

    def test_a_plain_client_costs_no_statement_more(
        self, rp: RelyingParty, browser: WatchedClient, installation: Installation
    ) -> None:
        """One to read what userinfo says; one to read and one to write what a refresh does."""
        tokens = rp.sign_in(browser, scope="openid offline_access")
        rp.userinfo(tokens)
        engine: Engine = installation.database.engine
        ran: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            ran.append(statement.split(maxsplit=1)[0])

        event.listen(engine, "before_cursor_execute", note)
        rp.userinfo(tokens)
        assert ran == ["SELECT"]
        ran.clear()
        assert rp.refresh(tokens).status == 200
        assert ran in (["SELECT", "WITH"], ["SELECT", "UPDATE", "INSERT"]), ran


def test_its_header_says_what_it_is(register: Register, browser: WatchedClient) -> None:
    """RFC 7515 section 4.1: typ JWT, which is all that libraries take."""
    rp = register(userinfo_signed_response_alg="PS256")
    head = rp.userinfo(rp.sign_in(browser)).text.split(".")[0]
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    assert set(header) == {"alg", "kid", "typ"}
    assert header["typ"] == "JWT"
