"""signet client: the contract that scripts rely on."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provider.crypto.digests import digest
from provider.oauth.clients.clients import find_client
from provider.oauth.clients.store import initial_access_tokens
from tests.cli.conftest import Signet
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory, usual_key
from tests.support.foreign_server import ForeignServer
from tests.support.installation import Work

URI = "https://shop.example/cb"
SHOP = ("client", "create", "--name", "Shop", "--redirect-uri", URI)


def test_the_id_and_once_the_secret_are_printed(signet: Signet, work: Work) -> None:
    made = signet(
        *SHOP, "--redirect-uri", f"{URI}2", "--post-logout-redirect-uri", "https://shop.example/bye", "--json"
    ).json
    assert made["redirect_uris"] == [URI, f"{URI}2"]
    with work() as w:
        client = find_client(w, made["client_id"])
    assert client is not None
    assert client.has_secret(made["client_secret"])
    assert "client_secret" not in signet("client", "show", made["client_id"], "--json").json
    assert made["client_secret"] not in signet("client", "list").out


def test_the_url_for_logout_notifications_is_registered_and_changed(signet: Signet) -> None:
    """OIDC Back-Channel Logout 1.0 section 2.2."""
    made = signet(*SHOP, "--backchannel-logout-uri", "https://shop.example/logout", "--json").json
    assert made["backchannel_logout_uri"] == "https://shop.example/logout"
    signet("client", "update", made["client_id"], "--backchannel-logout-uri", "https://shop.example/out")
    shown = signet("client", "show", made["client_id"], "--json").json
    assert shown["backchannel_logout_uri"] == "https://shop.example/out"


def test_origins_of_a_web_view_are_registered_in_their_normal_form(signet: Signet) -> None:
    """RFC 6454 section 6.2: as a browser sends them."""
    origins = ("--allowed-origin", "capacitor://localhost", "--allowed-origin", "https://WWW.shop.example:443/")
    made = signet(*SHOP, *origins, "--public", "--json").json
    assert made["allowed_origins"] == ["capacitor://localhost", "https://www.shop.example"]
    changed = signet("client", "update", made["client_id"], "--allowed-origin", "Tauri://localhost", "--json").json
    assert changed["allowed_origins"] == ["tauri://localhost"]
    refused = signet(*SHOP, "--allowed-origin", "*")
    assert (refused.status, "allowed_origins: '*' must not have a wildcard" in refused.err) == (1, True)


def test_pages_for_links_in_emails_are_registered_for_first_party_apps(signet: Signet) -> None:
    app_only = signet(*SHOP, "--first-party", "--reset-uri", "com.example.shop:/reset")
    assert (app_only.status, "reset_uri: 'com.example.shop:/reset' must be an https URL" in app_only.err) == (1, True)
    pages = ("--verify-uri", "https://shop.example/verify", "--reset-uri", "https://shop.example/new")
    refused = signet(*SHOP, *pages)
    assert (refused.status, "verify_uri requires first_party" in refused.err) == (1, True)
    made = signet(*SHOP, "--first-party", *pages, "--json").json
    assert (made["verify_uri"], made["reset_uri"]) == ("https://shop.example/verify", "https://shop.example/new")
    changed = signet("client", "update", made["client_id"], "--reset-uri", "https://shop.example/reset", "--json").json
    assert (changed["verify_uri"], changed["reset_uri"]) == (made["verify_uri"], "https://shop.example/reset")


def test_people_see_the_same_two_lines(signet: Signet) -> None:
    lines = signet(*SHOP).out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["client_id", "client_secret"]


def test_a_public_client_has_no_secret(signet: Signet) -> None:
    made = signet(*SHOP, "--public", "--json").json
    assert made["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in made


def test_metadata_comes_from_a_file_or_stdin_and_options_win(signet: Signet, tmp_path: Path) -> None:
    """RFC 7591 section 2."""
    metadata = {"client_name": "From a file", "redirect_uris": [URI], "require_pkce": False, "unknown": {}}
    path = tmp_path / "client.json"
    path.write_text(json.dumps(metadata))
    made = signet("client", "create", "--metadata", str(path), "--name", "Mine", "--json").json
    assert (made["client_name"], made["require_pkce"], made["redirect_uris"]) == ("Mine", False, [URI])
    piped = signet("client", "create", "--metadata", "-", "--json", stdin=json.dumps(metadata)).json
    assert piped["client_name"] == "From a file"


def test_id_and_secret_may_be_brought_along(signet: Signet, work: Work) -> None:
    secret = "a secret from the provider before this one"
    brought = signet(*SHOP, "--client-id", "shop", "--client-secret-stdin", "--json", stdin=f"{secret}\n").json
    assert (brought["client_id"], brought["client_secret"]) == ("shop", secret)
    again = signet(*SHOP, "--client-id", "shop")
    assert (again.status, again.err.count("\n")) == (1, 1)


def test_a_short_secret_needs_a_word_and_gets_a_warning(signet: Signet) -> None:
    bring = (*SHOP, "--client-id", "shop", "--client-secret-stdin", "--json")
    refused = signet(*bring, stdin="hunter2\n")
    assert (refused.status, "--allow-short-secret" in refused.err) == (1, True)
    made = signet(*bring, "--allow-short-secret", stdin="hunter2\n")
    assert (made.status, made.json["client_secret"]) == (0, "hunter2")
    for ran in (made, signet("client", "show", "shop", "--json")):
        assert "warning: The secret of shop is shorter than 32 characters" in ran.err
        assert "signet client rotate-secret shop" in ran.err
        assert "hunter2" not in ran.err
    assert signet(*SHOP, "--json").err == ""


def test_updating_changes_what_is_given_and_nothing_else(signet: Signet) -> None:
    made = signet(*SHOP, "--grant", "authorization_code", "--grant", "refresh_token", "--json").json
    updated = signet("client", "update", made["client_id"], "--name", "New shop", "--json").json
    assert updated["client_name"] == "New shop"
    assert updated["grant_types"] == ["authorization_code", "refresh_token"]
    assert updated["redirect_uris"] == [URI]


def test_a_scheme_without_a_dot_is_allowed_by_name(signet: Signet) -> None:
    """RFC 8252 section 8.4."""
    refused = signet("client", "create", "--name", "Cursor", "--public", "--redirect-uri", "cursor://callback")
    assert (refused.status, "'cursor://callback'" in refused.err, "allow" in refused.err) == (1, True, True)
    made = signet(*SHOP, "--public", "--json").json
    given = ("--allow-scheme", "cursor", "--redirect-uri", "cursor://callback")
    updated = signet("client", "update", made["client_id"], *given, "--json").json
    assert (updated["private_use_schemes"], updated["redirect_uris"]) == (["cursor"], ["cursor://callback"])


def test_a_rotated_secret_works_beside_the_one_before(signet: Signet, work: Work) -> None:
    made = signet(*SHOP, "--json").json
    rotated = signet("client", "rotate-secret", made["client_id"], "--json").json
    with work() as w:
        client = find_client(w, made["client_id"])
    assert client is not None
    assert client.has_secret(made["client_secret"])
    assert client.has_secret(rotated["client_secret"])


def test_pkce_and_first_party_are_turned_off_and_on_again(signet: Signet) -> None:
    made = signet(*SHOP, "--no-pkce", "--first-party", "--json").json
    assert (made["require_pkce"], made["first_party"], made["token_endpoint_auth_method"]) == (False, True, None)
    kept = signet("client", "update", made["client_id"], "--name", "New shop", "--json").json
    assert (kept["require_pkce"], kept["first_party"]) == (False, True)
    changed = signet("client", "update", made["client_id"], "--pkce", "--no-first-party", "--json").json
    assert (changed["require_pkce"], changed["first_party"]) == (True, False)
    refused = signet(*SHOP, "--public", "--no-pkce")
    assert (refused.status, "PKCE" in refused.err) == (1, True)


@in_one_world(
    ("member", "hint"),
    [
        ("redirect_urls", "Did you mean redirect_uris?"),
        ("client_id", "Use --client-id instead."),
        ("client_secret", "Use --client-secret-stdin instead."),
        ("software_id", ""),
    ],
)
def test_an_unknown_member_of_a_file_is_named_and_ignored(signet: Signet, member: str, hint: str) -> None:
    """RFC 7591 section 2."""
    metadata = json.dumps({"client_name": "Shop", "redirect_uris": [URI], member: "x"})
    made = signet("client", "create", "--metadata", "-", "--json", stdin=metadata)
    assert (made.status, made.json["client_name"]) == (0, "Shop")
    assert made.err == f"signet: warning: Unknown metadata {member} was ignored. {hint}".strip() + "\n"
    updated = signet("client", "update", made.json["client_id"], "--metadata", "-", stdin=json.dumps({member: "x"}))
    assert f"Unknown metadata {member} was ignored." in updated.err


def test_disabling_enabling_and_deleting(signet: Signet) -> None:
    client_id = signet(*SHOP, "--json").json["client_id"]
    assert signet("client", "disable", client_id, "--json").json["disabled"] is True
    assert signet("client", "show", client_id, "--json").json["disabled"] is True
    assert signet("client", "enable", client_id, "--json").json["disabled"] is False
    assert signet("client", "delete", client_id, "--json").json["deleted"] is True
    assert signet("client", "show", client_id).status == 1


@pytest.mark.parametrize(
    ("arguments", "status", "because"),
    [
        (("--name", "Shop", "--grant", "authorization_code"), 2, "--redirect-uri"),
        (("--name", "Shop", "--redirect-uri", "http://shop.example/cb"), 1, "shop.example"),
        (("--name", "Shop", "--redirect-uri", URI, "--grant", "password"), 1, "grant_types"),
        (("--metadata", "-"), 2, "not valid JSON"),
        (("--metadata", "nowhere.json"), 1, "nowhere.json"),
        (("--metadata", "-", "--client-secret-stdin"), 2, "stdin"),
    ],
)
def test_what_may_not_be_registered_is_said_in_one_line(
    signet: Signet, arguments: tuple[str, ...], status: int, because: str
) -> None:
    ran = signet("client", "create", *arguments)
    assert (ran.status, ran.out, ran.err.count("\n")) == (status, "", 1)
    assert because in ran.err


def test_a_client_may_bring_keys_instead_of_a_secret(signet: Signet, tmp_path: Path) -> None:
    """RFC 7591 section 2, private_key_jwt; then it publishes them instead, and back."""
    path, jwks = tmp_path / "jwks.json", Signatory().jwks
    path.write_text(json.dumps(jwks))
    made = signet(*SHOP, "--auth-method", "private_key_jwt", "--jwks", str(path), "--json").json
    assert "client_secret" not in made
    assert made["jwks"] == jwks
    uri = "https://shop.example/jwks.json"
    published = signet("client", "update", made["client_id"], "--jwks-uri", uri, "--json").json
    assert (published.get("jwks"), published["jwks_uri"]) == (None, uri)
    again = signet("client", "update", made["client_id"], "--jwks", str(path), "--json").json
    assert (again["jwks"], again.get("jwks_uri")) == (jwks, None)


def test_an_empty_member_of_a_file_takes_it_away(signet: Signet) -> None:
    """RFC 7591 section 2: "" and null are no value, and keys that are not given end none."""
    metadata = {
        "client_name": "Shop",
        "redirect_uris": [URI, ""],
        "logo_uri": "",
        "jwks": {"keys": []},
        "contacts": [""],
    }
    given = {**metadata, "jwks_uri": "https://shop.example/jwks.json", "policy_uri": "https://shop.example/privacy"}
    made = signet("client", "create", "--metadata", "-", "--json", stdin=json.dumps(given)).json
    assert (made["redirect_uris"], "logo_uri" in made, made["contacts"]) == ([URI], False, [])
    changes = json.dumps({"policy_uri": "", "jwks": {}})
    updated = signet("client", "update", made["client_id"], "--metadata", "-", "--json", stdin=changes).json
    assert ("policy_uri" in updated, updated["jwks_uri"]) == (False, given["jwks_uri"])


def test_a_private_key_is_not_taken(signet: Signet, tmp_path: Path) -> None:
    """A-101: and not repeated either."""
    path, private = tmp_path / "jwks.json", usual_key().as_dict(private=True)
    path.write_text(json.dumps({"keys": [private]}))
    refused = signet(*SHOP, "--auth-method", "private_key_jwt", "--jwks", str(path))
    assert refused.status == 1
    assert "private" in refused.err
    assert str(private["d"]) not in refused.err + refused.out


def test_a_registration_token_is_shown_once_and_says_how_long_it_is_good(signet: Signet, work: Work) -> None:
    """RFC 7591 section 1.2."""
    made = signet("client", "registration-token", "--uses", "3", "--expires", "2h", "--json").json
    with work() as w:
        assert initial_access_tokens.is_valid(w.read, digest(made["initial_access_token"]), now=w.now)
    assert made["uses"] == 3
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=115) < left <= timedelta(hours=2)
    assert signet("client", "registration-token").out.startswith("initial_access_token  ")
    for wrong in (("--uses", "0"), ("--expires", "soon"), ("--expires", "0")):
        assert signet("client", "registration-token", *wrong).status == 2


def test_an_operators_sector_is_looked_at_too(signet: Signet, foreign_server: ForeignServer) -> None:
    """OIDC Registration section 5: and what went wrong is said; here nothing may be asked at a private address."""
    metadata = {"redirect_uris": [URI], "sector_identifier_uri": foreign_server.url("/uris")}
    refused = signet("client", "create", "--metadata", "-", stdin=json.dumps(metadata))
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "sector_identifier_uri cannot be read" in refused.err
    assert foreign_server.connections == 0


def test_metadata_holds_only_what_json_can_hold(signet: Signet, tmp_path: Path) -> None:
    """RFC 8259 section 6; a file that Windows wrote begins with a byte order mark."""
    for number in ("NaN", "1e999", "-Infinity"):
        text = f'{{"redirect_uris": ["{URI}"], "jwks": {{"keys": [], "x": {number}}}}}'
        refused = signet("client", "create", "--metadata", "-", stdin=text)
        assert (refused.status, "not valid JSON" in refused.err) == (2, True)
    path = tmp_path / "client.json"
    path.write_text(f'{{"redirect_uris": ["{URI}"], "default_max_age": 600.0}}', encoding="utf-8-sig")
    made = signet("client", "create", "--metadata", str(path), "--json").json
    assert signet("client", "show", made["client_id"], "--json").json["default_max_age"] == 600


def test_the_command_line_and_a_file_describe_scopes(signet: Signet) -> None:
    made = signet(
        "client", "create", "--name", "Orders", "--type", "api", "--resource", "https://orders.example.test/", "--json",
        "--scope-description", "orders:read View your orders",
        "--scope-description", "orders:read#de Ihre Bestellungen ansehen",
    )  # fmt: skip
    assert json.loads(made.out)["scope_descriptions"] == {
        "orders:read": {"en": "View your orders", "de": "Ihre Bestellungen ansehen"}
    }
    refused = signet("client", "update", json.loads(made.out)["client_id"], "--scope-description", "orders:read")
    assert (refused.status, "has no text" in refused.err) == (2, True)
    file = """
        [clients.books]
        client_name = "Books"
        resource_identifiers = ["https://books.example.test/"]
        grant_types = []
        response_types = []
        [clients.books.scope_descriptions]
        "books:read" = "View your books"
        "books:write" = { en = "Change your books", de = "Ihre Bücher ändern" }
    """
    assert signet("apply", "-", "--yes", stdin=file).status == 0
    assert "No changes" in signet("apply", "-", stdin=file).out
