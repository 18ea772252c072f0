"""What people really paste into variables: it works, or one line in our own words says what is supported."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url
from structlog.testing import capture_logs

from provider.config.environment import SettingsError, load_settings
from provider.config.secrets import may_be_in_a_file
from provider.config.service_variables import service_variables
from provider.config.settings import PREFIX, Settings
from provider.config.settings_in_force import Source, settings_in_force
from provider.observability.logging import log_ignored_variables

KEY = "k" * 32
OAUTH = {
    "SIGNET_SMTP_HOST": "smtp.example",
    "SIGNET_SMTP_TLS": "starttls",
    "SIGNET_SMTP_USER": "ada",
    "SIGNET_SMTP_OAUTH_TOKEN_URL": "https://login.example/token",
    "SIGNET_SMTP_OAUTH_CLIENT_ID": "signet",
}
PASTED = ["junk value", "-1", "9" * 20, "1.5", "nan", "1e400", "http://x", "https://[::1", "a\nb", "[1]", "//", "a,b"]
PASTED += ['"quoted"', "P99999999999D", "\ud800"]
NOT_OURS = re.compile(r"input|pydantic|valid (?!for)|unable|parse|codec|datetime|Errno|\n", re.IGNORECASE)
"""Words of the libraries that read the values, and of Python."""


def refusal_of(**settings: str) -> str:
    """The line with which these settings are refused, empty if they are accepted."""
    try:
        load_settings({PREFIX + name.upper(): value for name, value in settings.items()})
    except SettingsError as refused:
        return str(refused)
    return ""


def test_no_value_of_any_setting_ends_otherwise_than_in_one_line_of_ours() -> None:
    for value in PASTED:
        line = refusal_of(**dict.fromkeys(Settings.model_fields, value))  # which names the problem of each
        assert line.startswith(PREFIX), value
        assert not NOT_OURS.search(line.replace(value, "")), (value, line)


def test_no_secret_is_repeated() -> None:
    secret = [name for name, field in Settings.model_fields.items() if may_be_in_a_file(name, field)]
    assert {"secret_key", "smtp_password", "totp_bypass_code", "database_url", "redis_url"} <= set(secret)
    for name in secret:
        for value in ("mysql://me:hunter2@host/x", "hunter2", "redis://:hunter2@host:port"):
            assert "hunter2" not in refusal_of(**{name: value}), name


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("smtp_port", "many", "SIGNET_SMTP_PORT: must be a whole number; it is 'many'"),
        ("smtp_port", "70000", "SIGNET_SMTP_PORT: must be 65535 or less; it is '70000'"),
        ("smtp_tls", "ssl", "SIGNET_SMTP_TLS: must be none, starttls or tls; it is 'ssl'"),
        ("request_uri", "maybe", "SIGNET_REQUEST_URI: must be true or false; it is 'maybe'"),
        ("code_lifetime", "1 hour", "must be a duration, such as 90s, 10m, 24h or 14d; it is '1 hour'"),
        ("pushed_request_lifetime", "1h", "SIGNET_PUSHED_REQUEST_LIFETIME: must be 10 minutes or less; it is '1h'"),
        ("trusted_proxies", "nginx", "must be IP addresses or networks, comma-separated, such as 10.0.0.0/8"),
        ("trusted_proxies", "*", "must be IP addresses or networks"),
        ("smtp_host", "http://mail.example", "SIGNET_SMTP_HOST: must be a host name or IP address, without a scheme"),
        ("smtp_host", "mail.example:587", "SIGNET_SMTP_HOST: must be a host name or IP address"),
        ("brand", '"Acme"', "SIGNET_BRAND: remove the quotes"),
        ("issuer", "'https://id.example'", "SIGNET_ISSUER: remove the quotes"),
        ("database_url", "mysql://me@host/x", "SIGNET_DATABASE_URL: mysql:// is not supported; it must be sqlite:///"),
        ("database_url", "postgresql+psycopg2://me@host/x", "is not supported"),
        ("database_url", "signet.db", "must be sqlite:///FILE or postgresql://"),
        ("database_url", "sqlite:///:memory:", "must name a file"),
        ("database_url", "sqlite://", "must name a file"),
        ("database_url", "postgresql://me@host:port/x", "must be sqlite:///FILE or postgresql://"),
        ("database_url", "postgresql://me@db1,/x", "with several servers HOST:PORT,HOST:PORT"),
        ("database_url", "postgresql://me@db1,db2:port/x", "with several servers HOST:PORT,HOST:PORT"),
        ("database_url", "postgresql://me@db1,db2/x?target_session_attrs=any", "it must be read-write or primary"),
        ("database_url", "postgresql://me@db1/x?target_session_attrs=standby", "it must be read-write or primary"),
        ("database_url", "postgresql://me@host/x?sslmod=require", "has an option that PostgreSQL does not know"),
        ("redis_url", "localhost:6379", "SIGNET_REDIS_URL: must be redis://"),
        ("redis_url", "http://localhost", "http:// is not supported; it must be redis://"),
        ("redis_url", "redis://host:port", "must be redis://"),
        ("redis_url", "redis://host/cache", "must be redis://"),
        ("redis_url", "redis://host/0?color=red", "has an option that Redis does not know"),
        ("isuer", "https://id.example", "did you mean SIGNET_ISSUER"),
        ("smtp_port_file", "/run/secrets/port", "unknown setting SIGNET_SMTP_PORT_FILE"),
    ],
)
def test_a_refusal_says_what_is_supported(setting: str, value: str, problem: str) -> None:
    assert problem in refusal_of(**{setting: value})


def test_what_comes_along_with_a_pasted_value_is_dropped() -> None:
    """A file that ends with a line break, a space, a byte order mark; an empty `${VARIABLE:-}` of Compose."""
    settings = load_settings(
        {
            "SIGNET_ISSUER": " https://id.example\r\n",
            "SIGNET_SECRET_KEY": f"\ufeff{KEY}\n",
            "SIGNET_LOG_LEVEL": "INFO",
            "SIGNET_SMTP_TLS": "STARTTLS",
            "SIGNET_SQLITE_SYNCHRONOUS": "full",
            "SIGNET_FORWARDED_HEADER": "X-Forwarded-For",
            "SIGNET_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2,",
            "SIGNET_REDIS_URL": "",
            "SIGNET_SMTP_PASSWORD": "",
            "SIGNET_SMTP_PASSWORD_FILE": "",
            "SIGNET_THREADS": " ",
        }
    )
    assert (settings.issuer, settings.secret_keys) == ("https://id.example", (KEY,))
    assert (settings.log_level, settings.smtp_tls, settings.sqlite_synchronous) == ("info", "starttls", "FULL")
    assert (settings.redis_url, settings.smtp_password, settings.threads) == (None, None, None)
    assert settings.forwarded_header == "x-forwarded-for"
    assert settings.trusted_proxies == {"10.0.0.1", "10.0.0.2"}
    assert load_settings({"SIGNET_SECRET_KEY": f"{KEY}, {KEY}x"}).secret_keys == (KEY, f"{KEY}x")
    assert load_settings({"SIGNET_FEATURES": ""}).has("registration")
    assert not load_settings({"SIGNET_FEATURES": "none"}).features


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
@pytest.mark.parametrize("password", ["p@ss", "a:b", "a/b", "100%", "a#b", "a?b", "p%40ss", "@:/?#%", "ä €", ""])
def test_a_password_in_a_url_may_have_any_character(scheme: str, password: str) -> None:
    """RFC 3986 section 3.2.1 wants them encoded, and people paste them as they are."""
    settings = load_settings(
        {"SIGNET_DATABASE_URL": f"{scheme}://me:{password}@db.example:5433/signet?sslmode=require"}
    )
    url = make_url(settings.database_url)
    meant = "p@ss" if password == "p%40ss" else password
    assert (url.drivername, url.username, url.password or "") == ("postgresql+psycopg", "me", meant)
    assert (url.host, url.port, url.database, url.query["sslmode"]) == ("db.example", 5433, "signet", "require")
    redis = load_settings({"SIGNET_REDIS_URL": f"rediss://:{password}@cache.example:6380/2"}).redis_url
    parts = make_url(redis or "")
    assert (parts.password or "", parts.host, parts.port, parts.database) == (meant, "cache.example", 6380, "2")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///signet.db",
        "sqlite:////var/lib/my signet/signet.db",
        "postgresql+psycopg:///signet?host=/var/run/postgresql",
        "postgresql+psycopg://me@[::1]:5432/signet",
    ],
)
def test_a_url_that_is_right_stays_as_it_is(url: str) -> None:
    assert load_settings({"SIGNET_DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize(
    ("given", "hosts", "ports"),
    [
        ("db1:5433,db2:5434/signet", "db1,db2", "5433,5434"),
        ("db1,db2:5434,[::1]/signet?target_session_attrs=primary", "db1,db2,::1", "5432,5434,5432"),
        ("/signet?host=db1,db2&port=5433,5434", "db1,db2", "5433,5434"),
    ],
)
def test_of_several_database_servers_only_one_that_can_write_is_used(given: str, hosts: str, ports: str) -> None:
    url = make_url(load_settings({"SIGNET_DATABASE_URL": f"postgresql://me:a,b@{given}"}).database_url)
    assert (url.query["host"], url.query["port"], url.password) == (hosts, ports, "a,b")
    assert url.query["target_session_attrs"] == ("primary" if "primary" in given else "read-write")


# Secrets in files, as container platforms mount them.


SECRETS = {
    "secret_key": KEY,
    "smtp_password": '"pass" word',
    "smtp_oauth_client_secret": "client secret",
    "smtp_oauth_refresh_token": "refresh=token",
    "totp_bypass_code": "000000",
    "database_url": "postgresql+psycopg://me:secret@host/signet",
    "database_read_url": "postgresql+psycopg://me:secret@replica/signet",
    "redis_url": "redis://:secret@host/0",
}
"""A value of every setting that may be in a file."""
BESIDE = {
    "database_read_url": {"SIGNET_DATABASE_URL": "postgresql://host/signet"},
    "smtp_password": {"SIGNET_SMTP_USER": "ada"},
    "smtp_oauth_client_secret": OAUTH,
    "smtp_oauth_refresh_token": OAUTH,
    "totp_bypass_code": {"SIGNET_ENV": "development"},
}
"""What some of them need."""


def test_every_secret_may_be_in_a_file(tmp_path: Path) -> None:
    """The value is the one of the variable itself, without the line break that an editor leaves."""
    secret = {name for name, field in Settings.model_fields.items() if may_be_in_a_file(name, field)}
    assert secret == SECRETS.keys(), "add a value of the new setting"
    for name, value in SECRETS.items():
        variable, file = f"{PREFIX}{name.upper()}", tmp_path / name
        file.write_text(f"{value}\r\n")
        from_file = load_settings(BESIDE.get(name, {}) | {f"{variable}_FILE": str(file)})
        found = getattr(from_file, name)
        assert (found.get_secret_value() if isinstance(found, SecretStr) else found) == value, name
        shown = {each.name: each for each in settings_in_force(from_file, environ={f"{variable}_FILE": str(file)})}
        assert shown[variable].source == Source.FILE, name
        assert "secret" not in (shown[variable].value or ""), name


def test_no_secret_may_be_in_both_or_in_an_unusable_file(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "value").write_text("a value of a file")
    for name, value in SECRETS.items():
        both = refusal_of(**{name: value, f"{name}_file": str(tmp_path / "value")})
        variable = f"{PREFIX}{name.upper()}"
        assert both == f"{variable} and {variable}_FILE are both set; remove one of them"
        for file, problem in (("none", "cannot read"), ("empty", "must contain only the value")):
            line = refusal_of(**{f"{name}_file": str(tmp_path / file)})
            assert line.startswith(f"{variable}_FILE: "), line
            assert problem in line


def test_a_file_that_holds_no_value_is_refused_in_one_line(tmp_path: Path) -> None:
    contents = {
        "empty": b"",
        "blank": b" \n",
        "two": f"{KEY}\n{KEY}".encode(),
        "binary": b"\xff" * 40,
        "big": b"k" * 99999,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for name in (*contents, "none", "."):
        line = refusal_of(secret_key_file=str(tmp_path / name))
        assert line.startswith(
            (f"SIGNET_SECRET_KEY_FILE: {tmp_path}", f"SIGNET_SECRET_KEY_FILE: cannot read {tmp_path}")
        ), line
        assert "\n" not in line
        assert KEY not in line
    (tmp_path / "key").write_text(KEY)
    assert "both set" in refusal_of(secret_key=KEY, secret_key_file=str(tmp_path / "key"))


# Variables that Kubernetes and Docker set for a service named `signet`, or `signet-...`.

OF_SERVICES = {
    "SIGNET_SERVICE_HOST": "10.96.0.11",
    "SIGNET_SERVICE_PORT": "8000",
    "SIGNET_SERVICE_PORT_HTTP": "8000",
    "SIGNET_PORT": "tcp://10.96.0.11:8000",
    "SIGNET_PORT_8000_TCP": "tcp://10.96.0.11:8000",
    "SIGNET_PORT_8000_TCP_PROTO": "tcp",
    "SIGNET_PORT_8000_TCP_PORT": "8000",
    "SIGNET_PORT_8000_TCP_ADDR": "fd00::11",
    "SIGNET_SMTP_SERVICE_HOST": "10.96.0.12",
    "SIGNET_SMTP_SERVICE_PORT_SUBMISSION": "587",
    "SIGNET_SMTP_PORT": "tcp://10.96.0.12:587",  # of a service `signet-smtp`, and also the name of a setting
    "SIGNET_REDIS_MASTER_PORT_6379_TCP_ADDR": "10.96.0.13",
    "SIGNET_DNS_PORT_53_UDP": "udp://10.96.0.14:53",
    "SIGNET_NAME": "/web/signet",
}


def test_variables_of_a_service_of_that_name_are_ignored() -> None:
    settings = load_settings(OF_SERVICES | {"SIGNET_BRAND": "Acme"})
    assert (settings.brand, settings.smtp_port) == ("Acme", 1025)
    assert service_variables(OF_SERVICES | {"SIGNET_BRAND": "Acme", "OTHER_PORT": "tcp://10.0.0.1:1"}) == sorted(
        OF_SERVICES
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNET_PORT", "8000"),
        ("SIGNET_SERVICE_HOST", "id.example"),
        ("SIGNET_SERVICE_PORT", "tcp"),
        ("SIGNET_SERVICE_NAME", "signet"),
        ("SIGNET_PORT_8000_TCP_PROTO", "http"),
        ("SIGNET_SMTP_HOSTS", "10.96.0.12"),
    ],
)
def test_a_mistyped_setting_that_looks_like_one_still_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"unknown setting {name}"):
        load_settings({name: value})


def test_the_log_says_what_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNET_PORT", OF_SERVICES["SIGNET_PORT"])
    with capture_logs() as logs:
        log_ignored_variables()
    assert [(entry["event"], entry["variables"]) for entry in logs] == [("settings.ignored", ["SIGNET_PORT"])]
    monkeypatch.delenv("SIGNET_PORT")
    with capture_logs() as logs:
        log_ignored_variables()
    assert not logs
