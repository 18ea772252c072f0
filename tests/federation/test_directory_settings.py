"""The settings of a directory, in the file and saved."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.federation import configuration, managed
from provider.federation.configuration import InvalidUpstream, parse_upstream
from tests.federation.stand_in_directory import BIND_PASSWORD, CORP
from tests.support.installation import Work


def problem_of(**changes: Any) -> str:
    with pytest.raises(InvalidUpstream) as caught:
        parse_upstream("corp", CORP | changes)
    return str(caught.value)


def test_a_preset_fills_in_what_its_servers_are_like() -> None:
    ldap = parse_upstream("corp", CORP)
    assert (ldap.issuer, ldap.subject_attribute, ldap.email_attribute) == ("ldap:corp", "entryUUID", "mail")
    assert ldap.user_filter == "(&(objectClass=person)(mail={email}))"
    windows = parse_upstream("corp", CORP | {"preset": "active-directory"})
    assert windows.subject_attribute == "objectGUID"
    assert "userPrincipalName={email}" in windows.user_filter
    assert ldap.secret == BIND_PASSWORD


@pytest.mark.parametrize(
    "servers",
    [["ldap://ldap.corp.test"], ["ldaps://ldap.corp.test", "ldap://10.0.0.1"], ["ldap://127.0.0.1.corp.test"]],
)
def test_passwords_do_not_travel_without_tls(servers: list[str]) -> None:
    """N-368."""
    assert "needs TLS" in problem_of(servers=servers)


def test_start_tls_or_loopback_needs_no_ldaps() -> None:
    parse_upstream("corp", CORP | {"servers": ["ldap://ldap.corp.test"], "start_tls": True})
    parse_upstream("corp", CORP | {"servers": ["ldap://127.0.0.1:3890", "ldap://localhost"]})
    assert problem_of(start_tls=True).startswith("start_tls: is for servers with ldap")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("servers", []),
        ("servers", ["https://ldap.corp.test"]),
        ("servers", ["ldaps://ldap.corp.test/dc=corp"]),
        ("servers", ["ldaps://ldap.corp.test?x"]),
        ("servers", ["ldaps://signet:secret@ldap.corp.test"]),
        ("servers", ["ldaps://"]),
        ("servers", ["ldaps://ldap.corp.test:port"]),
        ("servers", ["ldaps://ldap.corp.test"] * 9),
        ("bind_dn", ""),
        ("bind_password", ""),
        ("base_dn", ""),
        ("user_filter", "(mail=*)"),
        ("user_filter", "mail={email}"),
        ("user_filter", "(mail={email}"),
        ("user_filter", "(mail={email}{0})"),
        ("group_filter", "(member=*)"),
        ("subject_attribute", "entry UUID"),
        ("email_attribute", "mail)(cn=*"),
        ("client_id", "signet"),
        ("client_secret", "secret"),
        ("scopes", ["openid"]),
        ("issuer", "https://id.corp.test"),
        ("trust_email_verified", True),
        ("is_required_for_domains", "yes"),
    ],
)
def test_invalid_settings_are_named(name: str, value: Any) -> None:
    """N-369."""
    assert name in problem_of(**{name: value})


def test_providers_have_none_of_these_settings() -> None:
    for name in ("servers", "base_dn", "bind_password", "user_filter"):
        given = {
            "name": "X",
            "issuer": "https://x.test",
            "client_id": "c",
            "client_secret": "s",
            name: CORP.get(name, "x"),
        }
        with pytest.raises(InvalidUpstream, match=name):
            parse_upstream("x", given | {name: CORP.get(name, "(mail={email})")})


def test_without_the_library_the_settings_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "find_spec", lambda _name: None)
    assert "signet-provider[ldap]" in problem_of()


def test_a_saved_directory_keeps_its_password_encrypted(work: Work) -> None:
    given = {name: value for name, value in CORP.items() if name != "domains"}
    with work() as w:
        row = managed.create(w, "saved", given)
        assert BIND_PASSWORD not in f"{row.settings} {row.sealed_secret}"
        assert managed.open_secret(w.vault, row) == BIND_PASSWORD
    with work() as w:
        changed = managed.update(w, row.id, row.settings | {"name": "Corporation"})
        assert managed.open_secret(w.vault, changed) == BIND_PASSWORD
        assert managed.uris_to_register(w.settings, "saved", preset=changed.settings["preset"]) == {}


def test_servers_at_private_addresses_are_not_saved(work: Work, client: TestClient) -> None:
    """N-370."""
    with work() as w, pytest.raises(managed.InvalidSettings) as caught:
        managed.create(w, "saved", CORP | {"servers": ["ldaps://10.0.0.1"], "domains": []})
    assert caught.value.name == "servers"
