"""Secrets as keys of client JWTs (OIDC Core section 10.1). Whose key it was: `test_client_keys.py`."""

from provider.jose.signed_jwts import read_jwt
from provider.oauth.client_authentication.client_jwts import has_mac
from tests.support.client_keys import mac

CLAIMS = {"iss": "me"}
SECRET = "s" * 43


def test_a_secret_is_the_key_of_hs256_and_of_nothing_else() -> None:
    """OIDC Core section 10.1."""
    assert has_mac(read_jwt(mac(CLAIMS, SECRET)), ["t" * 43, SECRET])
    for alg in ("HS384", "HS512"):
        assert not has_mac(read_jwt(mac(CLAIMS, SECRET, alg=alg)), [SECRET])
    for secrets in ([], ["t" * 43]):
        assert not has_mac(read_jwt(mac(CLAIMS, SECRET)), secrets)
