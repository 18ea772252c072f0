"""signet import --from keycloak: what a realm says about roles, groups and attributes. `keycloak-26.7.3.json` is what
`kc.sh export` of that version wrote, without the members of the realm that are of no use here.
"""

import base64
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from provider.accounts.groups.members import MOST_GROUPS
from provider.accounts.store import groups as group_store
from provider.accounts.store import users
from tests.cli.conftest import Signet
from tests.cli.test_moving_in import rows_of
from tests.support.attributes import declare, values_of
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.exports import ADA, GRACE, TOTP_SECRET, keycloak_realm, keycloak_user
from tests.support.installation import Work
from tests.support.people import code_of, find_user, sign_in

REAL = Path(__file__).with_name("keycloak-26.7.3.json")
MOVED_ADA = "4d430792-8ab0-451d-b86a-3fa00f081be2"


@pytest.fixture
def realm(tmp_path: Path) -> Path:
    return tmp_path / "realm.json"


@pytest.mark.both_databases
def test_the_users_and_clients_of_a_real_realm_move_in(
    signet: Signet, browser: Browser, client: TestClient, work: Work, tmp_path: Path, clock: Clock
) -> None:
    """With Argon2 hashes, an authenticator app, composite roles, roles of groups, and the secret of a client."""
    declare(work, "customer_number")
    declare(work, "departments", "list")
    report = tmp_path / "report.csv"
    done = signet("import", "--from", "keycloak", str(REAL), "--report", str(report))
    assert "Users: 6 created, 0 updated, 0 skipped, 1 failed. Clients: 2 created, 1 failed." in done.out
    rows = {row["name"]: row for row in rows_of(report)}
    assert "email address" in rows[""]["reason"]
    assert "Attributes are skipped: newsletter." in rows["ada@example.test"]["notes"]
    assert "UPDATE_PASSWORD" in rows["joan@example.test"]["notes"]
    assert "wildcards" in rows["stock"]["notes"]
    with work() as w:
        ada, hedy = users.find(w.read, MOVED_ADA), find_user(work, "hedy@example.test")
        assert group_store.find_of_user(w.read, MOVED_ADA) == ["sales.emea"]
        assert group_store.find_roles(w.read, ["sales.emea"]) == ["editor"]
    assert ada is not None
    assert ada.roles == ["manager", "staff", "editor", "till:head-cashier", "till:cashier"]
    assert hedy.status == users.Status.SUSPENDED
    assert values_of(work, MOVED_ADA) == {"customer_number": "4711", "departments": ["a", "b"]}
    token = client.post(
        "/oauth2/token",
        data={"grant_type": "authorization_code", "code": "none"},
        auth=("till", "WYPBgrTEEGZNH6wZsP2zyK14LZHJi77K"),
    )
    assert token.json()["error"] == "invalid_grant"  # and not invalid_client
    assert sign_in(browser, "ada@example.test", password="wrong").status == 400
    assert sign_in(browser, "ada@example.test").path == "/account"
    clock.advance(minutes=5)  # codes from before the import may have been used at Keycloak
    assert sign_in(browser, "barbara@example.test").path == "/login/second-factor"
    key = base64.b32encode(TOTP_SECRET.encode()).decode()
    assert browser.submit({"code": code_of(key, clock())}).path == "/account"


def test_a_composite_role_that_is_a_part_of_itself_is_given_once(signet: Signet, work: Work, realm: Path) -> None:
    """N-423. What is part of Keycloak or gives permissions in Signet is no part that is given."""
    roles = {
        "realm": [
            {"name": "a", "composites": {"realm": ["b", "admin"], "client": {"account": ["view-profile"]}}},
            {"name": "b", "composites": {"realm": ["a"], "client": {"shop": ["editor"]}}},
        ],
        "client": {"shop": [{"name": "editor", "composites": {"realm": ["a"]}}]},
    }
    ada = keycloak_user(realmRoles=["a", "default-roles-shop"], clientRoles={})
    realm.write_text(keycloak_realm([ada], roles=roles))
    assert signet("import", "--from", "keycloak", str(realm)).status == 0
    assert find_user(work).roles == ["a", "b", "shop:editor"]


def test_a_group_does_not_give_permissions_in_signet_by_a_role_of_its_name(
    signet: Signet, work: Work, realm: Path, tmp_path: Path
) -> None:
    """N-424. Nor does a group that exists get other roles."""
    groups = [
        {"path": "/staff", "realmRoles": ["admin", "editor"], "subGroups": [{"path": "/staff/night", "realmRoles": []}]}
    ]
    realm.write_text(keycloak_realm([keycloak_user(groups=["/staff/night"])], groups=groups))
    report = tmp_path / "report.csv"
    command = ["import", "--from", "keycloak", str(realm), "--operator-roles", "--report", str(report)]
    assert signet(*command).status == 0
    assert "Roles of group staff.night are skipped: admin." in rows_of(report)[0]["notes"]
    groups[0]["realmRoles"] = ["editor", "writer"]
    grace = keycloak_user(id=GRACE, email="grace@example.test", groups=["/staff/night"])
    realm.write_text(keycloak_realm([grace], groups=groups))
    assert signet("import", "--from", "keycloak", str(realm)).status == 0
    with work() as w:
        assert group_store.find_roles(w.read, ["staff.night"]) == ["editor"]
        assert group_store.find_members(w.read, "staff.night", limit=9) == sorted([ADA, GRACE])


def test_a_user_in_more_groups_than_signet_has_is_a_row_that_fails(
    signet: Signet, work: Work, realm: Path, tmp_path: Path
) -> None:
    """N-425: before anything of the user is written."""
    many = [f"/g{number}" for number in range(MOST_GROUPS + 1)]
    grace = keycloak_user(id=GRACE, email="grace@example.test")
    realm.write_text(keycloak_realm([keycloak_user(groups=many), grace]))
    report = tmp_path / "report.csv"
    assert signet("import", "--from", "keycloak", str(realm), "--report", str(report)).status == 1
    assert "at most 1000 groups" in rows_of(report)[0]["reason"]
    with work() as w:
        assert users.find(w.read, ADA) is None
        assert users.find(w.read, GRACE) is not None


def test_roles_that_are_not_in_the_format_of_a_realm_are_refused(signet: Signet, realm: Path) -> None:
    """N-426."""
    realm.write_text(keycloak_realm([], roles={"realm": ["staff"]}))
    refused = signet("import", "--from", "keycloak", str(realm))
    assert (refused.status, "roles" in refused.err) == (1, True)
    realm.write_text(keycloak_realm([], groups={"staff": 1}))
    assert signet("import", "--from", "keycloak", str(realm)).status == 1


def test_attributes_become_declared_ones_and_what_does_not_fit_is_in_the_report(
    signet: Signet, work: Work, realm: Path, tmp_path: Path
) -> None:
    """N-427: the user is there without a value that does not conform, and a dry run says the same."""
    declare(work, "department", "enum", rules={"values": {"day": {"en": "Day"}, "night": {"en": "Night"}}})
    declare(work, "vip", "boolean")
    declare(work, "score", "number", edited_by=["api"])
    given = {"dept": ["night"], "department": ["old"], "vip": ["perhaps"], "score": ["3"], "badge": ["7"]}
    realm.write_text(keycloak_realm([keycloak_user(attributes=given)]))
    reports = []
    for options in (["--dry-run"], []):
        report = tmp_path / f"{len(options)}.csv"
        command = ["import", "--from", "keycloak", str(realm), "--attribute", "dept=department", *options]
        assert signet(*command, "--report", str(report)).status == 0
        reports.append(rows_of(report)[0]["notes"])
    assert reports[0] == reports[1]
    for words in ("skipped: badge, department.", "vip is skipped: Choose yes or no.", "score is skipped"):
        assert words in reports[0]
    assert values_of(work, ADA) == {"department": "night"}


def test_existing_users_get_attributes_with_update(signet: Signet, work: Work, realm: Path, tmp_path: Path) -> None:
    realm.write_text(keycloak_realm([keycloak_user(attributes={"badge": ["7"], "vip": ["no"]})]))
    assert signet("import", "--from", "keycloak", str(realm)).status == 0
    declare(work, "badge")
    declare(work, "vip", "boolean")
    assert signet("import", "--from", "keycloak", str(realm)).status == 0
    assert values_of(work, ADA) == {}
    report = tmp_path / "report.csv"
    assert signet("import", "--from", "keycloak", str(realm), "--update", "--report", str(report)).status == 0
    assert values_of(work, ADA) == {"badge": "7"}
    assert rows_of(report)[0]["notes"] == "Attribute vip is skipped: Choose yes or no."


def test_a_user_without_a_required_attribute_fails(signet: Signet, work: Work, realm: Path, tmp_path: Path) -> None:
    """N-428: also one whose value does not fit."""
    declare(work, "vip", "boolean", required_at=["admin"])
    users_of = [keycloak_user(attributes={"vip": ["x"]}), keycloak_user(id=GRACE, email="g@example.test")]
    realm.write_text(
        keycloak_realm([*users_of, keycloak_user(id="z", email="z@example.test", attributes={"vip": ["true"]})])
    )
    report = tmp_path / "report.csv"
    assert signet("import", "--from", "keycloak", str(realm), "--report", str(report)).status == 1
    assert [row["outcome"] for row in rows_of(report) if row["kind"] == "user"] == ["failed", "failed", "created"]


@pytest.mark.parametrize("given", [["x=none"], ["department"], ["=department"], ["a=department", "b=department"]])
def test_an_attribute_that_is_not_declared_is_no_target(
    signet: Signet, work: Work, realm: Path, given: list[str]
) -> None:
    """N-429."""
    declare(work, "department")
    realm.write_text(keycloak_realm([]))
    pairs = [part for one in given for part in ("--attribute", one)]
    refused = signet("import", "--from", "keycloak", str(realm), *pairs)
    assert refused.status == 1
    assert "--attribute" in refused.err


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("csv", "email,Customer\nada@example.test,4711\n"),
        ("csv", '{"email": "ada@example.test", "Customer": "4711"}\n'),
        ("auth0", '{"email": "ada@example.test", "user_id": "auth0|1", "user_metadata": {"Customer": 4711}}\n'),
        (
            "auth0",
            '{"email": "ada@example.test", "app_metadata": {"customer": 4711}, "user_metadata": {"customer": 1}}',
        ),
        (
            "cognito",
            (
                '{"Users": [{"Attributes": [{"Name": "email", "Value": "ada@example.test"},'
                ' {"Name": "custom:customer", "Value": "4711"}]}]}'
            ),
        ),
        (
            "authentik",
            (
                '[{"model": "authentik_core.user", "pk": 1, "fields": {"email": "ada@example.test", "password": "",'
                ' "attributes": {"customer": "4711"}}}]'
            ),
        ),
    ],
)
def test_every_source_with_attributes_has_them_moved(
    signet: Signet, work: Work, tmp_path: Path, source: str, content: str
) -> None:
    declare(work, "customer")
    export = tmp_path / "export"
    export.write_text(content)
    chosen = {"csv": "Customer=customer", "auth0": "user_metadata.Customer=customer"}.get(source)
    pairs = ["--attribute", chosen] if chosen and "Customer" in content else []
    done = signet("import", "--from", source, str(export), *pairs)
    assert done.status == 0, done.err
    assert values_of(work, find_user(work).id) == {"customer": "4711"}
