"""ID tokens and userinfo that only the app can read."""

import base64
import json
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import delete

from provider.config.settings import Settings
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.keys.requested_algorithms import requested_algorithms
from tests.oauth.conftest import Explain, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.foreign_server import ForeignServer, answer, raw
from tests.support.installation import Work, settings_for
from tests.support.relying_party import AUTHORIZE, INTROSPECT, Answer, RelyingParty, Tokens

A256GCM = "A256GCM"
ID_TOKEN = {"id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": A256GCM}
USERINFO = {"userinfo_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_enc": A256GCM}
HERE = ["https://app.example.test/callback"]


@pytest.fixture(scope="module")
def own_key() -> ECKey:
    """The app's."""
    return ECKey.generate_key("P-256", {"kid": "app-1", "use": "enc"})


@pytest.fixture(scope="module")
def jwks(own_key: ECKey) -> dict[str, Any]:
    return {"keys": [own_key.as_dict(private=False)]}


def opened(token: str, key: ECKey | RSAKey, alg: str = "ECDH-ES") -> tuple[dict[str, Any], str]:
    """The JWE's header, and what is in it."""
    found = jwe.decrypt_compact(token, key, algorithms=[alg, A256GCM])
    assert found.plaintext is not None
    return dict(found.headers()), found.plaintext.decode()


def claims_in(rp: RelyingParty, signed: str) -> dict[str, Any]:
    return dict(jwt.decode(signed, KeySet.import_key_set(rp.jwks()), algorithms=["RS256"]).claims)  # type: ignore[arg-type]


def sign_in(rp: RelyingParty, browser: WatchedClient, **changes: str) -> Tokens:
    """Without the look at the ID token that `rp.sign_in` takes."""
    return rp.redeem(rp.ask(browser, **changes))


def test_an_id_token_is_signed_and_then_encrypted(
    register: Register, browser: WatchedClient, own_key: ECKey, jwks: dict[str, Any], ada: str
) -> None:
    """OIDC Core section 10.2, RFC 7519 sections 5.2 and 11.2; at sign-in and on refresh."""
    rp = register(jwks=jwks, **ID_TOKEN)
    tokens = sign_in(rp, browser, scope="openid offline_access")
    for response in (tokens, rp.refresh(tokens)):
        header, signed = opened(response.id_token, own_key)
        assert (header["kid"], header["cty"]) == ("app-1", "JWT")
        assert "zip" not in header
        claims = claims_in(rp, signed)
        assert (claims["sub"], claims["aud"]) == (ada, rp.client_id)
        assert response.access_token.count(".") == 2, "an API must read it"


def test_what_was_in_it_is_a_hint_and_the_envelope_is_none(
    register: Register, browser: WatchedClient, own_key: ECKey, jwks: dict[str, Any]
) -> None:
    """OIDC Core section 3.1.2.1: the client must decrypt it before it sends it back."""
    rp = register(jwks=jwks, **ID_TOKEN)
    token = sign_in(rp, browser).id_token
    assert rp.ask(browser, prompt="none", id_token_hint=opened(token, own_key)[1]).error is None
    assert rp.ask(browser, prompt="none", id_token_hint=token).error == "invalid_request"


def test_userinfo_is_encrypted_and_refusals_are_not(
    register: Register, browser: WatchedClient, own_key: ECKey, jwks: dict[str, Any], ada: str
) -> None:
    """OIDC Core section 5.3.2: signed first when the client wants both."""
    both = register(jwks=jwks, userinfo_signed_response_alg="RS256", **USERINFO)
    tokens = both.sign_in(browser)
    response = both.userinfo(tokens)
    assert response.headers["content-type"] == "application/jwt"
    header, signed = opened(response.text, own_key)
    assert (header["kid"], header["cty"]) == ("app-1", "JWT")
    assert claims_in(both, signed) == {"iss": both.issuer, "aud": both.client_id, "sub": ada}
    assert both.userinfo("x").headers["content-type"] == "application/json"


def test_userinfo_may_be_encrypted_without_a_signature(
    register: Register, browser: WatchedClient, own_key: ECKey, jwks: dict[str, Any], ada: str
) -> None:
    """OIDC Core section 5.3.2: then it is the claims that are in it, and no JWT."""
    rp = register(jwks=jwks, **USERINFO)
    header, plain = opened(rp.userinfo(rp.sign_in(browser)).text, own_key)
    assert "cty" not in header
    assert plain == f'{{"sub":"{ada}"}}'


def test_an_rsa_key_does_too(register: Register, browser: WatchedClient) -> None:
    """RFC 7518 section 4.3."""
    key = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
    rp = register(
        jwks={"keys": [key.as_dict(private=False)]},
        id_token_encrypted_response_alg="RSA-OAEP-256",
        id_token_encrypted_response_enc=A256GCM,
    )
    assert claims_in(rp, opened(sign_in(rp, browser).id_token, key, "RSA-OAEP-256")[1])


class TestPublishedKeys:
    """jwks_uri."""

    @pytest.fixture
    def settings(self, database_url: str, outbound_settings: dict[str, Any]) -> Settings:
        return settings_for(database_url, legacy_response_types=True, **outbound_settings)

    def test_the_key_comes_from_where_the_app_publishes_it(
        self,
        register: Register,
        browser: WatchedClient,
        own_key: ECKey,
        jwks: dict[str, Any],
        foreign_server: ForeignServer,
    ) -> None:
        """OIDC Core section 10.2; asked once, and before anything is written."""
        foreign_server.behaviour = answer(jwks)
        rp = register(jwks_uri=foreign_server.url("/jwks"), **ID_TOKEN, **USERINFO)
        tokens = sign_in(rp, browser, scope="openid offline_access")
        assert claims_in(rp, opened(tokens.id_token, own_key)[1])
        assert opened(rp.userinfo(tokens).text, own_key)[1]
        assert rp.refresh(tokens).status == 200
        assert len(foreign_server.requests) == 1

    @pytest.mark.parametrize("kind", ["id_token", "userinfo", "introspection"])
    def test_it_is_asked_for_also_when_the_algorithm_of_the_signature_is_new(
        self,
        register: Register,
        browser: WatchedClient,
        own_key: ECKey,
        jwks: dict[str, Any],
        foreign_server: ForeignServer,
        work: Work,
        kind: str,
    ) -> None:
        """`ON_REQUEST`: a node of an earlier release registered the client, and noted no algorithm."""
        foreign_server.behaviour = answer(jwks)
        registered = {"signed_response_alg": "Ed25519", "encrypted_response_alg": "ECDH-ES"}
        registered |= {"encrypted_response_enc": A256GCM}
        changes: dict[str, Any] = {f"{kind}_{name}": value for name, value in registered.items()}
        rp = register(jwks_uri=foreign_server.url("/jwks"), **changes)
        with work() as w:
            w.db.execute(delete(requested_algorithms))
        tokens = sign_in(rp, browser)
        text = tokens.id_token
        if kind == "userinfo":
            text = rp.userinfo(tokens).text
        elif kind == "introspection":
            headers = rp.authentication()[0] | {"accept": "application/token-introspection+jwt"}
            text = rp.http.post(INTROSPECT, data={"token": tokens.access_token}, headers=headers).text
        assert len(foreign_server.requests) == 1
        header = json.loads(base64.urlsafe_b64decode(opened(text, own_key)[1].split(".")[0] + "=="))
        assert header["alg"] == "Ed25519"
        assert header["kid"] in {key["kid"] for key in rp.jwks()["keys"]}

    @pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt"])
    def test_an_assertion_is_not_spent_while_keys_are_asked_for(
        self,
        register: Register,
        browser: WatchedClient,
        own_key: ECKey,
        jwks: dict[str, Any],
        foreign_server: ForeignServer,
        method: str,
    ) -> None:
        """A-39, A-103: the request begins anew where it may wait, and its jti is still good there."""
        signatory = Signatory()
        foreign_server.behaviour = answer({"keys": [*jwks["keys"], *signatory.jwks["keys"]]})
        rp = register(token_endpoint_auth_method=method, jwks_uri=foreign_server.url("/jwks"), **ID_TOKEN)
        rp.signatory = signatory
        assert claims_in(rp, opened(sign_in(rp, browser).id_token, own_key)[1])

    def test_a_server_that_is_away_is_an_outage_of_its_own(
        self, register: Register, browser: WatchedClient, foreign_server: ForeignServer, explain: Explain
    ) -> None:
        """R-1: never invalid_grant, for which apps throw tokens away; and the code is still good afterwards."""
        foreign_server.behaviour = raw(b"")
        rp = register(jwks_uri=foreign_server.url("/jwks"), **ID_TOKEN)
        rp.http.outage = True  # type: ignore[attr-defined]
        refused = sign_in(rp, browser)
        assert (refused.status, refused.error) == (503, "temporarily_unavailable")
        assert refused.response.headers["retry-after"]
        check = explain(refused.error_id).checks[-1]
        assert check["name"] == "The client's keys can be fetched"
        assert "jwks_uri" in check["got"]

    @pytest.mark.parametrize("pushed", [False, True])
    def test_for_the_front_channel_they_are_asked_for_before_anything_is_written(
        self,
        register: Register,
        browser: WatchedClient,
        own_key: ECKey,
        jwks: dict[str, Any],
        foreign_server: ForeignServer,
        clock: Clock,
        pushed: bool,
    ) -> None:
        """OIDC Core section 3.3.2.11: also when the request was pushed and becomes this browser's now."""
        hybrid = {"response_types": ("code id_token",), "grant_types": ("authorization_code", "implicit")}
        rp = register(jwks_uri=foreign_server.url("/jwks"), **hybrid, **ID_TOKEN)
        errors: list[str | None] = []
        for published in (raw(b""), answer(jwks)):
            foreign_server.behaviour = published
            clock.advance(minutes=2)  # that it was away is remembered for a while
            parameters, verifier = rp.request(response_type="code id_token")
            if pushed:
                uri = rp.post("/oauth2/par", **parameters).json()["request_uri"]
                asked = {"client_id": rp.client_id, "request_uri": uri}
            else:
                asked = parameters
            came = Answer(browser.get(AUTHORIZE, params=asked, follow_redirects=False), parameters, verifier)
            errors.append(came.error)
        assert errors == ["temporarily_unavailable", None]
        assert opened(came.parameters["id_token"], own_key)[1]

    def test_a_key_of_another_kind_is_none(
        self, register: Register, browser: WatchedClient, foreign_server: ForeignServer, explain: Explain
    ) -> None:
        """OIDC Core section 10.2: published keys can only be looked at when they are needed."""
        signing = ECKey.generate_key("P-256", {"use": "sig"})
        foreign_server.behaviour = answer({"keys": [signing.as_dict(private=False)]})
        rp = register(jwks_uri=foreign_server.url("/jwks"), **ID_TOKEN, **USERINFO)
        refused = sign_in(rp, browser)
        assert (refused.status, refused.error) == (400, "invalid_client_metadata")
        assert explain(refused.error_id).checks[-1]["got"] == "EC sig"

    def test_userinfo_says_the_same(
        self, register: Register, browser: WatchedClient, foreign_server: ForeignServer
    ) -> None:
        """R-1: not invalid_token."""
        foreign_server.behaviour = raw(b"")
        rp = register(jwks_uri=foreign_server.url("/jwks"), **USERINFO)
        tokens = rp.sign_in(browser)
        rp.http.outage = True  # type: ignore[attr-defined]
        response = rp.userinfo(tokens)
        assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")


# Registration


@pytest.mark.parametrize(
    "changes",
    [
        {"id_token_encrypted_response_alg": "RSA1_5"},
        {"id_token_encrypted_response_alg": "RSA-OAEP"},
        {"id_token_encrypted_response_alg": "PBES2-HS256+A128KW"},
        {"id_token_encrypted_response_alg": "dir"},
        {"id_token_encrypted_response_alg": "ECDH-ES+A128KW"},
        {"id_token_encrypted_response_enc": "A128CBC-HS256"},
        {"id_token_encrypted_response_enc": "A128GCM"},
        {"id_token_encrypted_response_enc": None},
        {"id_token_encrypted_response_alg": None},
        {"id_token_encrypted_response_alg": "RSA-OAEP-256"},
        {"userinfo_encrypted_response_alg": "ECDH-ES"},
        {"userinfo_encrypted_response_alg": "RSA1_5", "userinfo_encrypted_response_enc": "A256GCM"},
        {"userinfo_encrypted_response_enc": "A256GCM"},
        {"jwks": None},
    ],
)
def test_what_we_could_not_encrypt_cannot_be_registered(jwks: dict[str, Any], changes: dict[str, Any]) -> None:
    """OIDC Registration section 2: enc left out means A128CBC-HS256; RFC 8725 section 3.2."""
    parse_metadata({"redirect_uris": HERE, "jwks": jwks, **ID_TOKEN})
    with pytest.raises(InvalidMetadata):
        parse_metadata({"redirect_uris": HERE, "jwks": jwks, **ID_TOKEN, **changes})


def test_a_key_that_is_only_for_signatures_is_not_enough() -> None:
    """RFC 7517 section 4.2."""
    signing = ECKey.generate_key("P-256", {"use": "sig"}).as_dict(private=False)
    with pytest.raises(InvalidMetadata, match="no key for ECDH-ES"):
        parse_metadata({"redirect_uris": HERE, "jwks": {"keys": [signing]}, **ID_TOKEN})
