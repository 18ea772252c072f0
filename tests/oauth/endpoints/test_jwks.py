"""The public keys."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.app import create_app
from provider.installation import open_installation
from provider.jose.algorithms import ES256, ON_REQUEST, SIGNING_ALGORITHMS
from provider.oauth.keys import rotation
from provider.oauth.tokens.server import AuthorizationServer
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import ISSUER, Work, settings_for


def test_a_key_of_the_set_has_exactly_its_public_members(http: WatchedClient) -> None:
    """RFC 7517 section 4; A-104. Replaces: services verify tokens."""
    found = http.get("/oauth2/jwks").json()["keys"]
    members = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
    for key in found:
        assert set(key) == {"kty", "use", "alg", "kid", *members[key["kty"]]}
        assert key["use"] == "sig"
    assert sorted(key["alg"] for key in found) == sorted(set(SIGNING_ALGORITHMS) - ON_REQUEST)
    assert len({key["kid"] for key in found}) == len(found)


def test_the_etag_changes_with_the_keys(http: WatchedClient, work: Work) -> None:
    """RFC 9110 section 8.8.3."""
    before = http.get("/oauth2/jwks")
    with work() as w:
        rotation.rotate(w, alg=ES256)
    after = http.get("/oauth2/jwks", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert len(after.json()["keys"]) == len(before.json()["keys"]) + 1


def test_a_process_that_knows_the_keys_publishes_them_when_first_asked_during_an_outage(
    server: AuthorizationServer, work: Work
) -> None:
    """F-1: it read them for a token, or its parent did, and nobody had asked for the set yet."""
    with work() as w:
        known = server.keys.ring(w)
    installation = open_installation(settings_for("sqlite:////nowhere/signet.db"))
    app = create_app(installation, known_keys=known)
    client = TestClient(app, base_url=ISSUER)
    assert client.get("/oauth2/jwks").content == known.jwks
    assert client.get("/oauth2/jwks", headers={"if-none-match": known.etag}).status_code == 304
    app.state.threads.close()
    installation.database.close()


def test_the_keys_stay_published_while_every_thread_is_taken(app: Starlette, http: WatchedClient) -> None:
    """F-3, F-15."""
    before = http.get("/oauth2/jwks")
    app.state.threads.ordinary._limit = 0
    assert http.get("/oauth2/jwks").content == before.content
