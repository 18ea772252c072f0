"""Settings: typed, documented, safe by default; what nobody knows stops the start."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from provider.config.environment import SettingsError, load_settings
from provider.config.settings import PREFIX, Settings
from provider.urls import is_loopback
from tests.support.names import FAMILY, PERSIAN

KEY = "k" * 32


def test_the_defaults_are_fit_for_production() -> None:
    settings = load_settings({})
    assert settings.env == "production"
    assert settings.bcrypt_cost >= 12
    assert settings.code_lifetime <= timedelta(seconds=60)
    assert settings.access_token_lifetime <= timedelta(minutes=10)
    assert settings.registration == "closed"
    assert settings.totp_bypass_code is None
    assert settings.trusted_proxies == frozenset()


def test_every_setting_is_described_and_belongs_to_one_section() -> None:
    for name, field in Settings.model_fields.items():
        assert re.fullmatch(r"[A-Z]\w+ .{20,}\.", field.description or ""), name
    in_sections = [name for section in Settings.sections() for name in section.own_fields()]
    assert sorted(in_sections) == sorted(Settings.model_fields)


def test_the_reference_has_every_setting_with_its_description() -> None:
    document = (Path(__file__).parents[2] / "docs/reference/settings.md").read_text()
    entries = dict(re.findall(rf"^### {PREFIX}(\w+)\n\n(.+)\n\n\*[A-Z`].+\.\*$", document, re.MULTILINE))
    assert entries.keys() == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        described = re.sub(r"\[.*?\]\(\.\./(.*?)\)", r"docs/\1", entries[name.upper()]).replace("`", "")
        assert described == field.description, name


@pytest.mark.parametrize(
    ("written", "issuer", "base_path"),
    [
        ("https://id.example/", "https://id.example", ""),
        ("https://ID.Example:443", "https://id.example", ""),
        ("HTTPS://id.example", "https://id.example", ""),
        ("http://localhost:80/", "http://localhost", ""),
        ("http://id.localhost:8000", "http://id.localhost:8000", ""),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example", ""),
        (" https://id.example\n", "https://id.example", ""),
        ("https://id.example/auth/", "https://id.example/auth", "/auth"),
        ("https://id.example:8443/%7Eada/Auth", "https://id.example:8443/~ada/Auth", "/~ada/Auth"),
    ],
)
def test_the_issuer_has_one_form_however_it_is_written(written: str, issuer: str, base_path: str) -> None:
    """RFC 3986 section 6.2: clients compare the issuer byte for byte with what is published."""
    settings = load_settings({"SIGNET_ISSUER": written})
    assert (settings.issuer, settings.base_path) == (issuer, base_path)
    assert settings.origin + base_path == issuer


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"SIGNET_ISUER": "https://id.example"}, "unknown setting SIGNET_ISUER"),
        ({"signet_issuer": "https://id.example", "SIGNET_NOPE": "1"}, "SIGNET_NOPE"),
        ({"SIGNET_ISSUER": "http://id.example"}, "SIGNET_ISSUER: must be https"),
        ({"SIGNET_EMAIL_DOMAINS_BLOCKED": "spam.example,*"}, "SIGNET_EMAIL_DOMAINS_BLOCKED: must be domains"),
        ({"SIGNET_EMAIL_DOMAINS_ALLOWED": "a@example.com"}, "not .a@example.com"),
        ({"SIGNET_EMAIL_DOMAINS_ALLOWED": "*.*.example.com"}, "such as example.com or "),
        ({"SIGNET_SIGN_UP_FIELDS": "name,email"}, "SIGNET_SIGN_UP_FIELDS: must be some of name, given_name"),
        ({"SIGNET_SIGN_UP_FIELDS": "none", "SIGNET_SIGN_UP_REQUIRED": "name"}, "name must be in SIGNET_SIGN_UP_FIELDS"),
        ({"SIGNET_ISSUER": "https://id.example/a b"}, "the path /a b must be segments"),
        ({"SIGNET_ISSUER": "https://id.example/a//b"}, "must be segments"),
        ({"SIGNET_ISSUER": "https://id.example/../auth"}, "must be segments"),
        ({"SIGNET_ISSUER": "https://id.example/a;b"}, "must be segments"),
        ({"SIGNET_ISSUER": "https://id.example/api"}, "the path /api is used by Signet itself"),
        ({"SIGNET_ISSUER": "https://id.example/static/auth"}, "is used by Signet itself"),
        ({"SIGNET_ISSUER": "https://id example"}, "must be an http or https URL"),
        ({"SIGNET_ISSUER": "https://id.example:port"}, "must be an http or https URL"),
        ({"SIGNET_ALLOWED_HOSTS": "a:b:c"}, "SIGNET_ALLOWED_HOSTS: 'a:b:c' is not a host"),
        ({"SIGNET_ALLOWED_HOSTS": "*.example.com/x"}, "SIGNET_ALLOWED_HOSTS"),
        ({"SIGNET_ISSUER": "https://id.example?x=1"}, "no query"),
        ({"SIGNET_ISSUER": "https://me@id.example"}, "user"),
        ({"SIGNET_ISSUER": "id.example"}, "URL"),
        ({"SIGNET_SECRET_KEY": "short"}, "32 characters"),
        ({"SIGNET_SECRET_KEY": f"{KEY},short"}, "32 characters"),
        ({"SIGNET_METRICS_ADDRESS": "9464"}, "SIGNET_METRICS_ADDRESS: must be an address and a port"),
        ({"SIGNET_METRICS_ADDRESS": "127.0.0.1:0"}, "SIGNET_METRICS_ADDRESS: must be an address and a port"),
        ({"SIGNET_SMTP_PORT": "many"}, "SIGNET_SMTP_PORT"),
        ({"SIGNET_SMTP_TLS": "maybe"}, "SIGNET_SMTP_TLS"),
        ({"SIGNET_CODE_LIFETIME": "-1"}, "SIGNET_CODE_LIFETIME"),
        ({"SIGNET_CODE_LIFETIME": "soon"}, "SIGNET_CODE_LIFETIME"),
        ({"SIGNET_KEY_LEAD": "379s"}, "SIGNET_KEY_LEAD must be 380 seconds or more"),
        ({"SIGNET_KEY_LEAD": "959s", "SIGNET_KEY_CACHE": "300"}, "SIGNET_KEY_LEAD must be 960 seconds or more"),
        ({"SIGNET_KEY_ROTATION": "1d"}, "SIGNET_KEY_ROTATION must be longer than SIGNET_KEY_LEAD"),
        ({"SIGNET_KEY_IDLE": "30"}, "SIGNET_KEY_IDLE must be 0 or 5m or more"),
        ({"SIGNET_KEY_MAX_WAIT": "31d"}, "SIGNET_KEY_MAX_WAIT"),
        ({"SIGNET_BRAND": "Acme\u202e"}, r"SIGNET_BRAND: Remove this character: U\+202E RIGHT-TO-LEFT OVERRIDE"),
        ({"SIGNET_BRAND": "x" * 101}, "SIGNET_BRAND: Enter at most 100 characters"),
        ({"SIGNET_BRAND": "\u2060"}, "SIGNET_BRAND: must not be empty"),
        ({"SIGNET_SMTP_FROM": "Acme\u202e <a@example.com>"}, "SIGNET_SMTP_FROM: Remove this character: U"),
        ({"SIGNET_FEATURES": "registration,magic"}, "SIGNET_FEATURES"),
        ({"SIGNET_REGISTRATION_SCOPES": "openid email"}, "SIGNET_REGISTRATION_SCOPES: must be scopes, comma-separated"),
        (
            {"SIGNET_REGISTRATION_SCHEMES": "cursor,java script"},
            "SIGNET_REGISTRATION_SCHEMES: 'java script' is not a URI",
        ),
        ({"SIGNET_REGISTRATION_SCHEMES": "javascript:"}, "SIGNET_REGISTRATION_SCHEMES: 'javascript' cannot be allowed"),
        ({"SIGNET_UNUSED_CLIENT_LIFETIME": "1d"}, "SIGNET_UNUSED_CLIENT_LIFETIME"),
        ({"SIGNET_AUDIT_RETENTION": "365"}, "SIGNET_AUDIT_RETENTION: must be 0 or from 7d to 3650d"),
        ({"SIGNET_AUDIT_RETENTION": "3651d"}, "SIGNET_AUDIT_RETENTION: must be 0 or from 7d to 3650d"),
        ({"SIGNET_AUDIT_RETENTION": "-1d"}, "SIGNET_AUDIT_RETENTION: must not be negative"),
        ({"SIGNET_SESSION_ABSOLUTE_LIFETIME": "999999d"}, "SIGNET_SESSION_ABSOLUTE_LIFETIME: must be at most 36500d"),
        ({"SIGNET_TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "SIGNET_TRUSTED_PROXIES"),
        ({"SIGNET_TOTP_BYPASS_CODE": "000000"}, "SIGNET_ENV=development"),
        (
            {"SIGNET_TOTP_BYPASS_CODE": "0", "SIGNET_ENV": "development", "SIGNET_ISSUER": "https://id.example"},
            "loopback",
        ),
    ],
)
def test_what_is_unknown_or_invalid_is_one_line(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        load_settings(environ)
    assert "\n" not in str(refused.value)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"SIGNET_SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        ("90", timedelta(seconds=90)),
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("1.5h", timedelta(minutes=90)),
        ("14d", timedelta(days=14)),
        ("PT5M", timedelta(minutes=5)),
    ],
)
def test_durations_are_written_as_people_do(text: str, lifetime: timedelta) -> None:
    assert load_settings({"SIGNET_REQUEST_LIFETIME": text}).request_lifetime == lifetime


def test_keys_may_be_rotated_by_hand_only() -> None:
    assert not load_settings({"SIGNET_KEY_ROTATION": "0"}).key_rotation


def test_a_brand_may_be_in_any_script() -> None:
    assert load_settings({"SIGNET_BRAND": f"\ufeff{PERSIAN}  {FAMILY}"}).brand == f"{PERSIAN} {FAMILY}"


def test_lists_are_comma_separated() -> None:
    settings = load_settings({"SIGNET_FEATURES": "two-factor, registration", "SIGNET_SECRET_KEY": f"{KEY},{KEY}x"})
    assert settings.features == {"two-factor", "registration"}
    assert not settings.has("reset-passwords")
    assert settings.secret_keys == (KEY, KEY + "x")


@pytest.mark.parametrize("written", ["cursor,raycast", " Cursor:// , raycast: ,", "cursor://,RAYCAST"])
def test_schemes_are_written_as_people_paste_them(written: str) -> None:
    assert load_settings({"SIGNET_REGISTRATION_SCHEMES": written}).registration_schemes == ("cursor", "raycast")


def test_secrets_do_not_print() -> None:
    assert KEY not in repr(
        load_settings({"SIGNET_SECRET_KEY": KEY, "SIGNET_SMTP_USER": "ada", "SIGNET_SMTP_PASSWORD": KEY})
    )


def test_the_bypass_code_is_for_development_on_this_machine() -> None:
    """Replaces: bypass code."""
    environ = {"SIGNET_TOTP_BYPASS_CODE": "000000", "SIGNET_ENV": "development"}
    assert load_settings(environ).totp_bypass_code == "000000"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost.evil", False)],
)
def test_loopback_is_an_address_of_this_machine_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_nothing_but_the_given_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SIGNET_BRAND=From a file\n")
    monkeypatch.setenv("SIGNET_BRAND", "From the shell")
    assert Settings().brand == "Signet"
    assert load_settings({}).brand == "Signet"
    assert load_settings().brand == "From the shell"


def test_what_may_be_asked_of_others_is_looked_at_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing of the kind")
    for environ, name in (
        ({"SIGNET_OUTBOUND_ALLOW": "10.0.0.0/99"}, "SIGNET_OUTBOUND_ALLOW"),
        ({"SIGNET_OUTBOUND_CA": str(tmp_path / "ca.pem")}, "SIGNET_OUTBOUND_CA: must be a PEM file"),
        ({"SIGNET_OUTBOUND_CA": str(tmp_path / "none.pem")}, "SIGNET_OUTBOUND_CA: must be a PEM file"),
    ):
        with pytest.raises(SettingsError) as refused:
            load_settings(environ)
        assert name in str(refused.value)
    allowed = load_settings({"SIGNET_OUTBOUND_ALLOW": "10.0.0.0/8, ::1"}).outbound_allow
    assert allowed == {"10.0.0.0/8", "::1"}


OAUTH = {
    "SIGNET_SMTP_HOST": "smtp.example",
    "SIGNET_SMTP_TLS": "starttls",
    "SIGNET_SMTP_USER": "id@example.com",
    "SIGNET_SMTP_OAUTH_TOKEN_URL": "https://login.example/token",
    "SIGNET_SMTP_OAUTH_CLIENT_ID": "signet",
    "SIGNET_SMTP_OAUTH_CLIENT_SECRET": KEY,
}


def test_oauth_for_email_with_all_its_settings_is_accepted() -> None:
    assert load_settings(OAUTH).smtp_oauth_client_id == "signet"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"SIGNET_SMTP_USER": "ada"}, "together"),
        ({"SIGNET_SMTP_PASSWORD": "secret"}, "together"),
        ({"SIGNET_SMTP_USER": "ada", "SIGNET_SMTP_PASSWORD": "geheimnüs"}, "ASCII"),
        ({"SIGNET_SMTP_FROM": "Example, Inc. <a@example.com>"}, "one address"),
        ({"SIGNET_SMTP_FROM": "a@example.com, b@example.com"}, "one address"),
        ({"SIGNET_SMTP_REPLY_TO": "help@example.com, b@example.com"}, "SIGNET_SMTP_REPLY_TO: must be one address"),
        ({"SIGNET_SMTP_REPLY_TO": "Support"}, "one address"),
        ({"SIGNET_SMTP_REPLY_TO": "help@b\u00fccher.example"}, "xn--"),
        ({**OAUTH, "SIGNET_SMTP_PASSWORD": KEY}, "cannot be used together"),
        ({**OAUTH, "SIGNET_SMTP_USER": ""}, "need SIGNET_SMTP_USER"),
        ({**OAUTH, "SIGNET_SMTP_OAUTH_CLIENT_ID": ""}, "SIGNET_SMTP_OAUTH_CLIENT_ID"),
        ({**OAUTH, "SIGNET_SMTP_OAUTH_TOKEN_URL": ""}, "need SIGNET_SMTP_USER, SIGNET_SMTP_OAUTH_TOKEN_URL"),
        ({**OAUTH, "SIGNET_SMTP_OAUTH_CLIENT_SECRET": ""}, "SIGNET_SMTP_OAUTH_REFRESH_TOKEN must be set"),
        ({**OAUTH, "SIGNET_SMTP_TLS": "none"}, "need SIGNET_SMTP_TLS=starttls or tls"),
        ({**OAUTH, "SIGNET_SMTP_OAUTH_TOKEN_URL": "http://login.example/token"}, "must be an https URL"),
        ({**OAUTH, "SIGNET_SMTP_OAUTH_TOKEN_URL": "login.example/token"}, "must be an https URL"),
        ({**OAUTH, "SIGNET_SMTP_OAUTH_TOKEN_URL": "https://a:b@login.example/token"}, "must be an https URL"),
        ({**OAUTH, "SIGNET_SMTP_OAUTH_TOKEN_URL": "https://login.example:port/token"}, "must be an https URL"),
        ({"SIGNET_SMTP_FROM": "Signet"}, "one address"),
        ({"SIGNET_SMTP_FROM": "a@example.com\nBcc: b@example.com"}, "one line|one address"),
    ],
)
def test_mail_settings_that_cannot_work_stop_the_start(given: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        load_settings(given)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "sender", ["a@example.com", '"Example, Inc." <a@example.com>', "Café <a@example.com>", f"{PERSIAN} <a@example.com>"]
)
def test_a_sender_may_have_a_name(sender: str) -> None:
    assert load_settings({"SIGNET_SMTP_FROM": sender}).smtp_from == sender
