"""signet apply: clients and roles as one file says, all of it or nothing."""

import json
from pathlib import Path

import pytest

from provider.oauth.clients.clients import find_client, list_clients
from provider.oauth.clients.registration import register
from tests.cli.conftest import Signet
from tests.support.cases import in_one_world
from tests.support.factories import make_user
from tests.support.installation import Work

FILE = """
[clients.shop]
client_name = "Shop"
redirect_uris = ["https://shop.example.com/callback"]

[clients.tv]
client_name = "TV"
token_endpoint_auth_method = "none"
redirect_uris = ["https://tv.example.com/callback"]
allowed_origins = ["Capacitor://localhost/"]

[users."ada@example.test"]
roles = ["staff", "admin"]
"""


@pytest.fixture(autouse=True)
def _ada(work: Work) -> None:
    with work() as w:
        make_user(w, "ada@example.test")


def names(work: Work) -> list[str]:
    with work() as w:
        return [client.client_id for client in list_clients(w)]


def test_it_shows_the_difference_and_changes_nothing_until_told_to(signet: Signet, work: Work) -> None:
    shown = signet("apply", "-", stdin=FILE)
    assert shown.status == 0
    assert [line for line in shown.out.splitlines() if line[0] in "+~-"] == [
        "+ client shop",
        "+ client tv",
        "~ user ada@example.test",
    ]
    assert '    roles  [] -> ["admin", "staff"]' in shown.out
    assert shown.out.endswith("Nothing was changed. To apply these changes, add --yes.\n")
    assert names(work) == []


def test_with_yes_it_makes_it_so_and_a_second_time_nothing_differs(signet: Signet, work: Work) -> None:
    done = signet("apply", "-", "--yes", "--json", stdin=FILE).json
    secrets = {change["about"]: change.get("client_secret") for change in done["changes"]}
    with work() as w:
        shop = find_client(w, "shop")
    assert shop is not None
    assert shop.has_secret(secrets["client shop"])
    assert secrets["client tv"] is None
    assert signet("user", "show", "ada@example.test", "--json").json["roles"] == ["admin", "staff"]
    assert signet("apply", "-", stdin=FILE).out == "No changes. The installation already matches the file.\n"


def test_what_changed_is_updated_and_the_secret_stays(signet: Signet, work: Work) -> None:
    secret = signet("apply", "-", "--yes", "--json", stdin=FILE).json["changes"][0]["client_secret"]
    other = FILE.replace('client_name = "Shop"', 'client_name = "The shop"\ndisabled = true')
    shown = signet("apply", "-", "--yes", stdin=other).out
    assert '    client_name  "Shop" -> "The shop"' in shown
    assert "    disabled  false -> true" in shown
    with work() as w:
        shop = find_client(w, "shop")
    assert shop is not None
    assert (shop.metadata.client_name, shop.disabled, shop.has_secret(secret)) == ("The shop", True, True)
    assert signet("apply", "-", "--yes", stdin=FILE).status == 0
    with work() as w:
        shop = find_client(w, "shop")
    assert shop is not None
    assert not shop.disabled


def test_an_empty_member_is_the_same_as_none(signet: Signet) -> None:
    """RFC 7591 section 2."""
    empty = FILE.replace('client_name = "Shop"', 'client_name = "Shop"\nlogo_uri = ""\njwks = {}\ncontacts = [""]')
    signet("apply", "-", "--yes", stdin=FILE)
    assert signet("apply", "-", stdin=empty).out == "No changes. The installation already matches the file.\n"


def test_a_secret_is_brought_along_and_not_shown(signet: Signet, work: Work, environ: pytest.MonkeyPatch) -> None:
    file = FILE.replace("[clients.tv]", 'secret_env = "SHOP_SECRET"\n[clients.tv]')
    refused = signet("apply", "-", stdin=file)
    assert (refused.status, "SHOP_SECRET" in refused.err) == (1, True)
    environ.setenv("SHOP_SECRET", "s" * 40)
    done = signet("apply", "-", "--yes", stdin=file)
    assert "s" * 40 not in done.out
    with work() as w:
        shop = find_client(w, "shop")
    assert shop is not None
    assert shop.has_secret("s" * 40)


def test_a_short_secret_needs_a_word_in_the_file(signet: Signet, work: Work, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("SHOP_SECRET", "hunter2")
    file = FILE.replace("[clients.tv]", 'secret_env = "SHOP_SECRET"\n[clients.tv]')
    refused = signet("apply", "-", stdin=file)
    assert (refused.status, "allow_short_secret" in refused.err) == (1, True)
    allowed = file.replace("secret_env", "allow_short_secret = true\nsecret_env")
    done = signet("apply", "-", "--yes", stdin=allowed)
    assert done.status == 0
    assert "warning: The secret of shop is shorter" in done.err
    assert "hunter2" not in done.out + done.err
    with work() as w:
        shop = find_client(w, "shop")
    assert shop is not None
    assert shop.keeps_short_secret
    wrong = signet("apply", "-", stdin=file.replace("secret_env", 'allow_short_secret = "yes"\nsecret_env'))
    assert "allow_short_secret must be true or false" in wrong.err


def test_only_with_prune_the_rest_goes_and_never_what_registered_itself(signet: Signet, work: Work) -> None:
    signet("apply", "-", "--yes", stdin=FILE)
    with work() as w:
        shop = find_client(w, "shop")
        assert shop is not None
        itself = register(w, shop.metadata).client.client_id
    less = FILE.replace("clients.tv", "clients.radio")
    assert "- client" not in signet("apply", "-", stdin=less).out
    assert "- client tv" in signet("apply", "-", "--prune", stdin=less).out
    assert "tv" in names(work)
    signet("apply", "-", "--prune", "--yes", stdin=less)
    assert sorted(names(work)) == sorted(["shop", "radio", itself])
    refused = signet("apply", "-", stdin=FILE.replace("clients.tv", f'clients."{itself}"'))
    assert "registered itself" in refused.err


@in_one_world(
    ("change", "said"),
    [
        (("[clients.tv]", "[clients.tv"), "not valid TOML"),
        (("client_name", "client_nmae"), "unknown name client_nmae"),
        (("[clients.tv]", "[client.tv]"), "unknown name client"),
        (("ada@example.test", "bob@example.test"), "no account has this email address"),
        (('"TV"', '"TV"\nresource_identifiers = ["https://id.example.test"]'), "registered for another API"),
        (('roles = ["staff", "admin"]', 'roles = "admin"'), "roles must be a list"),
        (("https://tv.example.com/callback", "javascript:alert(1)"), "client tv: "),
        (('"none"', '"magic"'), "token_endpoint_auth_method must be one of"),
        (("clients.tv", 'clients."0190b6b6-0000-7000-8000-000000000000"'), "must not be a UUID"),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_one_line_and_nothing_is_done(
    signet: Signet, work: Work, change: tuple[str, str], said: str
) -> None:
    """Not even what comes before the mistake."""
    refused = signet("apply", "-", "--yes", stdin=FILE.replace(*change))
    assert refused.status == 1
    assert said in refused.err
    assert refused.err.endswith("Nothing was changed.\n")
    assert names(work) == []
    assert signet("user", "show", "ada@example.test", "--json").json["roles"] == []


@in_one_world("value", ["nan", "inf", "2026-11-28", "2026-11-28T12:00:00Z"])
def test_what_toml_has_and_json_lacks_is_refused_in_one_line(signet: Signet, work: Work, value: str) -> None:
    """RFC 8259 section 6: client metadata is JSON."""
    refused = signet("apply", "-", "--yes", stdin=FILE + f"[clients.shop.jwks]\nkeys = []\nx = {value}\n")
    assert refused.status != 0
    assert "jwks contains a value that JSON does not allow" in refused.err + refused.out
    assert names(work) == []


TYPES = """
[authorization_details_types.files]
label = { en = "Access your files", de = "Auf Ihre Dateien zugreifen" }
json_schema = '{"type": "object", "additionalProperties": false, "properties": {"type": {"const": "files"}}}'

[authorization_details_types.payment.json_schema]
type = "object"
additionalProperties = false
properties = { type = { const = "payment" } }

[authorization_details_types.payment]
label = "Make a payment"
"""


def test_types_of_authorization_details_are_declared_changed_and_pruned(signet: Signet) -> None:
    made = signet("apply", "-", "--yes", stdin=TYPES)
    assert [line for line in made.out.splitlines() if line[0] in "+~-"] == [
        "+ authorization details type files",
        "+ authorization details type payment",
    ]
    assert "No changes" in signet("apply", "-", "--prune", stdin=TYPES).out
    changed = TYPES.replace("Make a payment", "Pay")
    assert "~ authorization details type payment" in signet("apply", "-", "--yes", stdin=changed).out
    fewer = changed[: changed.index("[authorization_details_types.payment.json_schema]")]
    assert "- authorization details type payment" in signet("apply", "-", "--yes", "--prune", stdin=fewer).out
    assert "No changes" in signet("apply", "-", "--prune", stdin="").out
    refused = signet("apply", "-", "--yes", stdin=fewer.replace("additionalProperties", "additional"))
    assert (refused.status, "json_schema" in refused.err) == (1, True)


def test_the_command_declares_a_type_from_a_file(signet: Signet, tmp_path: Path) -> None:
    schema = {"type": "object", "additionalProperties": False, "properties": {"type": {"const": "files"}}}
    file = tmp_path / "files.json"
    file.write_text(json.dumps({"label": "Access your files", "json_schema": schema}))
    assert signet("details-type", "put", "files", str(file), "--json").json["label"] == {"en": "Access your files"}
    shown = signet("details-type", "show", "files", "--json")
    assert signet("details-type", "put", "files", "-", "--json", stdin=shown.out).json == shown.json
    assert [row["type"] for row in signet("details-type", "list", "--json").json] == ["files"]
    wrong = signet("details-type", "put", "files", "-", stdin='{"label": "x", "json_schema": {"type": "array"}}')
    assert (wrong.status, "additionalProperties" in wrong.err) == (1, True)
    assert signet("details-type", "put", "files", "-", stdin="[").status == 2
    assert signet("details-type", "delete", "files", "--yes").status == 0
    assert signet("details-type", "show", "files").status == 1
