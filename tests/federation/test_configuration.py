"""The operator's file of upstreams: what is unknown or invalid stops the start, in one line that repeats no secret."""

from pathlib import Path
from typing import Any

import pytest

from provider.config.environment import SettingsError
from provider.crypto.vault import Vault
from provider.federation.configuration import load_upstreams
from provider.federation.upstreams import open_upstreams
from provider.readiness import require_ready
from provider.saved_settings.upstreams import SavedUpstreams
from tests.federation.conftest import EXAMPLE, write_upstreams
from tests.federation.fake_provider import CLIENT_SECRET, ISSUER
from tests.support.installation import settings_for

MINIMAL = {name: EXAMPLE[name] for name in ("name", "issuer", "client_id", "client_secret")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "upstreams.toml"


def test_what_is_not_said_is_the_careful_choice(file: Path) -> None:
    [upstream] = load_upstreams(write_upstreams(file, {"example": MINIMAL}))
    assert (upstream.key, upstream.name, upstream.issuer) == ("example", "Example", ISSUER)
    assert upstream.scopes == ("openid", "email", "profile")
    assert not upstream.trust_email_verified
    assert not upstream.may_create_accounts
    assert upstream.label is None
    assert upstream.secret == CLIENT_SECRET


def test_secrets_do_not_print(file: Path) -> None:
    upstreams = load_upstreams(write_upstreams(file, {"example": MINIMAL}))
    assert CLIENT_SECRET not in repr(upstreams) + str(upstreams)


def test_no_file_is_no_upstream() -> None:
    assert load_upstreams(None) == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"isuer": "x"}, "isuer: is unknown"),
        ({"key": "x"}, "docs/guides/upstream.md"),
        ({"name": ""}, "name: "),
        ({"name": "a\u202eb"}, "name: Remove this character: U+202E RIGHT-TO-LEFT OVERRIDE"),
        ({"label": "x" * 61}, "label: "),
        ({"issuer": "http://op.example.test"}, "issuer: must be an https URL"),
        ({"issuer": "op.example.test"}, "issuer: must be an https URL"),
        ({"issuer": f"{ISSUER}?x=1"}, "issuer: must be an https URL"),
        ({"issuer": f"{ISSUER}#x"}, "issuer: must be an https URL"),
        ({"issuer": "https://me@op.example.test"}, "issuer: must be an https URL"),
        ({"issuer": "https://op.example.test:port"}, "issuer: must be an https URL"),
        ({"issuer": "https:///nowhere"}, "issuer: must be an https URL"),
        ({"client_id": ""}, "client_id: "),
        ({"client_secret": ""}, "client_secret: is empty"),
        ({"scopes": ["email"]}, 'scopes: must be a list of scopes, "openid" among them'),
        ({"scopes": ["openid", "two words"]}, "scopes: must be a list of scopes"),
        ({"scopes": "openid"}, "scopes: "),
        ({"trust_email_verified": "yes"}, "trust_email_verified: "),
        ({"may_create_accounts": 1}, "may_create_accounts: "),
    ],
)
def test_a_table_that_is_not_fit_stops_the_start(file: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_upstreams(write_upstreams(file, {"example": {**MINIMAL, **changes}}))
    said = str(refused.value)
    assert problem in said
    assert "\n" not in said
    assert CLIENT_SECRET not in said


@pytest.mark.parametrize("missing", MINIMAL)
def test_what_it_cannot_do_without_must_be_there(file: Path, missing: str) -> None:
    table = {name: value for name, value in MINIMAL.items() if name != missing}
    with pytest.raises(SettingsError, match=rf"\[example\] {missing}: is missing"):
        load_upstreams(write_upstreams(file, {"example": table}))


@pytest.mark.parametrize("key", ["Example", "a_b", "-a", "a" * 33, "'a/b'"])
def test_a_key_is_fit_for_a_url(file: Path, key: str) -> None:
    with pytest.raises(SettingsError, match="lower-case letters, digits and hyphens"):
        load_upstreams(write_upstreams(file, {key: MINIMAL}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no upstream"),
        ('name = "Example"', "name must be a table"),
        (f'[example]\nclient_secret = "{CLIENT_SECRET}', "is not TOML"),
        (f"[example]\nclient_secret = {CLIENT_SECRET}", r"is not TOML \(at line 2, column 17\)"),
    ],
)
def test_a_file_that_is_no_list_of_upstreams_stops_the_start(file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(SettingsError, match=problem) as refused:
        load_upstreams(file)
    assert CLIENT_SECRET not in str(refused.value)


@pytest.mark.parametrize("again", [ISSUER, f"{ISSUER}/", f"{ISSUER}:443", ISSUER.upper().replace("HTTPS", "https")])
def test_one_issuer_is_one_upstream(file: Path, again: str) -> None:
    with pytest.raises(SettingsError, match="an issuer twice"):
        load_upstreams(write_upstreams(file, {"one": MINIMAL, "two": MINIMAL}))


def test_a_domain_belongs_to_one_upstream(file: Path) -> None:
    other = {"issuer": "https://other.example.test", "domains": ["EXAMPLE.com"]}
    with pytest.raises(SettingsError, match="a domain to two upstreams"):
        load_upstreams(write_upstreams(file, {"one": {**MINIMAL, "domains": ["example.com"]}, "two": MINIMAL | other}))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"is_required_for_domains": True}, "is_required_for_domains: needs domains"),
        ({"domains": ["no domain"]}, "domains: 'no domain' is not a host"),
        ({"roles": ["editor"]}, "roles: must be a table"),
        ({"roles_claim": ""}, "roles_claim: must not be empty"),
        ({"groups": {"x": "y"}}, "groups: needs groups_claim or roles_claim"),
        ({"groups_claim": "x", "groups": {"x": "two words"}}, "groups: must be a table of values and the names"),
        ({"groups_claim": "x", "groups": {"*": "all"}}, r'groups: "\*" must be "\*"'),
        ({"claims": {"attributes.X": "x"}}, "claims: must be a table of attributes.NAME"),
    ],
    ids=str,
)
def test_rules_that_do_not_go_together_stop_the_start(file: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load_upstreams(write_upstreams(file, {"example": {**MINIMAL, **changes}}))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_may_read_or_write_is_refused(file: Path, mode: int) -> None:
    write_upstreams(file, {"example": MINIMAL}).chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_upstreams(file)


def test_a_file_that_is_not_there_or_not_text_is_one_line(file: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_upstreams(file)
    file.write_bytes(b"\xff")
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_upstreams(file)


def test_plain_http_is_for_this_machine(file: Path) -> None:
    [upstream] = load_upstreams(write_upstreams(file, {"local": {**MINIMAL, "issuer": "http://127.0.0.1:9000"}}))
    assert upstream.issuer == "http://127.0.0.1:9000"


def test_the_service_does_not_start_with_an_invalid_file(database_url: str, file: Path) -> None:
    settings = settings_for(database_url, upstreams=write_upstreams(file, {"example": {**MINIMAL, "name": ""}}))
    with pytest.raises(SettingsError, match="name"):
        require_ready(settings)
    with pytest.raises(SettingsError, match="name"):
        open_upstreams(settings, SavedUpstreams(), Vault(("key",)))
