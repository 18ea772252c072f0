"""Settings that are a problem in production: each is named with a reason and a fix, and the dangerous ones stop the
start (F-12, A-128).
"""

from typing import Any

import pytest

from provider.config.environment import SettingsError
from provider.config.production_checks import find_problems, require_safe
from provider.config.settings import Settings

GOOD: dict[str, Any] = {
    "issuer": "https://id.example.com",
    "database_url": "postgresql+psycopg://signet@db/signet?sslmode=verify-full",
    "redis_url": "redis://redis:6379/0",
    "secret_key": "8mD0v3kq7Yx1Rr5TzLw9Bn2Hc4Jp6Gs0",
    "smtp_host": "smtp.example.com",
    "smtp_tls": "starttls",
    "smtp_from": "id@example.com",
    "trusted_proxies": "10.0.0.1",
    "metrics_address": "127.0.0.1:9464",
}


def findings(**changes: Any) -> list[tuple[str, bool]]:
    return [
        (finding.about.removeprefix("SIGNET_").lower(), finding.dangerous)
        for finding in find_problems(Settings(**changes))
    ]


def test_an_installation_as_the_documents_say_is_fit() -> None:
    assert findings(**GOOD) == []
    require_safe(Settings(**GOOD))


@pytest.mark.parametrize(
    ("name", "value", "also"),
    [
        ("issuer", "http://localhost:8000", {}),
        ("issuer", "https://127.0.0.1:8000", {}),
        ("env", "development", {}),
        ("secret_key", "abababababababababababababababababab", {}),
        ("bcrypt_cost", 9, {}),
        ("required_factor", "passkey", {"features": "two-factor"}),
        ("required_factor", "two-factor", {"features": "none"}),
        ("smtp_tls", "none", {}),
        ("smtp_tls", "none", {"smtp_host": "8.8.8.8"}),
        ("trusted_proxies", "0.0.0.0/0", {}),
        ("trusted_proxies", "10.0.0.1,::/0", {}),
        ("outbound_allow", "0.0.0.0/0", {}),
        ("outbound_allow", "169.254.169.254", {}),
        ("outbound_allow", "::/0", {}),
        ("metrics_address", "8.8.8.8:9464", {}),
        ("metrics_address", "metrics.example.com:9464", {}),
    ],
)
def test_what_is_dangerous_is_said_and_stops_the_start(name: str, value: object, also: dict[str, Any]) -> None:
    given = {**GOOD, **also, name: value}
    assert findings(**given) == [(name, True)]
    if name != "issuer":  # on this machine alone anything goes
        with pytest.raises(SettingsError, match=f"SIGNET_{name.upper()}") as refused:
            require_safe(Settings(**given))
        assert "\n" not in str(refused.value)
        require_safe(Settings(**given | {"issuer": "http://localhost:8000"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", "https://example.com/auth"),
        ("issuer", "https://192.0.2.7"),
        ("env", "test"),
        ("log_level", "debug"),
        ("bcrypt_cost", 11),
        ("trusted_proxies", ""),
        ("outbound_allow", "10.0.0.0/8"),
        ("metrics_address", "0.0.0.0:9464"),
        ("metrics_address", "10.1.2.3:9464"),
        ("redis_url", None),
        ("database_url", "postgresql+psycopg://signet@db/signet"),
        ("smtp_from", "signet@localhost"),
        ("registration", "open"),
        ("legacy_response_types", True),
        ("features", frozenset({"registration"})),
        ("request_uri", True),
        ("key_rotation", 0),
        ("code_lifetime", "11m"),
        ("access_token_lifetime", "2h"),
        ("refresh_grace", "2m"),
        ("session_absolute_lifetime", "31d"),
    ],
)
def test_what_is_to_be_thought_about_is_said_and_no_more(name: str, value: object) -> None:
    given = {**GOOD, name: value}
    assert findings(**given) == [(name, False)]
    require_safe(Settings(**given))


def test_what_depends_on_something_else_is_said() -> None:
    on_sqlite = {**GOOD, "database_url": "sqlite:///signet.db", "secret_key": None}
    assert findings(**on_sqlite) == [("secret_key", False), ("database_url", False), ("sqlite_synchronous", False)]
    assert findings(**GOOD, registration="token", registration_require_pkce=False) == [
        ("registration_require_pkce", False)
    ]
    for host in ("mailpit", "10.0.0.9", "mail.internal"):
        assert findings(**{**GOOD, "smtp_tls": "none", "smtp_host": host}) == [("smtp_tls", False)]
    assert findings(**{**GOOD, "smtp_tls": "none", "smtp_host": "localhost"}) == []
    development = {"env": "development", "totp_bypass_code": "000000", "issuer": "http://localhost:8000"}
    assert findings(**{**GOOD, **development}) == [("issuer", True), ("env", True), ("totp_bypass_code", True)]


def test_every_finding_has_a_reason_and_a_fix_in_one_line_each() -> None:
    for finding in find_problems(
        Settings(outbound_allow="0.0.0.0/0", smtp_host="a.example", bcrypt_cost=4, key_rotation=0)
    ):
        for text in (finding.problem, finding.fix):
            assert text
            assert not text.endswith(".")
            assert "\n" not in text
