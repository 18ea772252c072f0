"""The console: applications, registered by kind, shown with how to use them, edited, given new secrets, shut out."""

import re
from dataclasses import fields
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from provider.admin import client_groups
from provider.oauth.clients import clients, secret_rotation
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.clients.client_search import find_page
from provider.oauth.clients.clients import Client, create_client, find_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.operators.presets import PRESETS
from tests.admin.conftest import Console, events
from tests.support.browser import Field, Press
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.factories import make_client
from tests.support.installation import ISSUER, Work

URI = "https://shop.example.test/callback"


def registered(work: Work, name: str) -> Client:
    with work() as w:
        (found,), _ = find_page(w, name)
        client = find_client(w, found.client_id)
        assert client is not None
        return client


def client_secret_on(html: str) -> str:
    found = re.search(r'<code>client_secret</code></dt><dd><div class="copied"><code id="shown-\d">([\w-]+)<', html)
    assert found
    return found[1]


def test_the_form_has_every_member_that_can_be_registered() -> None:
    shown = client_groups.all_names()
    assert sorted(shown) == sorted(field.name for field in fields(ClientMetadata))


def test_a_web_app_is_registered_and_its_secret_is_shown_once(console: Console, work: Work, client: TestClient) -> None:
    assert len(console.open("/clients/new").links) > len(PRESETS)
    console.open("/clients/new?preset=web")
    page = console.browser.submit({"client_name": "Shop", "redirect_uris": f"{URI}\r\n{URI}2\r\n"})
    assert page.heading == "Application registered"
    secret = client_secret_on(page.html)
    shop = registered(work, "sho")
    assert shop.metadata.redirect_uris == (URI, URI + "2")
    answer = client.post(
        "/oauth2/introspect", auth=(shop.client_id, secret), data={"token": "x"}, headers={"accept": "application/json"}
    )
    assert answer.json() == {"active": False}
    again = console.browser.reload()  # sends the form once more
    assert client_secret_on(again.html) == secret
    assert len(events(work, "client.created")) == 1
    page = console.browser.follow("I've saved it")
    assert page.heading == "Shop"
    assert secret not in page.html
    for word in (shop.client_id, "Python, Starlette with Authlib", ISSUER, "client.created"):
        assert word in page.text


@in_one_world(
    ("preset", "typed"),
    [
        ("spa", {"redirect_uris": URI}),
        ("native", {"redirect_uris": "com.example.shop:/callback"}),
        ("service", {"scope": "orders:read"}),
        ("device", {}),
        ("api", {"resource_identifiers": "https://api.example.test"}),
        ("site", {"protected_sites": "https://wiki.example.test", "protected_paths": '{"/health": {"bypass": true}}'}),
    ],
)
def test_each_kind_can_be_registered_and_is_told_how_to_be_used(
    console: Console, work: Work, preset: str, typed: dict[str, str]
) -> None:
    console.open(f"/clients/new?preset={preset}")
    page = console.browser.submit({"client_name": f"The {preset}", **typed})
    assert page.status == 200, page
    made = registered(work, f"the {preset}")
    page = console.open(f"/clients/client?client_id={made.client_id}")
    assert str(PRESETS[preset].name) in page.text
    snippets = re.findall(r"<pre.*?</pre>", page.html, re.DOTALL)
    assert preset == "site" or made.client_id in snippets[-1] or preset == "api"


def test_a_scheme_without_a_dot_is_allowed_in_the_field_beside_it(console: Console, work: Work) -> None:
    """RFC 8252 section 8.4."""
    console.open("/clients/new?preset=native")
    page = console.browser.submit({"client_name": "Cursor", "redirect_uris": "cursor://callback"})
    assert page.status == 400
    assert "private_use_schemes" in page.text
    page = console.browser.submit({"private_use_schemes": "cursor"})
    assert page.status == 200, page
    assert registered(work, "cursor").metadata.redirect_uris == ("cursor://callback",)


def test_what_cannot_be_registered_is_said_at_its_field(console: Console) -> None:
    console.open("/clients/new?preset=web")
    page = console.browser.submit({"client_name": "Shop", "redirect_uris": "http://shop.example.test/#here"})
    assert page.status == 400
    assert 'href="#redirect_uris"' in page.html
    assert page.form("client_name").find("client_name").value == "Shop"  # type: ignore[union-attr]
    page = console.browser.submit({"redirect_uris": URI, "post_logout_redirect_uris": "http://shop.example.test/"})
    assert 'href="#post_logout_redirect_uris"' in page.html


def test_a_short_secret_is_warned_about_until_it_is_gone(console: Console, work: Work) -> None:
    with work() as w:
        metadata = ClientMetadata(client_name="Shop", redirect_uris=(URI,))
        made, _ = clients.create_client(w, metadata, secret="hunter2", allow_short_secret=True)
    here = f"/clients/client?client_id={made.client_id}"
    assert "less than 32 characters" in console.open(here).text
    with work() as w:
        secret_rotation.rotate_secret(w, made.client_id)
        secret_rotation.end_retired_secrets(w, made.client_id)
    assert "less than 32 characters" not in console.open(here).text


def settings_of(client: Client, group: str) -> str:
    return f"/clients/client/settings?{urlencode({'client_id': client.client_id, 'group': group})}"


def test_a_change_of_settings_is_reviewed_and_audited(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop")
    here = settings_of(made, "sign-in")
    console.open(here)
    page = console.browser.submit(
        {"redirect_uris": f"{URI}\n{URI}2", "default_max_age": "600"}, button="Review changes"
    )
    assert page.heading == "Save changes to Shop?"
    assert f"New: {URI} {URI}2" in page.text
    assert "default_max_age Current: – New: 600" in page.text  # noqa: RUF001
    assert registered(work, "shop").metadata == made.metadata
    page = console.browser.submit({"why": "second host"}, button="Save changes")
    assert "Settings saved." in page.text
    changed = registered(work, "shop").metadata
    assert made.metadata.differences(changed) == {
        "redirect_uris": (made.metadata.redirect_uris, (URI, f"{URI}2")),
        "default_max_age": (None, 600),
    }
    told = events(work, "client.updated")[0]
    assert (told["why"], told["operator"]) == ("second host", f"user {console.user_id}")
    console.open(here)
    page = console.browser.submit(button="Review changes")  # nothing changed
    assert page.heading == "Shop"
    assert "Settings saved." not in page.text


def test_each_wrong_line_of_redirect_uris_is_named_with_its_number(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop")
    console.open(settings_of(made, "sign-in"))
    typed = f"{URI}\nhttp://shop.example.test/\n\nshop.example.test/cb"
    page = console.browser.submit({"redirect_uris": typed}, button="Review changes")
    assert page.status == 400
    assert "Line 2: http://shop.example.test/ must be https unless" in page.text
    assert "Line 4: shop.example.test/cb must be an absolute URI. Add the scheme" in page.text
    assert 'href="#redirect_uris"' in page.html
    assert page.form("redirect_uris").find("redirect_uris").value == typed  # type: ignore[union-attr]
    assert registered(work, "shop").metadata == made.metadata


@pytest.mark.parametrize(
    ("metadata", "fit", "do_not_fit"),
    [
        ({}, {"redirect_uris", "default_max_age"}, {"private_use_schemes", "allowed_origins", "verify_uri"}),
        ({"first_party": True}, {"verify_uri", "authorization_challenge"}, {"private_use_schemes"}),
        (
            {"token_endpoint_auth_method": "none", "application_type": "native"},
            {"private_use_schemes", "allowed_origins"},
            {"verify_uri"},
        ),
        ({"allowed_origins": ("https://shop.example.test",)}, {"allowed_origins"}, {"private_use_schemes"}),
    ],
    ids=["web", "first-party", "native", "value in effect"],
)
def test_only_settings_that_fit_the_application_or_are_in_effect_are_shown(
    console: Console, work: Work, metadata: dict[str, Any], fit: set[str], do_not_fit: set[str]
) -> None:
    with work() as w:
        made, _ = make_client(w, **metadata)
    shown = set(re.findall(r' name="([\w.]+)"', console.open(settings_of(made, "sign-in")).html))
    assert fit <= shown
    assert not do_not_fit & shown


def test_a_service_has_no_settings_about_signing_in(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, grant_types=("client_credentials",), response_types=(), redirect_uris=(), scope="x")
    page = console.open(settings_of(made, "basics"))
    assert "Sign-in & redirects" not in page.links
    assert page.form("scope.admin:read").find("scope").value == "x"  # type: ignore[union-attr]
    assert "scope.openid" not in page.html


def test_scopes_and_grant_types_are_ticked_and_their_order_is_no_change(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(
            w,
            client_name="Shop",
            scope="orders:read email openid",
            grant_types=("refresh_token", "authorization_code"),
        )
    console.open(settings_of(made, "tokens"))
    assert console.browser.submit(button="Review changes").heading == "Shop"  # nothing to review
    form = console.browser.open(f"/admin{settings_of(made, 'basics')}").form("version")
    form.fields = [each for each in form.fields if each.name != "scope.email"]  # unticked
    form.fields.append(Field("scope.profile", "on", "hidden"))
    page = console.browser.take(Press(form, form.buttons[0]))
    assert re.findall("<(del|ins)>.*?(email|profile|openid|orders)", page.html) == [
        ("del", "email"),
        ("ins", "profile"),
    ]
    console.browser.submit(button="Save changes")
    changed = registered(work, "shop").metadata
    assert changed.scopes == {"openid", "profile", "orders:read"}
    assert changed.grant_types == made.metadata.grant_types


RICH: dict[str, Any] = {
    "client_name": "Größe <b>",
    "redirect_uris": (URI, "cursor://callback", "http://127.0.0.1/cb"),
    "private_use_schemes": ("cursor",),
    "post_logout_redirect_uris": ("https://shop.example.test/", "cursor://bye"),
    "allowed_origins": ("capacitor://localhost",),
    "backchannel_logout_uri": "https://shop.example.test/out",
    "backchannel_logout_session_required": True,
    "frontchannel_logout_uri": "https://shop.example.test/front",
    "grant_types": ("refresh_token", "authorization_code", "client_credentials", TOKEN_EXCHANGE),
    "response_modes": ("form_post", "fragment"),
    "scope": "orders:read openid offline_access admin:read",
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": Signatory().jwks,
    "token_endpoint_auth_signing_alg": "ES256",
    "id_token_signed_response_alg": "ES256",
    "userinfo_signed_response_alg": "RS256",
    "default_max_age": 0,
    "require_auth_time": True,
    "contacts": ("ada@example.test",),
    "request_uris": ("https://shop.example.test/request",),
    "resource_identifiers": ("https://api.example.test",),
    "exchange_targets": ("https://other.example.test",),
    "first_party": True,
    "verify_uri": "https://shop.example.test/verify",
    "claims_in_id_token": True,
    "require_pkce": False,
    "logo_uri": "https://shop.example.test/logo.png",
}


@in_one_world(
    "metadata",
    [
        {},
        RICH,
        {"token_endpoint_auth_method": "none", "application_type": "native", "scope": ""},
        {"grant_types": ("client_credentials",), "response_types": (), "redirect_uris": (), "scope": "a b"},
        {"grant_types": (), "response_types": (), "redirect_uris": (), "resource_identifiers": ("https://a.test",)},
    ],
)
def test_an_untouched_form_changes_nothing(console: Console, work: Work, metadata: dict[str, Any]) -> None:
    """In no group: what a form shows is what is stored, so saving one member leaves the others as they are."""
    with work() as w:
        made, _ = make_client(w, **metadata)
    for group in client_groups.GROUPS:
        page = console.open(settings_of(made, group))
        assert page.status == 200
        page = console.browser.submit(button="Review changes")
        assert page.path == "/admin/clients/client/settings", (group, page.text)
        assert page.status == 200, (group, page.text)
        assert page.heading == made.name
    page = console.open(f"/clients/client/json?{urlencode({'client_id': made.client_id})}")
    page = console.browser.submit(button="Review changes")
    assert (page.path, page.status, page.heading) == ("/admin/clients/client/json", 200, made.name)


def test_two_operators_can_save_different_groups_but_not_the_same_one(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop")
    one, other, third = (console.browser, console.browser.new_tab(), console.browser.new_tab())
    for tab, group in ((one, "basics"), (other, "basics"), (third, "branding")):
        tab.open(f"/admin{settings_of(made, group)}")
    for tab, typed in (
        (one, {"client_name": "Store"}),
        (other, {"client_name": "Kiosk"}),
        (third, {"client_uri": "https://shop.example.test"}),
    ):
        tab.submit(typed, button="Review changes")
    one.submit(button="Save changes")
    page = other.submit(button="Save changes")
    assert page.status == 412
    assert page.form("client_name").find("client_name").value == "Kiosk", "what was typed"  # type: ignore[union-attr]
    assert "Name Store" in page.text, "what is saved"
    assert third.submit(button="Save changes").status == 200
    saved = registered(work, "store").metadata
    assert saved.client_uri == "https://shop.example.test"


def test_an_error_in_another_group_links_to_it(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, redirect_uris=(URI,), frontchannel_logout_uri=f"{URI}/out")
    console.open(settings_of(made, "sign-in"))
    page = console.browser.submit({"redirect_uris": "https://other.example.test/"}, button="Review changes")
    assert page.status == 400
    assert page.links["Sign-out"].endswith("group=sign-out")


@pytest.mark.parametrize(
    ("group", "name", "typed"),
    [
        ("security", "jwks", "{"),
        ("security", "jwks", "[" * 100_000),
        ("sign-in", "default_max_age", "٣"),
        ("sign-in", "redirect_uris", "javascript:alert(1)"),
        ("tokens", "grant_types.password", "on"),
        ("advanced", "id_token_encrypted_response_alg", "dir"),
        ("security", "token_endpoint_auth_method", "none of these"),
    ],
)
def test_what_is_no_metadata_changes_nothing(console: Console, work: Work, group: str, name: str, typed: str) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop")
    form = console.open(settings_of(made, group)).form("version")
    form.fields = [*(each for each in form.fields if each.name != name), Field(name, typed, "hidden")]
    assert console.browser.take(Press(form, form.buttons[0])).status in {400, 413}
    assert registered(work, "shop").metadata == made.metadata


def test_secrets_change_over_and_an_application_is_shut_out(console: Console, work: Work, client: TestClient) -> None:
    with work() as w:
        made, first = make_client(w, client_name="Shop", grant_types=("client_credentials",), redirect_uris=())
    at = f"client_id={made.client_id}"

    def works(secret: str | None) -> bool:
        answer = client.post(
            "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(made.client_id, secret or "")
        )
        return answer.status_code == 200

    second = client_secret_on(console.act(f"/clients/client/rotate-secret?{at}").html)
    assert works(first)
    assert works(second)
    console.act(f"/clients/client/end-old-secrets?{at}", why="leaked")
    assert not works(first)
    assert works(second)
    assert events(work, "client.secret.ended") == [{"count": 1, "why": "leaked", "operator": f"user {console.user_id}"}]
    page = console.act(f"/clients/client/disable?{at}", why="bug")
    assert "disabled" in page.text
    assert not works(second)
    console.act(f"/clients/client/enable?{at}")
    assert works(second)
    page = console.act(f"/clients/client/delete?{at}")
    assert page.path == "/admin/clients"
    assert console.open(f"/clients/client?{at}").status == 404


def test_a_client_id_of_any_characters_and_a_hostile_name_have_their_page(console: Console, work: Work) -> None:
    """A-95, A-130."""
    name = "<script>alert(1)</script>"
    with work() as w:
        create_client(w, ClientMetadata(client_name=name, redirect_uris=(URI,)), client_id="a/b?c&d=%2F'\"")
    page = console.open("/clients?q=%3Cscript")
    assert name in page.text
    assert "<script>alert" not in page.html
    page = console.browser.follow(name)
    assert page.heading == name
    assert "<script>alert" not in page.html
    page = console.browser.follow("Settings")
    assert page.heading == name
    assert page.path == "/admin/clients/client/settings"
