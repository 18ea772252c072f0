"""Protected sites for operators: the kind of application, the configuration of proxies, and the preview."""

import html
import re

import pytest
import yaml

from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.groups.members import add_member
from provider.accounts.suspension import suspend
from provider.oauth.clients.clients import Client, create_client
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.protected_sites.sites import OF_NEW_CLIENT
from provider.oauth.forward_auth.proxies import FILES, configuration_for
from provider.oauth.forward_auth.sites import NoSuchSite
from provider.operators.presets import preset_of
from provider.resources import FORWARD_AUTH
from tests.admin.conftest import Console, Program
from tests.support.installation import ISSUER, Work

WIKI = "https://wiki.example.test"
PATHS = {
    "/health": {"bypass": True},
    "/admin": {"allowed_groups": ["admins"], "required_factor": "two-factor"},
    "/metrics": {"allowed_networks": ["10.0.0.0/8"]},
}


def protect(work: Work) -> Client:
    with work() as w:
        given = dict(OF_NEW_CLIENT) | {"client_name": "Wiki", "protected_sites": [WIKI], "protected_paths": PATHS}
        return create_client(w, parse_metadata(given))[0]


def test_the_configuration_is_the_shipped_one_with_the_hosts_of_the_site() -> None:
    """The shipped files are run by `interop/test_forward_auth.py`."""
    for proxy, names in FILES.items():
        same = configuration_for(proxy, site="https://wiki.example.com", issuer="https://id.example.com/x")
        assert same == {name: (FORWARD_AUTH / name).read_text() for name in names}
        other = configuration_for(proxy, site="https://docs.test:8443", issuer="http://localhost:8000")
        text = "".join(other.values())
        assert "example.com" not in text
        assert "localhost:8000" in text or proxy == "traefik"
        assert re.search(r'(\$signet_site|X-Forwarded-Host|Host:|domains:) \[?"?docs\.test:8443', text), text
        assert "server_name docs.test;" in text or proxy != "nginx"
        assert "header_up Host docs.test:8443\n" in text or proxy != "caddy"
        assert proxy != "envoy" or ('value: "docs.test:8443"' in text and "port_value: 8443 }" in text)


def test_traefik_removes_each_spelling_of_the_headers_that_a_site_believes() -> None:
    """It compares names as they are written, and removes what matches this, before it adds what matches."""
    auth = yaml.safe_load((FORWARD_AUTH / "traefik.yml").read_text())["http"]["middlewares"]["signet"]["forwardAuth"]
    removed = re.compile(auth["authResponseHeadersRegex"])
    remote, original = (
        ("Remote-User", "Remote_user", "Remote.groups"),
        ("X-Original-Url", "X_original.url", "X~rewrite-Url"),
    )
    for name in (*remote, *original, "X.forwarded.host", "X_forwarded-For", "X-Forwarded_proto"):
        assert removed.search(name), name
    for name in ("Cookie", "X-Forwarded-Host", "X-Forwarded-For", "X-Remote-User", "X-Original-Urls", "X-Real-Ip"):
        assert not removed.search(name), name


def test_no_host_of_a_site_is_more_than_a_name_to_a_proxy() -> None:
    """N-557: browsers take `$` and `~` in hosts, which nginx reads as a variable and a regular expression."""
    for odd in ("$http_x.example.test", "~.", "a(b).example.test", "a&b.example.test", "a=b.test", "!x.test"):
        given = dict(OF_NEW_CLIENT) | {"client_name": "Wiki", "protected_sites": [f"https://{odd}"]}
        with pytest.raises(InvalidMetadata, match="letters, digits"):
            parse_metadata(given)
        with pytest.raises(NoSuchSite):
            configuration_for("nginx", site=f"https://{odd}", issuer=ISSUER)
    for name in ("wiki.id.example.com", "my-wiki.example.com:8443", "id.example.com"):
        files = configuration_for("nginx", site=f"https://{name}", issuer="https://sso.example.test")
        assert f"$signet_site {name};" in files["nginx.conf"]
        assert f"server_name {name.partition(':')[0]};" in files["nginx.conf"]


def test_the_preview_answers_as_the_rules_do(operator: Program, work: Work, ada: str) -> None:
    """N-550: sites that no client protects, and what is no URL of a site."""
    protect(work)

    def asked(path: str, **more: str) -> tuple[bool, str | None]:
        query = "&".join(f"{name}={value}" for name, value in more.items())
        shown = operator.get(f"/protected-site-preview?url={WIKI}{path}&user_id={ada}&{query}")
        assert shown["allowed"] == ("reason" not in shown)
        return shown["allowed"], shown.get("rule")

    assert asked("/page") == (True, None)
    assert asked("/health/live") == (True, "/health")
    assert asked("/admin/x") == (False, "/admin")
    assert asked("/health/..;/admin") == (False, None)
    assert asked("/metrics") == (True, "/metrics")
    assert asked("/metrics", network="198.51.100.1") == (False, "/metrics")
    assert asked("/metrics", network="10.1.2.3") == (True, "/metrics")
    with work() as w:
        create_group(w, "admins", GroupSettings())
        add_member(w, "admins", user_id=ada)
    assert asked("/admin") == (True, "/admin")
    shown = operator.get(f"/protected-site-preview?url={WIKI}/admin&user_id={ada}")
    assert (shown["level"], shown["needs_sign_in"]) == ("aal2", True)
    with work() as w:
        suspend(w, user_id=ada, reason=None)
    assert asked("/page") == (False, None)
    assert operator("GET", f"/protected-site-preview?url=https://other.test/&user_id={ada}").status_code == 404
    assert operator("GET", f"/protected-site-preview?url={WIKI}/&user_id=nope").status_code == 404
    files = operator.get(f"/proxy-configuration?site={WIKI}&proxy=caddy")["files"]
    assert files["Caddyfile"].startswith("# Caddy")
    assert operator("GET", f"/proxy-configuration?site={WIKI}&proxy=iis").status_code == 404


def test_the_console_has_the_rules_the_preview_and_the_configuration(console: Console, work: Work, ada: str) -> None:
    client = protect(work)
    assert preset_of(client.metadata) == "site"
    assert "Protected site" in console.open("/clients?type=site").text
    here = f"/clients/client/site?client_id={client.client_id}"
    page = console.open(here)
    shown = html.unescape(page.html)
    for text in ("/metrics", "allowed_groups: admins", "$signet_site wiki.example.test;", ISSUER.partition("//")[2]):
        assert text in shown, text
    page = console.open(f"{here}&user=ada@example.test&page=/admin")
    assert "You need to be in one of these groups to use it: admins." in page.text
    assert "Allowed" in console.open(f"{here}&user=ada@example.test&page=/page").text
    assert console.open(f"{here}&user=nobody@example.test&page=/page").status == 400
