"""oidcc-config-certification-test-plan."""

import re
from typing import Any

from tests.conformance.suite import ALL_RESPONSE_TYPES, Provider


def test_oidcc_discovery_endpoint_verification(provider: Provider) -> None:
    """Also with the Dynamic plan's demands, and the schema of the newer versions."""
    found = provider.metadata
    assert found["issuer"] == provider.issuer
    assert provider.issuer.startswith("https://")
    for name, value in found.items():
        if name.endswith(("_endpoint", "_uri")):
            assert str(value).startswith("https://"), name
        elif name.endswith(("_required", "_parameter_supported", "_logout_supported", "_session_supported")):
            assert isinstance(value, bool), name
        elif name.endswith("_supported"):
            assert isinstance(value, list), name
            assert value, name
            assert all(isinstance(one, str) for one in value), name
            assert len(value) == len(set(value)), name
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "registration_endpoint"):
        assert name in found
    assert set(found["response_types_supported"]) == set(ALL_RESPONSE_TYPES)
    assert {"authorization_code", "implicit"} <= set(found["grant_types_supported"])
    assert set(found["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in found["id_token_signing_alg_values_supported"]
    assert "RS256" in found["userinfo_signing_alg_values_supported"]
    assert "RS256" in found["request_object_signing_alg_values_supported"]
    assert "openid" in found["scopes_supported"]
    assert {"sub", "name", "email"} <= set(found["claims_supported"])
    assert "S256" in found["code_challenge_methods_supported"]
    assert all(re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", tag) for tag in found["ui_locales_supported"])


def test_oidcc_jwks(provider: Provider) -> None:
    """Of every module: unique kids, nothing private, each member its type needs in unpadded base64url."""
    keys: list[dict[str, Any]] = provider.http.get(provider.metadata["jwks_uri"]).json()["keys"]
    kids = [key["kid"] for key in keys]
    assert all(kids)
    assert len(kids) == len(set(kids))
    needed = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()
        for member in needed[key["kty"]]:
            assert re.fullmatch(r"[A-Za-z0-9_-]+", key[member])
