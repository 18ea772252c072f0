"""Trusted issuers as rows: which may be added, and what happens to them (RFC 7523 section 3)."""

from typing import Any

import pytest

from provider.audit import store as audit
from provider.oauth.trusted_issuers import issuers, store
from provider.oauth.trusted_issuers.issuers import InvalidIssuer, IssuerSettings, NoSuchIssuer, parse_settings
from tests.support.client_keys import Signatory, new_key, usual_key
from tests.support.installation import ISSUER, Work

CI = "https://ci.example.test"
JWKS = Signatory().jwks


@pytest.mark.parametrize(
    ("issuer", "given"),
    [
        (ISSUER, {}),
        (ISSUER + "/", {}),
        ("ci.example.test", {}),
        ("ftp://ci.example.test", {}),
        ("com.example.app:/x", {}),
        ("http://ci.example.test", {}),
        (f"{CI}?tenant=1", {}),
        (f"{CI}#x", {}),
        ("https://user:word@ci.example.test", {}),
        ("https://10.0.0.1", {}),
        ("https://localhost", {}),
        (CI + "/" + "x" * 255, {}),
        (CI, {"jwks_uri": "https://169.254.169.254/keys"}),
        (CI, {"jwks_uri": "file:///etc/passwd"}),
        (CI, {"jwks_uri": CI, "jwks": JWKS}),
        (CI, {"jwks": {"keys": []}}),
        (CI, {"jwks": {"keys": [usual_key().as_dict(private=True)]}}),
        (CI, {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}),
        (CI, {"algorithms": ["none"]}),
        (CI, {"algorithms": ["HS256"]}),
        (CI, {"user_mapping": "email"}),
        (CI, {"unknown": "x"}),
        (CI, {"jwks": "text"}),
        ("spiffe://prod.example", {}),
        ("spiffe://Prod.Example", {"jwks": JWKS}),
    ],
)
def test_what_cannot_be_trusted_is_refused(work: Work, issuer: str, given: dict[str, Any]) -> None:
    """N-198: our own issuer, private addresses, private keys, `none` and symmetric algorithms. Nothing is stored."""
    with work() as w, pytest.raises(InvalidIssuer):
        issuers.create(w, issuer, parse_settings(given))
    with work() as w:
        assert store.find_all(w.read) == []


@pytest.mark.both_databases
def test_an_issuer_is_added_once_changed_and_deleted(work: Work) -> None:
    with work() as w:
        row = issuers.create(w, CI, IssuerSettings())
    with work() as w, pytest.raises(InvalidIssuer, match="already"):
        issuers.create(w, CI, IssuerSettings())
    newer = Signatory(key=new_key()).jwks
    with work() as w:
        issuers.update(w, row.id, IssuerSettings(jwks=newer, algorithms=("ES256", "ES256"), user_mapping="linked"))
    with work() as w:
        issuers.disable(w, row.id)
        issuers.disable(w, row.id)
    with work() as w:
        found = store.find_by_issuer(w.read, CI)
        assert found is not None
        assert (found.jwks, found.algorithms, found.user_mapping) == (newer, ["ES256"], "linked")
        assert found.disabled_at is not None
        issuers.enable(w, row.id)
    with work() as w:
        issuers.delete(w, row.id)
    for act in (issuers.delete, issuers.disable, issuers.enable, issuers.find):
        with work() as w, pytest.raises(NoSuchIssuer):
            act(w, row.id)
    with work() as w, pytest.raises(NoSuchIssuer):
        issuers.update(w, row.id, IssuerSettings())
    with work() as w:
        names = [event.name for event in reversed(audit.find(w.read))]
    assert names == [f"trusted_issuer.{what}" for what in ("created", "updated", "disabled", "enabled", "deleted")]
