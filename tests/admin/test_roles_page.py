"""The roles page: which roles there are, what they allow, who has them; create, describe and delete them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from provider.accounts import invitation
from provider.accounts.roles import roles as rules
from provider.accounts.roles.names import InvalidRole
from provider.accounts.roles.permissions import EVERYTHING, OPERATOR_ROLES
from provider.accounts.store import roles as store
from provider.accounts.store import users
from provider.accounts.users import delete_user, set_roles
from provider.operators import authority
from provider.operators.authority import LastAdministrator, MorePermissions
from provider.work import Installation
from tests.admin.conftest import Console, Program, action_form, events
from tests.support.factories import make_user
from tests.support.installation import Work

HOSTILE = "<b>a</b>&\"'/%?#:x"


def roles_of(work: Work, user_id: str) -> list[str]:
    with work() as w:
        user = users.find(w.read, user_id)
    assert user is not None
    return user.roles


def names(work: Work) -> dict[str, tuple[str, int]]:
    with work() as w:
        return {role.name: (role.description, role.users) for role in rules.find_page(w, after=None, limit=100)[0]}


def create(console: Console, name: str, description: str = "") -> str:
    asked = console.open("/roles/new")
    typed = {"name": name, "description": description}
    return console.browser.submit(typed, action=action_form(asked).action).text


@pytest.mark.also_on_postgresql
def test_a_role_exists_once_it_was_given_and_counts_its_users(work: Work) -> None:
    with work() as w:
        ada = make_user(w, roles=("staff", "shop:clerk", "staff"))
        grace = make_user(w, "grace@example.test", roles=("staff", "admin"))
    assert names(work) == {"shop:clerk": ("", 1), "staff": ("", 2)}
    with work() as w:
        assert rules.find_users(w, "staff", after=None, limit=1) == ([ada], ada)
        assert rules.find_users(w, "staff", after=ada, limit=1) == ([grace], None)
        assert [(role.name, role.users) for role in rules.find_built_in(w)] == [
            ("admin", 1), ("user-manager", 0), ("app-manager", 0), ("auditor", 0)
        ]  # fmt: skip
        set_roles(w, user_id=ada, roles=["clerk"])
        delete_user(w, user_id=grace)
    assert names(work) == {"clerk": ("", 1), "shop:clerk": ("", 0), "staff": ("", 0)}


@pytest.mark.also_on_postgresql
def test_roles_are_listed_page_by_page_in_one_order_on_every_database(work: Work) -> None:
    given = ["Zoo", "a-b", "a:b", "aB", "ab", "b", "~"]
    with work() as w:
        for name in given:
            rules.create_role(w, name=name, description="")
    seen: list[str] = []
    after = None
    with work() as w:
        for _ in given:
            found, after = rules.find_page(w, after=after, limit=2)
            seen += [role.name for role in found]
            if after is None:
                break
    assert seen == sorted(given)


@pytest.mark.also_on_postgresql
def test_more_users_than_are_counted_are_not_counted(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "COUNTED", 2)
    monkeypatch.setattr(rules, "COUNTED", 2)
    with work() as w:
        for number in range(4):
            make_user(w, f"{number}@example.test", roles=("staff",))
    assert names(work) == {"staff": ("", 3)}
    with work() as w, pytest.raises(rules.RoleInUse):
        rules.delete_role(w, name="staff")
    assert names(work) == {"staff": ("", 3)}


def test_an_operator_creates_describes_and_deletes_a_role(console: Console, work: Work, ada: str) -> None:
    assert "Role created." in create(console, "staff", "People who work here")
    with work() as w:
        set_roles(w, user_id=ada, roles=["staff", "clerk"])
    page = console.open("/roles/role?name=staff")
    assert "People who work here" in page.text
    assert "1 user has this role." in page.text
    assert f"/admin/users/{ada}" in page.links.values()
    assert "Description updated." in console.act("/roles/role/describe?name=staff", description="Everyone").text
    assert "Role deleted." in console.act("/roles/role/delete?name=staff", why="renamed").text
    assert roles_of(work, ada) == ["clerk"]
    assert names(work) == {"clerk": ("", 1)}
    assert [event["role"] for name in ("created", "updated", "deleted") for event in events(work, f"role.{name}")] == [
        "staff"
    ] * 3
    assert events(work, "role.deleted")[0]["why"] == "renamed"
    assert events(work, "account.roles.changed")[0]["operator"] == f"user {console.user_id}"
    assert console.open("/roles/role?name=staff").status == 404


def test_the_built_in_roles_show_their_permissions_and_stay_as_they_are(console: Console, work: Work) -> None:
    listed = console.open("/roles").text
    for name in ("admin", "user-manager", "app-manager", "auditor"):
        assert name in listed
        assert "Permissions" in console.open(f"/roles/role?name={name}").text
        for action in ("describe", "delete"):
            assert console.open(f"/roles/role/{action}?name={name}").path == "/admin/roles/role"
        with work() as w:
            with pytest.raises(rules.BuiltInRole):
                rules.delete_role(w, name=name)
            with pytest.raises(rules.BuiltInRole):
                rules.describe_role(w, name=name, description="")
        assert "There is a role with this name already." in create(console, name)


def test_a_role_with_an_impossible_name_or_description_is_rejected_with_what_was_typed(
    console: Console, work: Work
) -> None:
    create(console, "staff")
    for name in ("staff", "", "two words", "ä", "x" * 201, "\x7f"):
        told = create(console, name, "Kept")
        assert "There is a problem" in told, name
    assert "Enter at most 200 characters." in create(console, "clerk", "x" * 201)
    assert set(names(work)) == {"staff"}
    for wrong in ("/roles/role", "/roles/role?name=none", "/roles/role?name=%00", "/roles/role?name=%C3%A4"):
        assert console.open(wrong).status == 404, wrong
    with work() as w:
        for wrong in ("two words", "ä\x00", ""):
            with pytest.raises(InvalidRole):
                make_user(w, "x@example.test", roles=(wrong,))
            with pytest.raises(InvalidRole):
                invitation.invite(w, email="x@example.test", roles=(wrong,))


def test_a_name_with_special_characters_is_shown_as_text_and_found_again(console: Console, work: Work) -> None:
    create(console, HOSTILE, "<script>alert(1)</script> مرحبا 😀")
    page = console.open("/roles")
    assert HOSTILE in page.text
    target = page.links[HOSTILE]
    assert console.browser.open(target).status == 200
    assert "Role deleted." in console.act(target.removeprefix("/admin").replace("/role?", "/role/delete?")).text
    assert names(work) == {}


@pytest.mark.also_on_postgresql
def test_the_last_administrator_stays_one(operator: Program, console: Console, work: Work, ada: str) -> None:
    """Nobody else could give the role again; the command line can."""
    boss = console.user_id
    for answer in (
        operator("PATCH", f"/users/{boss}", roles=["staff"]),
        operator("DELETE", f"/users/{boss}"),
        operator("POST", f"/users/{boss}/suspend", reason="x"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:signet:problem:last-administrator")
    assert roles_of(work, boss) == ["admin"]
    with work() as w:
        set_roles(w, user_id=ada, roles=["admin"])
    assert operator("POST", f"/users/{ada}/suspend", reason="x").status_code == 204
    assert operator("PATCH", f"/users/{boss}", roles=["staff"]).status_code == 409  # a suspended one is none
    assert operator("POST", f"/users/{ada}/restore").status_code == 204
    assert operator("PATCH", f"/users/{boss}", roles=["staff"]).status_code == 200
    with work() as w:
        set_roles(w, user_id=ada, roles=())  # as the command line does
    assert roles_of(work, ada) == []


def test_roles_are_changed_within_the_permissions_of_the_operator(work: Work, ada: str) -> None:
    """N-575: as they are when the roles are written, whatever the page or job read before."""
    permissions = OPERATOR_ROLES["user-manager"].permissions
    with work() as w:
        first, boss = (make_user(w, f"{name}@example.test", roles=("admin", "staff")) for name in ("first", "boss"))
    with work() as w:
        authority.add_role(w, permissions, user_id=ada, role="staff")
        for user_id, roles in ((ada, ["admin"]), (boss, ["staff"]), (boss, ["admin"])):
            with pytest.raises(MorePermissions):
                authority.set_roles(w, permissions, user_id=user_id, roles=roles)
        for change, user_id, role in (
            (authority.add_role, ada, "auditor"),
            (authority.add_role, boss, "on-call"),
            (authority.remove_role, boss, "staff"),
            (authority.remove_role, boss, "admin"),
        ):
            with pytest.raises(MorePermissions):
                change(w, permissions, user_id=user_id, role=role)
    assert [roles_of(work, one) for one in (ada, first, boss)] == [["staff"], ["admin", "staff"], ["admin", "staff"]]


def test_the_last_administrator_loses_the_role_by_no_change_of_one_role(work: Work) -> None:
    """N-576: as actions on many users remove it."""
    with work() as w:
        boss = make_user(w, roles=("admin", "staff"))
    with work() as w:
        with pytest.raises(LastAdministrator):
            authority.remove_role(w, EVERYTHING, user_id=boss, role="admin")
        authority.remove_role(w, EVERYTHING, user_id=boss, role="staff")
    assert roles_of(work, boss) == ["admin"]


@pytest.mark.race
@pytest.mark.also_on_postgresql
def test_of_two_administrators_who_remove_each_other_one_stays(work: Work, installation: Installation) -> None:
    with work() as w:
        both = [make_user(w, f"{name}@example.test", roles=("admin",)) for name in ("one", "two")]

    def remove(user_id: str) -> bool:
        try:
            with work() as w:
                authority.set_roles(w, EVERYTHING, user_id=user_id, roles=[])
        except LastAdministrator:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(remove, both)) == [False, True]
    assert sorted(roles_of(work, user_id) for user_id in both) == [[], ["admin"]]


def test_a_program_lists_creates_describes_and_deletes_roles(operator: Program, reader: Program, ada: str) -> None:
    operator("PATCH", f"/users/{ada}", roles=["staff", "user-manager"])
    assert operator("PUT", "/roles/shop:clerk", description="Sells").json() == {
        "name": "shop:clerk",
        "description": "Sells",
        "built_in": False,
        "permissions": [],
        "required_factor": "none",
        "users": 0,
    }
    assert operator("PUT", "/roles/staff", description="Everyone").json()["users"] == 1
    listed = {role["name"]: role for role in reader.get("/roles")["roles"]}
    assert list(listed) == ["admin", "user-manager", "app-manager", "auditor", "shop:clerk", "staff"]
    assert (listed["user-manager"]["built_in"], listed["user-manager"]["users"]) == (True, 1)
    assert "users:write" in listed["user-manager"]["permissions"]
    first = reader.get("/roles?limit=1")
    assert [role["name"] for role in first["roles"]][4:] == ["shop:clerk"]
    second = reader.get(f"/roles?limit=1&after={first['next']}")
    assert ([role["name"] for role in second["roles"]], "next" in second) == (["staff"], False)
    assert operator("DELETE", "/roles/staff").status_code == 204
    assert operator.get(f"/users/{ada}")["roles"] == ["user-manager"]
    for method, path, status, kind in (
        ("DELETE", "/roles/staff", 404, "no-such-role"),
        ("DELETE", "/roles/admin", 409, "built-in-role"),
        ("PUT", "/roles/two%20words", 400, "invalid-role"),
        ("PUT", "/roles/auditor", 409, "built-in-role"),
    ):
        answer = operator(method, path, **({"description": "x"} if method == "PUT" else {}))
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:signet:problem:{kind}"), path
