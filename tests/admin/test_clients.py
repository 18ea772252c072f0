"""The console: applications, registered by kind, shown with how to use them, edited, given new secrets, shut out."""

import re
from dataclasses import fields

import pytest
from starlette.testclient import TestClient

from provider.admin import client_form
from provider.admin.presets import PRESETS
from provider.oauth.clients import clients
from provider.oauth.clients.client_search import find_page
from provider.oauth.clients.clients import Client, create_client, find_client
from provider.oauth.clients.metadata import ClientMetadata
from tests.admin.conftest import Console, events
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
    found = re.search(r'<code>client_secret</code></dt><dd><code id="shown-\d">([\w-]+)<', html)
    assert found
    return found[1]


def test_the_form_has_every_member_that_can_be_registered() -> None:
    shown = [name for _, names in client_form.GROUPS for name in names]
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


@pytest.mark.parametrize(
    ("preset", "typed"),
    [
        ("spa", {"redirect_uris": URI}),
        ("native", {"redirect_uris": "com.example.shop:/callback"}),
        ("service", {"scope": "orders:read"}),
        ("device", {}),
        ("api", {"resource_identifiers": "https://api.example.test"}),
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
    assert made.client_id in re.findall(r"<pre.*?</pre>", page.html, re.DOTALL)[-1] or preset == "api"


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
        clients.rotate_secret(w, made.client_id)
        clients.end_retired_secrets(w, made.client_id)
    assert "less than 32 characters" not in console.open(here).text


def test_an_edit_is_shown_before_it_is_made_and_audited_with_both(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop")
    here = f"/clients/edit?client_id={made.client_id}"
    console.open(here)
    page = console.browser.submit({"client_name": "Store", "default_max_age": "600"}, button="Review changes")
    assert page.heading == "Save changes to Shop?"
    assert "Name client_name Current: Shop New: Store" in page.text
    assert "default_max_age Current: – New: 600" in page.text  # noqa: RUF001
    assert registered(work, "shop").name == "Shop"
    page = console.browser.submit({"why": "new name"}, button="Save changes")
    assert "Application updated." in page.text
    changed = registered(work, "store").metadata
    assert made.metadata.differences(changed) == {"client_name": ("Shop", "Store"), "default_max_age": (None, 600)}
    told = events(work, "client.updated")[0]
    assert (told["why"], told["operator"]) == ("new name", f"user {console.user_id}")
    console.open(here)
    assert console.browser.submit(button="Review changes").path == "/admin/clients/client"  # nothing changed


def test_an_edit_that_another_overtook_is_refused(console: Console, work: Work) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop")
    here = f"/clients/edit?client_id={made.client_id}"
    tab = console.browser.new_tab()
    tab.open(f"/admin{here}")
    tab.submit({"scope": "openid"}, button="Review changes")
    console.open(here)
    console.browser.submit({"client_name": "Store"}, button="Review changes")
    console.browser.submit(button="Save changes")
    page = tab.submit(button="Save changes")
    assert page.status == 412
    assert page.form("client_name").find("client_name").value == "Store"  # type: ignore[union-attr]
    assert registered(work, "store").metadata.scope == made.metadata.scope


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("jwks", "{"),
        ("jwks", "[" * 100_000),
        ("default_max_age", "٣"),
        ("redirect_uris", "javascript:alert(1)"),
        ("grant_types", "password"),
        ("id_token_encrypted_response_alg", "dir"),
    ],
)
def test_what_is_no_metadata_changes_nothing(console: Console, work: Work, name: str, typed: str) -> None:
    with work() as w:
        made, _ = make_client(w, client_name="Shop")
    console.open(f"/clients/edit?client_id={made.client_id}")
    page = console.browser.submit({name: typed}, button="Review changes")
    assert page.status in {400, 413}
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
    assert console.browser.follow("Edit").heading == f"Edit {name}"
