"""A real OpenLDAP server: people sign in with it, and change their password there (RFC 4511, RFC 4513, RFC 3062)."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from provider.accounts.store import email_addresses
from provider.config.settings import Settings
from provider.federation import directories, ldap_client
from provider.federation.configuration import parse_upstream
from provider.federation.ldap_answers import DirectoryUnavailable, Verdict
from provider.federation.ldap_client import LdapClient
from provider.installation import open_installation
from provider.outbound.client import Outbound
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, utc_now
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.people import is_signed_in, sign_in
from tests.support.slapd import BASE, BIND_DN, BIND_PASSWORD, PASSWORD, Slapd, running_slapd

ADA, RESET = "ada@corp.test", f"uid=reset,ou=people,{BASE}"
NEW = "quite another horse battery"


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    with running_slapd() as server:
        yield server


@pytest.fixture
def configured(slapd: Slapd) -> dict[str, dict[str, Any]]:
    return {"corp": members(slapd)}


def members(slapd: Slapd, **changes: Any) -> dict[str, Any]:
    return {
        "preset": "ldap",
        "name": "Corp",
        "servers": [slapd.tls_url],
        "ca_file": str(slapd.authority),
        "bind_dn": BIND_DN,
        "bind_password": BIND_PASSWORD,
        "base_dn": BASE,
        "domains": ["corp.test"],
        "may_create_accounts": True,
        "verifies_email_addresses": True,
        "group_base_dn": f"ou=groups,{BASE}",
        "roles": {"editors": "editor", "admins": "admin"},
        **changes,
    }


@pytest.fixture
def installation(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setattr(directories, "FAILURE_TAKES", 0.0)
    settings = settings.model_copy(update={"outbound_allow": frozenset({"127.0.0.1", "::1"})})
    installation = open_installation(settings, clock=clock, counter=LimitCounter())
    yield installation
    installation.database.close()


@pytest.fixture
def outbound(installation: Installation) -> Outbound:
    return installation.outbound


def ask(slapd: Slapd, outbound: Outbound, email: str = ADA, password: str = PASSWORD, **changes: Any) -> Verdict:
    client = LdapClient(parse_upstream("corp", members(slapd, **changes)))
    return client.authenticate(outbound, f"(mail={email})", password, attributes=("entryUUID", "memberOf"))[1]


def test_people_sign_in_and_change_their_password(
    browser: Browser, new_browser: Callable[[], Browser], work: Work, slapd: Slapd
) -> None:
    assert sign_in(browser, ADA, password="x").status == 400
    assert sign_in(browser, ADA, password=PASSWORD).path == "/account"
    with work() as w:
        found = email_addresses.find_owner(w.read, ADA)
        assert found is not None
        assert found[0].claims["name"] == "Ada Lovelace"
        assert found[0].roles == ["editor"]
    browser.open("/account/password")
    page = browser.submit({"Current password": PASSWORD, "New password": "too short"})
    assert "Corp doesn't accept this password" in page.text  # pwdMinLength
    page = browser.submit({"Current password": PASSWORD, "New password": NEW})
    assert "Your password was changed" in page.text
    assert is_signed_in(browser)
    assert sign_in(new_browser(), ADA, password=PASSWORD).status == 400
    assert sign_in(new_browser(), ADA, password=NEW).path == "/account"
    browser.open("/account/password")
    browser.submit({"Current password": NEW, "New password": PASSWORD})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"servers": ["ldap://localhost:{port}"], "start_tls": True},
        {"servers": ["ldap://127.0.0.1:{port}"]},
        {"servers": ["ldap://127.0.0.1:1", "ldap://127.0.0.1:{port}"]},
        {"group_filter": "(&(objectClass=groupOfNames)(member={dn}))"},
    ],
    ids=["ldaps", "StartTLS", "loopback", "second server", "group filter"],
)
def test_servers_are_reached_in_each_way(slapd: Slapd, outbound: Outbound, changes: dict[str, Any]) -> None:
    if "servers" in changes:
        changes = changes | {"servers": [one.format(port=slapd.port) for one in changes["servers"]]}
    assert ask(slapd, outbound, **changes) is Verdict.RIGHT
    assert ask(slapd, outbound, password="x", **changes) is Verdict.WRONG
    assert ask(slapd, outbound, "nobody@corp.test", **changes) is Verdict.WRONG
    assert ask(slapd, outbound, "twins@corp.test", **changes) is Verdict.WRONG


@pytest.mark.parametrize(
    "changes",
    [
        {"ca_file": None},
        {"ca_file": "/nowhere/ca.pem"},
        {"servers": ["ldaps://127.0.0.1:{tls_port}"]},  # not a name in the certificate
        {"servers": ["ldap://127.0.0.1:{port}"], "start_tls": True},
        {"servers": ["ldap://127.0.0.1:1"]},
        {"bind_password": "another"},
        {"base_dn": "dc=nowhere"},
        {"user_filter": "(mail={email})", "group_filter": "((({dn})))"},
    ],
)
def test_what_is_not_an_answer_is_an_outage(slapd: Slapd, outbound: Outbound, changes: dict[str, Any]) -> None:
    """N-364: a certificate of somebody else, a wrong setting, nobody there."""
    ports = {"port": slapd.port, "tls_port": slapd.tls_port}
    if "servers" in changes:
        changes = changes | {"servers": [one.format(**ports) for one in changes["servers"]]}
    with pytest.raises(DirectoryUnavailable):
        ask(slapd, outbound, **changes)


def test_private_addresses_need_the_operators_leave(slapd: Slapd, settings: Settings) -> None:
    """N-365: A-101."""
    with pytest.raises(DirectoryUnavailable, match="no address that may be reached"):
        ask(slapd, Outbound(settings, clock=utc_now))


def test_a_silent_server_is_an_outage(slapd: Slapd, outbound: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    """N-366."""
    monkeypatch.setattr(ldap_client, "ANSWER_TIMEOUT", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(DirectoryUnavailable):
            ask(slapd, outbound, servers=[f"ldap://127.0.0.1:{port}"])


def test_a_password_that_must_be_changed_opens_nothing(browser: Browser, slapd: Slapd) -> None:
    slapd.replace(RESET, "pwdReset", "TRUE")
    page = sign_in(browser, "reset@corp.test", password=PASSWORD)
    assert page.status == 403
    assert "Your password has expired" in page.text
