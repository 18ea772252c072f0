"""The public keys."""

from provider.jose.algorithms import ES256, SIGNING_ALGORITHMS
from provider.oauth.keys import rotation
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import Work


def test_a_key_of_the_set_has_exactly_its_public_members(http: WatchedClient) -> None:
    """RFC 7517 section 4; A-104. Replaces: services verify tokens."""
    found = http.get("/oauth2/jwks").json()["keys"]
    members = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
    for key in found:
        assert set(key) == {"kty", "use", "alg", "kid", *members[key["kty"]]}
        assert key["use"] == "sig"
    assert sorted(key["alg"] for key in found) == sorted(SIGNING_ALGORITHMS)
    assert len({key["kid"] for key in found}) == len(found)


def test_the_etag_changes_with_the_keys(http: WatchedClient, work: Work) -> None:
    """RFC 9110 section 8.8.3."""
    before = http.get("/oauth2/jwks")
    with work() as w:
        rotation.rotate(w, alg=ES256)
    after = http.get("/oauth2/jwks", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert len(after.json()["keys"]) == len(before.json()["keys"]) + 1
