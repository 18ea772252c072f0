"""signet import --from: users of another system, with everything that they bring along."""

import base64
import csv
import json
from pathlib import Path
from typing import Any, cast

import cbor2
import pytest
from starlette.testclient import TestClient

from provider.accounts.factors.store import passkeys, two_factor_choices
from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.importing.new_users import create_users
from provider.accounts.store import groups as group_store
from provider.accounts.store import linked_identities, users
from provider.accounts.store.users import Status
from provider.oauth.clients.clients import find_client
from provider.operators.imports import rows
from tests.cli.conftest import Signet
from tests.support.authenticator import (
    ES256,
    PRESENT,
    VERIFIED,
    Authenticator,
    Credential,
    cose_key,
    new_key,
)
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.exports import (
    ADA,
    CREDENTIAL_ID,
    GRACE,
    TOTP_SECRET,
    keycloak_client,
    keycloak_otp,
    keycloak_passkey,
    keycloak_password,
    keycloak_realm,
    keycloak_user,
)
from tests.support.installation import ISSUER, Work
from tests.support.people import code_of, find_user, is_signed_in, sign_in

UPSTREAMS = """
[company]
name = "Company"
issuer = "https://company.example.test"
client_id = "signet"
client_secret = "a secret of the company that is long enough"
"""


@pytest.fixture
def realm(tmp_path: Path) -> Path:
    return tmp_path / "realm.json"


def rows_of(report: Path) -> list[dict[str, str]]:
    with report.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.both_databases
def test_a_realm_moves_in_and_its_users_sign_in_with_their_passwords(
    signet: Signet, browser: Browser, client: TestClient, work: Work, realm: Path, tmp_path: Path
) -> None:
    """With `sub`, password, roles, clients and their secrets; a dry run says the same and changes nothing."""
    grace = keycloak_user(
        id=GRACE,
        username="grace",
        email="grace@example.test",
        credentials=[keycloak_password("pbkdf2-sha512", iterations=1000)],
        groups=["/staff/night"],
        attributes={"locale": ["fr"], "department": ["night"]},
        requiredActions=["UPDATE_PASSWORD"],
    )
    service = keycloak_user(id=ISSUER, username="service-account-shop", serviceAccountClientId="shop", email=None)
    realm.write_text(keycloak_realm([keycloak_user(), grace, service], [keycloak_client()]))
    dry = signet("import", "--from", "keycloak", str(realm), "--dry-run", "--report", str(tmp_path / "dry.csv"))
    assert dry.status == 0, dry.err
    with work() as w:
        assert users.find(w.read, ADA) is None
        assert find_client(w, "shop") is None
    done = signet("import", "--from", "keycloak", str(realm), "--report", str(tmp_path / "done.csv"), "--json")
    assert done.json["users"] == {"created": 2, "updated": 0, "skipped": 0, "failed": 0}
    assert done.json["clients"] == {"created": 1}
    first, second, shop = rows_of(tmp_path / "done.csv")
    assert [first, second, shop] == rows_of(tmp_path / "dry.csv")
    assert (first["source_id"], first["name"], first["outcome"], first["notes"]) == (
        ADA, "ada@example.test", "created", "",
    )  # fmt: skip
    for words in ("Attributes are skipped: department.", "UPDATE_PASSWORD"):
        assert words in second["notes"]
    assert (shop["kind"], shop["name"]) == ("client", "shop")
    with work() as w:
        ada, moved = users.find(w.read, ADA), find_client(w, "shop")
        (grace_id,) = group_store.find_members(w.read, "staff.night", limit=2)
    assert grace_id == second["id"]
    assert ada is not None
    assert ada.roles == ["staff", "shop:editor"]
    assert ada.claims["preferred_username"] == "ada"
    assert moved is not None
    assert moved.metadata.redirect_uris == ("https://shop.example.test/callback",)
    assert moved.metadata.post_logout_redirect_uris == moved.metadata.redirect_uris
    token = client.post(
        "/oauth2/token",
        data={"grant_type": "authorization_code", "code": "none"},
        auth=("shop", "WYPBgrTEEGZNH6wZsP2zyK14LZHJi77K"),
    )
    assert token.json()["error"] == "invalid_grant"  # and not invalid_client
    for address in ("ada@example.test", "grace@example.test"):
        assert sign_in(browser, address, password="wrong").status == 400
        assert sign_in(browser, address).path == "/account"


def test_an_import_that_was_stopped_is_run_again(
    signet: Signet, work: Work, realm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-297: the users of the transaction that was interrupted are not there; the next run adds them."""
    monkeypatch.setattr(rows, "AT_ONCE", 2)
    everyone = [
        keycloak_user(id=f"6f3b2c1d-8e4a-4c57-9d21-{number:012x}", email=f"u{number}@example.test", credentials=[])
        for number in range(5)
    ]
    realm.write_text(keycloak_realm(everyone))
    real, calls = create_users, []

    def die(*given: Any) -> Any:
        calls.append(given)
        notes = real(*given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return notes

    monkeypatch.setattr(rows, "create_users", die)
    assert signet("import", "--from", "keycloak", str(realm)).status == 130
    with work() as w:
        assert len(users.find_page(w.read)) == 2
    monkeypatch.setattr(rows, "create_users", real)
    again = signet("import", "--from", "keycloak", str(realm), "--json").json
    assert again["users"] == {"created": 3, "updated": 0, "skipped": 2, "failed": 0}


def test_second_factors_and_identities_move_in(
    signet: Signet, browser: Browser, work: Work, realm: Path, tmp_path: Path, clock: Clock, environ: pytest.MonkeyPatch
) -> None:
    """RFC 6238; WebAuthn Level 3. The password alone signs no one in who had a second factor."""
    upstreams = tmp_path / "upstreams.toml"
    upstreams.write_text(UPSTREAMS)
    upstreams.chmod(0o600)
    environ.setenv("SIGNET_UPSTREAMS", str(upstreams))
    ada = keycloak_user(
        credentials=[keycloak_password(), keycloak_otp(), keycloak_otp(digits=8), keycloak_otp(subType="hotp")],
        federatedIdentities=[
            {"identityProvider": "corp", "userId": "248289761001", "userName": "ada"},
            {"identityProvider": "github", "userId": "7", "userName": "ada"},
        ],
    )
    realm.write_text(keycloak_realm([ada]))
    report = tmp_path / "report.csv"
    command = ["import", "--from", "keycloak", str(realm), "--report", str(report), "--upstream", "corp=company"]
    done = signet(*command, "--trust-emails")
    assert done.status == 0, done.err
    notes = rows_of(report)[0]["notes"]
    assert "An authenticator app is skipped: its codes don't have 6 digits" in notes
    assert "A credential is skipped: otp." in notes
    assert "The identity at github is skipped: no --upstream github=KEY." in notes
    with work() as w:
        [identity] = linked_identities.find_of_user(w.read, ADA)
        assert (identity.issuer, identity.subject) == ("https://company.example.test", "248289761001")
    assert sign_in(browser).path == "/login/second-factor"
    key = base64.b32encode(TOTP_SECRET.encode()).decode()
    assert browser.submit({"code": code_of(key, clock())}).status == 400  # it may have been used there
    clock.advance(minutes=2)  # the command has the clock of this machine, which a busy one leaves behind
    assert browser.submit({"code": code_of(key, clock())}).path == "/account"


@pytest.mark.parametrize("kind", ["webauthn", "webauthn-passwordless"])
def test_a_passkey_moves_with_its_domain(
    signet: Signet, browser: Browser, work: Work, realm: Path, tmp_path: Path, kind: str
) -> None:
    """WebAuthn Level 3 section 7.2: Keycloak does not say whether it is synced, so the first use finds out. A security
    key that was asked for after the password still is.
    """
    phone = Authenticator()
    phone.credentials.append(Credential(CREDENTIAL_ID, new_key(ES256), "id.example.test", ADA.encode()))
    held = keycloak_passkey(cbor2.dumps(cose_key(phone.credentials[0].key)), kind)
    realm.write_text(keycloak_realm([keycloak_user(credentials=[keycloak_password(), held])]))
    report = tmp_path / "report.csv"
    assert signet("import", "--from", "keycloak", str(realm), "--dry-run", "--report", str(report)).status == 0
    assert "A passkey is skipped" in rows_of(report)[0]["notes"]  # nothing says where it was created
    done = signet("import", "--from", "keycloak", str(realm), "--passkey-domain", "id.example.test")
    assert done.status == 0, done.err
    with work() as w:
        [before] = passkeys.find_of_user(w.read, ADA)
        assert (before.name, before.is_eligibility_unknown) == ("Laptop", True)
        assert (two_factor_choices.find_time(w.read, ADA) is not None) == (kind == "webauthn")
    browser.open("/login")
    options = browser.client.get("/login/passkey").json()
    browser.submit({"credential": phone.get(options)}, action="/login/passkey")
    assert is_signed_in(browser)
    with work() as w:
        [after] = passkeys.find_of_user(w.read, ADA)
    assert (after.is_synced, after.is_eligibility_unknown) == (True, None)
    browser.open("/login?prompt=login")
    phone.flags = PRESENT | VERIFIED  # from now on the eligibility does not change
    options = browser.client.get("/login/passkey").json()
    assert browser.submit({"credential": phone.get(options)}).status == 400


def test_what_gives_permissions_in_signet_is_not_imported_by_its_name(signet: Signet, work: Work, realm: Path) -> None:
    """N-298: an admin of Keycloak becomes no operator of Signet, unless --operator-roles says so."""
    realm.write_text(keycloak_realm([keycloak_user(realmRoles=["admin", "two words", "staff"])]))
    assert signet("import", "--from", "keycloak", str(realm)).status == 0
    assert find_user(work).roles == ["staff", "shop:editor"]
    signet("import", "--from", "keycloak", str(realm), "--operator-roles", "--update")
    assert "admin" in find_user(work).roles


def test_a_group_that_gives_permissions_is_not_joined(signet: Signet, work: Work, realm: Path, tmp_path: Path) -> None:
    """A group of Keycloak can have the name of one of Signet's operators. A name with a space is no group, either."""
    with work() as w:
        create_group(w, "operators", GroupSettings(roles=("admin",)))
    realm.write_text(keycloak_realm([keycloak_user(groups=["/operators", "/night shift", "/staff"])]))
    reports = []
    for options in (["--dry-run"], []):
        report = tmp_path / f"{len(options)}.csv"
        assert signet("import", "--from", "keycloak", str(realm), *options, "--report", str(report)).status == 0
        reports.append(rows_of(report))
    assert reports[0] == reports[1]
    assert reports[0][0]["notes"].count("is skipped") == 2
    with work() as w:
        assert group_store.find_of_user(w.read, ADA) == ["staff"]


def test_a_disabled_user_stays_out_and_an_unverified_address_is_confirmed_first(
    signet: Signet, browser: Browser, work: Work, realm: Path
) -> None:
    """N-299."""
    grace = keycloak_user(id=GRACE, email="grace@example.test", emailVerified=False)
    realm.write_text(keycloak_realm([keycloak_user(enabled=False), grace]))
    assert signet("import", "--from", "keycloak", str(realm)).status == 0
    assert find_user(work).status == Status.SUSPENDED
    assert "suspended" in sign_in(browser).text
    page = sign_in(browser, "grace@example.test")
    assert page.path != "/account"
    assert "Confirm" in page.text or "code" in page.text


def test_rows_that_can_not_be_moved_say_why_and_the_others_move(
    signet: Signet, work: Work, realm: Path, tmp_path: Path
) -> None:
    """N-300: costs out of all bounds, malformed hashes, missing addresses, and what is no user."""
    costly = keycloak_user(id=GRACE, email="a@example.test", credentials=[keycloak_password(memory=4_194_304)])
    broken = keycloak_user(id="x", email="b@example.test")
    broken["credentials"][0]["secretData"] = '{"value": "c2hvcnQ=", "salt": "c2FsdA=="}'
    nameless = keycloak_user(id="y", email=None)
    realm.write_text(keycloak_realm([keycloak_user(), costly, broken, nameless, cast("Any", ["not", "a", "user"])]))
    report = tmp_path / "report.csv"
    done = signet("import", "--from", "keycloak", str(realm), "--report", str(report), "--json")
    assert done.status == 1
    assert json.loads(done.out)["users"]["failed"] == 4
    reasons = [row["reason"] for row in rows_of(report) if row["kind"] == "user"]
    assert reasons[0] == ""
    for reason, words in zip(
        reasons[1:], ("too long to check", "malformed", "Enter an email address", "not in the format"), strict=True
    ):
        assert words in reason
    assert "c2hvcnQ" not in report.read_text()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not a JSON object or array"),
        ('{"users": [', "not valid JSON near line 1"),
        ('{"users": [{"id": "x"', "not valid JSON near line 1"),
        ("\ufeff[1, 2", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_a_file_that_is_incomplete_or_no_export_is_refused(
    signet: Signet, realm: Path, content: str, words: str
) -> None:
    """N-302."""
    realm.write_text(content)
    failed = signet("import", "--from", "keycloak", str(realm))
    assert failed.status == 1
    assert words in failed.err


def test_options_of_another_import_are_refused(signet: Signet, realm: Path) -> None:
    realm.write_text("{}")
    assert signet("import", str(realm), "--dry-run").status == 2
    assert "no such" not in signet("import", "--from", "keycloak", str(realm), "--upstream", "x=y").err
    assert signet("import", "--from", "keycloak", str(realm), "--upstream", "x=y").status == 1
    assert signet("import", "--from", "keycloak", "-").status == 1
