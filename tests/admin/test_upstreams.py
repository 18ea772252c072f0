"""Upstream providers in the console and the admin API."""

from typing import Any

from provider.federation import managed
from provider.federation.store import signal_states
from provider.saved_settings.upstreams import find_all, upstreams
from provider.work import Installation
from tests.admin.conftest import Console, Program
from tests.support.browser import Browser
from tests.support.installation import Work

GITHUB = {"preset": "github", "client_id": "us", "client_secret": "the secret of us"}


def test_a_provider_is_added_edited_disabled_and_deleted_in_the_console(
    console: Console, work: Work, browser: Browser
) -> None:
    page = console.open("/upstreams")
    assert "No upstream providers yet." in page.text
    console.browser.follow("Add upstream provider")
    console.browser.follow("GitHub")
    page = console.browser.submit({"key": "Git Hub"}, button="Add upstream provider")
    assert (page.status, page.heading) == (400, "GitHub")
    given = {"key": "github", "client_id": "us", "secret": "the secret of us"}
    page = console.browser.submit(given, button="Add upstream provider")
    assert "Upstream provider added." in page.text
    assert "https://id.example.test/login/upstream/github/callback" in page.text
    assert "the secret of us" not in page.html
    with work() as w:
        (row,) = find_all(w.read)
        assert "the secret" not in row.sealed_secret + str(row.settings)
        assert managed.open_secret(w.vault, row) == "the secret of us"
    here = f"/upstreams/{row.id}"
    assert "the secret of us" not in console.open(f"{here}/edit").html
    page = console.browser.submit({"Groups": "editors"}, button="Save")
    assert page.status == 400
    mapped = {"claims": "attributes.team=team", "groups_claim": "teams", "Groups": "editors=shop *=*"}
    page = console.browser.submit({"label": "Enter with GitHub", **mapped}, button="Save")
    assert "Upstream provider updated." in page.text
    assert "editors=shop *=*" in console.open(f"{here}/edit").html
    with work() as w:
        (row,) = find_all(w.read)
        assert row.settings["groups"] == {"editors": "shop", "*": "*"}
        assert row.settings["claims"] == {"attributes.team": "team"}
        assert managed.open_secret(w.vault, row) == "the secret of us"
    console.open(f"{here}/disable")
    assert "Upstream provider disabled." in console.browser.submit(button="Disable").text
    console.open(f"{here}/enable")
    assert "Upstream provider enabled." in console.browser.submit(button="Enable").text
    console.open(f"{here}/delete")
    assert "Upstream provider deleted." in console.browser.submit(button="Delete").text


def test_the_form_of_a_provider_has_the_settings_of_its_preset(console: Console) -> None:
    """The fields of other presets are left out, and a secret of several lines has room (docs/guides/upstream.md)."""
    page = console.open("/upstreams/new")
    assert {"Google", "Apple", "LDAP", "Another OpenID Provider"} <= set(page.links)
    for preset, theirs, others in (
        ("google", {"hosted_domain", "label"}, {"tenant", "team_id", "servers", "issuer", "bind_dn"}),
        ("apple", {"team_id", "key_id"}, {"hosted_domain", "servers"}),
        ("microsoft", {"tenant", "allowed_tenants"}, {"hosted_domain", "issuer"}),
        ("discord", {"scopes"}, {"signs_out_there", "issuer"}),
        ("active-directory", {"servers", "bind_dn", "domains"}, {"client_id", "label", "store_tokens", "scopes"}),
        ("other", {"issuer", "name"}, {"tenant", "team_id", "hosted_domain", "servers"}),
    ):
        shown = {one.name for one in console.open(f"/upstreams/new?preset={preset}").form("key").fields}
        assert theirs <= shown, preset
        assert not others & shown, preset
    page = console.open("/upstreams/new?preset=apple")
    assert "Private key" in page.text
    assert page.html.count("<textarea") == 1
    assert console.open("/upstreams/new?preset=another").links.keys() >= {"Google"}


def add(operator: Program, key: str, **members: Any) -> Any:
    return operator("POST", "/upstreams", json={"key": key, **GITHUB, **members})


def test_a_saved_provider_is_offered_until_it_is_disabled(operator: Program, browser: Browser) -> None:
    assert "GitHub" not in browser.open("/login").text
    added = add(operator, "github").json()
    assert "client_secret" not in added
    assert (added["name"], added["scopes"], added["in_file"]) == ("GitHub", ["read:user", "user:email"], False)
    at = f"/upstreams/{added['id']}"
    assert "Sign in with GitHub" in browser.open("/login").text
    assert "Continue to GitHub" in browser.submit(button="Sign in with GitHub").links
    groups = {"groups_claim": "teams", "groups": {"editors": "shop"}}
    changed = operator("PUT", at, preset="github", client_id="us", label="Enter", **groups)
    assert (changed.status_code, changed.json() | groups) == (200, changed.json())
    assert "Enter" in browser.open("/login").text
    assert operator("POST", f"{at}/disable").status_code == 204
    assert "Enter" not in browser.open("/login").text
    assert operator.get("/upstreams")["upstreams"][0]["disabled"]
    assert operator("POST", f"{at}/enable").status_code == 204
    assert "Enter" in browser.open("/login").text
    assert operator("DELETE", at).status_code == 204
    assert operator("GET", at).status_code == 404


def test_buttons_are_in_the_order_that_operators_give(operator: Program, browser: Browser) -> None:
    add(operator, "github", name="One")
    add(operator, "other", name="Two", issuer="https://git.example.com", position=0)
    text = browser.open("/login").text
    assert text.index("Sign in with Two") < text.index("Sign in with One")


def test_settings_that_do_not_fit_are_refused(operator: Program) -> None:
    """N-283: no secret is repeated, and nothing is stored."""
    add(operator, "github")
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("github", {}),
        ("another", {}),  # the issuer is taken
        ("Git Hub", {"issuer": "https://git.example.com"}),
        ("facebook", {"preset": "facebook", "tenant": "common"}),
        ("microsoft", {"preset": "microsoft", "verifies_email_addresses": True}),
        ("apple", {"preset": "apple"}),
        ("inside", {"preset": None, "name": "Inside", "issuer": "https://10.0.0.1"}),
    ]
    for key, members in wrong:
        refused = add(operator, key, **members)
        assert refused.status_code == 400, (key, refused.text)
        assert "the secret of us" not in refused.text
    assert len(operator.get("/upstreams")["upstreams"]) == 1


def test_a_row_that_cannot_be_read_stops_nothing(
    operator: Program, browser: Browser, work: Work, installation: Installation
) -> None:
    """N-284: one whose secret key is gone, or of a later version."""
    add(operator, "github")
    with work() as w:
        w.db.execute(upstreams.update().values(sealed_secret="00000000.AAAA"))
    installation.upstreams.refresh(installation.database)
    assert "GitHub" not in browser.open("/login").text
    [one] = operator.get("/upstreams")["upstreams"]
    assert operator("PUT", f"/upstreams/{one['id']}", preset="github", client_id="us").status_code == 400
    again = operator("PUT", f"/upstreams/{one['id']}", **GITHUB)
    assert again.status_code == 200
    assert "Sign in with GitHub" in browser.open("/login").text


def test_the_signals_of_a_provider_are_shown_and_tested(console: Console, operator: Program, work: Work) -> None:
    console.open("/upstreams/new?preset=google")
    given = {"key": "google", "client_id": "web", "secret": "s", "receives_signals": "on"}
    page = console.browser.submit({**given, "signals_audiences": "android ios"}, button="Add upstream provider")
    assert "No signal received yet." in page.text
    assert "https://id.example.test/login/upstream/google/signals" in page.text
    with work() as w:
        (row,) = find_all(w.read)
        values = {"received_at": w.now, "received": "sessions-revoked", "requested_at": w.now, "problem_at": w.now}
        signal_states.note(w.db, "google", problem="invalid_key: its signer has no key", **values)
    text = console.open("/upstreams").text
    for shown in ("Last signal: sessions-revoked", "Test signal requested and not received yet", "invalid_key"):
        assert shown in text
    state = operator("GET", f"/upstreams/{row.id}/signals").json()
    assert state["configuration_url"] == "https://accounts.google.com/.well-known/risc-configuration"
    assert (state["received"], "verified_at" in state) == ("sessions-revoked", False)
    assert operator("GET", f"/upstreams/{row.id}").json()["signals_audiences"] == ["android", "ios"]
    answer = operator("POST", f"/upstreams/{row.id}/signals/test")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (400, "no-verification")
    console.open(f"/upstreams/{row.id}/test-signals")
    assert "only from a service account" in console.browser.submit(button="Request a test signal").text
    console.open(f"/upstreams/{row.id}/edit")
    console.browser.submit({"receives_signals": ""}, button="Save")
    assert "Last signal" not in console.open("/upstreams").text
    operator("DELETE", f"/upstreams/{row.id}")
    with work() as w:
        assert signal_states.find(w.read, "google").received_at is None


def test_a_directory_is_added_in_the_console_and_the_api(console: Console, operator: Program, work: Work) -> None:
    console.open("/upstreams/new?preset=ldap")
    given = {
        "key": "corp",
        "secret": "the password",
        "servers": "ldap://a.corp.test",
        "start_tls": "on",
    }
    page = console.browser.submit(given, button="Add upstream provider")
    assert page.status == 400
    page = console.browser.submit(
        {**given, "bind_dn": "cn=s,dc=corp", "base_dn": "dc=corp", "trust_email_verified": "all"},
        button="Add upstream provider",
    )
    assert "Upstream provider added." in page.text
    with work() as w:
        (row,) = find_all(w.read)
        assert managed.open_secret(w.vault, row) == "the password"
    assert "the password" not in console.open(f"/upstreams/{row.id}/edit").html
    assert "Upstream provider updated." in console.browser.submit({"base_dn": "ou=people,dc=corp"}, button="Save").text
    shown = operator("GET", f"/upstreams/{row.id}").json()
    assert "client_id" not in shown
    assert "redirect_uri" not in shown
    assert (shown["start_tls"], shown["base_dn"], shown["verifies_email_addresses"]) == (
        True,
        "ou=people,dc=corp",
        True,
    )
    changed = {name: shown[name] for name in ("preset", "servers", "start_tls", "bind_dn", "base_dn")}
    answer = operator("PUT", f"/upstreams/{row.id}", json=changed | {"bind_password": "another"})
    assert (answer.status_code, answer.json()["base_dn"]) == (200, "ou=people,dc=corp")
    with work() as w:
        assert managed.open_secret(w.vault, managed.find(w, row.id)) == "another"
