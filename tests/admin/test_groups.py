"""Groups in the console and the admin API, and what operators with fewer permissions can't do with them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provider.accounts.groups.groups import GroupSettings, create_group, find_group
from provider.accounts.groups.members import add_member
from provider.accounts.roles.permissions import EVERYTHING, OPERATOR_ROLES
from provider.accounts.store import groups as store
from provider.accounts.store import users
from provider.accounts.suspension import restore, suspend
from provider.operators import authority, group_authority
from provider.operators.authority import LastAdministrator, MorePermissions
from provider.work import UnitOfWork
from tests.admin.conftest import Console, Program, action_form, events, person_token
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS
from tests.support.relying_party import TWO_FACTORS

PATH = "/groups"


@pytest.mark.both_databases
def test_a_group_is_created_changed_and_deleted_by_the_admin_api(
    operator: Program, reader: Program, work: Work, ada: str
) -> None:
    made = operator("PUT", f"{PATH}/backend", display_name="Back end", roles=["on-call"], owners=[ada])
    assert made.status_code == 200, made.text
    assert made.json()["roles"] == ["on-call"]
    assert operator("PUT", f"{PATH}/engineering", groups=["backend"]).json()["groups"] == ["backend"]
    shown = reader("GET", f"{PATH}/backend")
    assert (shown.json()["contained_in"], shown.json()["owners"]) == (["engineering"], [ada])
    assert operator("PUT", f"{PATH}/backend/members/{ada}").status_code == 204
    assert [one["user_id"] for one in reader.get(f"{PATH}/backend/members")["members"]] == [ada]
    account = reader.get(f"/users/{ada}")
    assert (account["roles"], account["groups"], account["group_roles"]) == ([], ["backend"], ["on-call"])
    page = reader.get(f"{PATH}?limit=1")
    assert [one["name"] for one in page["groups"]] == ["backend"]
    assert [one["name"] for one in reader.get(f"{PATH}?after={page['next']}")["groups"]] == ["engineering"]
    stale = shown.headers["etag"]
    assert operator("PUT", f"{PATH}/backend", seen=stale, description="x").status_code == 412
    refused = operator("PUT", f"{PATH}/backend", groups=["engineering"])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:signet:problem:nested-too-deep")
    assert operator("DELETE", f"{PATH}/backend/members/{ada}").status_code == 204
    assert operator("DELETE", f"{PATH}/backend").status_code == 204
    assert operator("GET", f"{PATH}/backend").status_code == 404
    assert [(one["added"], one["removed"]) for one in events(work, "account.groups.changed")] == [
        ([], ["backend"]),
        (["backend"], []),
    ]
    assert events(work, "group.deleted")[0]["group"] == "backend"


def test_a_group_has_a_page_where_it_is_changed(console: Console, work: Work, ada: str) -> None:
    def create(**typed: str) -> Any:
        asked = console.open("/groups/new")
        fields = dict.fromkeys(("name", "display_name", "description", "roles", "groups", "owners"), "") | typed
        return console.browser.submit(fields, action=action_form(asked).action)

    assert "There is no user nobody@example.test." in create(name="a", owners="nobody@example.test").text
    assert "can contain ASCII letters" in create(name="a/b").text
    created = create(name="engineering", display_name="Engineering", roles="developer", owners=ADDRESS)
    assert "Group created." in created.text
    assert "There is a group with this name already." in create(name="engineering").text
    added = console.act("/groups/group/add-member?name=engineering", user=ADDRESS)
    assert "Member added." in added.text
    assert "developer" in console.open(f"/users/{ada}").text
    assert ADDRESS in console.open("/users?group=engineering").text
    assert ADDRESS in console.open("/users?role=developer").text
    assert "engineering" in console.open("/roles/role?name=developer").text
    edited = console.act("/groups/group/edit?name=engineering", roles="developer on-call", groups="", owners="")
    assert "Group updated." in edited.text
    removed = console.act(f"/groups/group/remove-member?name=engineering&user={ada}")
    assert "Member removed." in removed.text
    again = console.act(f"/users/{ada}/groups", groups="engineering")
    assert "Groups updated." in again.text
    assert "There is no group nowhere." in console.act(f"/users/{ada}/groups", groups="nowhere").text
    assert "Group deleted." in console.act("/groups/group/delete?name=engineering", why="done").text
    with work() as w:
        assert store.find_of_user(w.read, ada) == []


def test_a_group_gives_no_role_that_the_operator_could_not_give(
    client: Any, work: Work, installation: Any, ada: str
) -> None:
    """N-257: neither by putting it into the group, nor by adding a member, nor through a group around it."""
    with work() as w:
        create_group(w, "inner", GroupSettings())
        create_group(w, "admins", GroupSettings(roles=("admin",), groups=("inner",)))
    manager = Program(
        client,
        person_token(
            client, work, installation, roles=("user-manager",), amr=TWO_FACTORS, scope="admin:read admin:write"
        ),
    )
    client.cookies.clear()
    for method, path, body in (
        ("PUT", f"{PATH}/mine", {"roles": ["admin"]}),
        ("PUT", f"{PATH}/admins", {"description": "x"}),
        ("PUT", f"{PATH}/admins/members/{ada}", {}),
        ("PUT", f"{PATH}/inner/members/{ada}", {}),
        ("DELETE", f"{PATH}/admins", {}),
    ):
        answer = manager(method, path, **body)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:signet:problem:more-permissions"), path
    assert manager("PUT", f"{PATH}/mine", roles=["staff"]).status_code == 200
    assert manager("PUT", f"{PATH}/mine/members/{ada}").status_code == 204
    with work() as w:
        add_member(w, "inner", user_id=ada)
        found = users.find(w.read, ada)
        assert found is not None
        assert "admin" in found.effective_roles
    assert manager("POST", f"/users/{ada}/suspend").status_code == 403


def test_the_groups_of_a_user_are_changed_within_the_permissions_of_the_operator(work: Work, ada: str) -> None:
    """N-571: the list of a user's groups gives no role that adding the user to one of them could not give."""
    permissions = OPERATOR_ROLES["user-manager"].permissions
    with work() as w:
        create_group(w, "staff", GroupSettings())
        create_group(w, "inner", GroupSettings())
        create_group(w, "admins", GroupSettings(roles=("admin",), groups=("inner",)))
        boss = make_user(w, "boss@example.test", roles=("admin",))
    with work() as w:
        group_authority.set_groups(w, permissions, user_id=ada, names=["staff"])
        for user_id, names in ((ada, ["staff", "admins"]), (ada, ["inner"]), (boss, ["staff"])):
            with pytest.raises(MorePermissions):
                group_authority.set_groups(w, permissions, user_id=user_id, names=names)
        for change in (group_authority.add_member, group_authority.remove_member):
            with pytest.raises(MorePermissions):
                change(w, permissions, "staff", user_id=boss)
    with work() as w:
        assert (store.find_of_user(w.read, ada), store.find_of_user(w.read, boss)) == (["staff"], [])


@pytest.mark.both_databases
def test_a_group_that_a_user_joins_meanwhile_is_not_taken_away_unchecked(
    work: Work, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-579: the groups are read again once the user is locked."""
    with work() as w:
        create_group(w, "admins", GroupSettings(roles=("admin",)))
    require_user = authority.require_user

    def join_after(work_of_operator: UnitOfWork, *given: Any) -> None:
        require_user(work_of_operator, *given)
        assert store.find_of_user(work_of_operator.read, ada) == []
        with work() as other:
            add_member(other, "admins", user_id=ada)

    monkeypatch.setattr(authority, "require_user", join_after)
    with work() as w, pytest.raises(MorePermissions):
        group_authority.set_groups(w, OPERATOR_ROLES["user-manager"].permissions, user_id=ada, names=[])
    with work() as w:
        assert store.find_of_user(w.read, ada) == ["admins"]


def test_the_last_administrator_stays_one(work: Work) -> None:
    """N-259: a group through which alone somebody is an administrator is not deleted, emptied or left."""
    with work() as w:
        ada = make_user(w)
        create_group(w, "inner", GroupSettings())
        create_group(w, "admins", GroupSettings(roles=("admin",), groups=("inner",)))
        add_member(w, "inner", user_id=ada)
    with work() as w:
        with pytest.raises(LastAdministrator):
            group_authority.remove_member(w, EVERYTHING, "inner", user_id=ada)
        with pytest.raises(LastAdministrator):
            group_authority.set_groups(w, EVERYTHING, user_id=ada, names=[])
        for name in ("inner", "admins"):
            with pytest.raises(LastAdministrator):
                group_authority.delete_group(w, EVERYTHING, name)
        for settings in (GroupSettings(groups=("inner",)), GroupSettings(roles=("admin",))):
            with pytest.raises(LastAdministrator):
                group_authority.put_group(w, EVERYTHING, "admins", settings)
        grace = make_user(w, "grace@example.com", roles=("admin",))
        suspend(w, user_id=grace, reason=None)
        with pytest.raises(LastAdministrator):
            group_authority.put_group(w, EVERYTHING, "admins", GroupSettings())
        restore(w, user_id=grace)
    with work() as w:
        group_authority.put_group(w, EVERYTHING, "admins", GroupSettings())
        assert find_group(w, "admins").settings.roles == ()


def test_an_administrator_twice_over_loses_one_of_the_two(work: Work) -> None:
    """The only one, who stays it: by their own role, or through another group."""
    with work() as w:
        ada = make_user(w, roles=("admin", "staff"))
        for name in ("admins", "others"):
            create_group(w, name, GroupSettings(roles=("admin",)))
            add_member(w, name, user_id=ada)
    with work() as w:
        group_authority.remove_member(w, EVERYTHING, "others", user_id=ada)
    with work() as w:
        group_authority.set_groups(w, EVERYTHING, user_id=ada, names=[])
    with work() as w:
        group_authority.set_groups(w, EVERYTHING, user_id=ada, names=["admins", "others"])
    with work() as w:
        authority.remove_role(w, EVERYTHING, user_id=ada, role="admin")
    with work() as w:
        authority.set_roles(w, EVERYTHING, user_id=ada, roles=["admin"])
    with work() as w:
        authority.set_roles(w, EVERYTHING, user_id=ada, roles=[])
    with work() as w:
        group_authority.remove_member(w, EVERYTHING, "others", user_id=ada)
    with work() as w, pytest.raises(LastAdministrator):
        group_authority.remove_member(w, EVERYTHING, "admins", user_id=ada)
    with work() as w, pytest.raises(LastAdministrator):
        authority.suspend(w, user_id=ada, reason=None)


@pytest.mark.race
@pytest.mark.also_on_postgresql
def test_an_own_role_and_the_role_of_a_group_are_not_lost_at_once(work: Work) -> None:
    with work() as w:
        ada = make_user(w, roles=("admin",))
        create_group(w, "admins", GroupSettings(roles=("admin",)))
        add_member(w, "admins", user_id=ada)

    def attempt(change: Callable[[UnitOfWork], None]) -> bool:
        try:
            with work() as w:
                change(w)
        except LastAdministrator:
            return False
        return True

    changes: list[Callable[[UnitOfWork], None]] = [
        lambda w: authority.set_roles(w, EVERYTHING, user_id=ada, roles=[]),
        lambda w: group_authority.remove_member(w, EVERYTHING, "admins", user_id=ada),
        lambda w: group_authority.put_group(w, EVERYTHING, "admins", GroupSettings()),
    ]
    for other in changes[1:]:
        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(attempt, (changes[0], other))) == [False, True]
        with work() as w:
            group_authority.put_group(w, EVERYTHING, "admins", GroupSettings(roles=("admin",)))
            authority.set_roles(w, EVERYTHING, user_id=ada, roles=["admin"])
            group_authority.add_member(w, EVERYTHING, "admins", user_id=ada)
