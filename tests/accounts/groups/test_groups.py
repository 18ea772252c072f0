"""Groups of users: nesting of one level, the roles they give, and what happens to their members."""

import json
from datetime import timedelta
from time import perf_counter

import pytest
from sqlalchemy import insert

from provider.accounts import data_export
from provider.accounts.groups import members
from provider.accounts.groups.groups import (
    GroupExists,
    GroupSettings,
    InvalidGroupSettings,
    NestedTooDeep,
    NoSuchGroup,
    change_group,
    create_group,
    delete_group,
    find_group,
)
from provider.accounts.groups.members import TooManyGroups, add_member, remove_member, set_groups
from provider.accounts.groups.names import InvalidGroup
from provider.accounts.roles import roles
from provider.accounts.store import groups as store
from provider.accounts.store import roles as roles_store
from provider.accounts.store import users
from provider.accounts.store.group_tables import group_members, group_roles, user_groups
from provider.accounts.users import NoSuchUser, delete_user
from provider.database.base import NOBODY
from provider.oauth.tokens.store import people
from tests.support.factories import make_user
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases


def test_a_group_contains_groups_that_contain_none(work: Work) -> None:
    """N-253: a group in itself, and one that would contain a group that contains groups, are refused."""
    with work() as w:
        create_group(w, "backend", GroupSettings())
        create_group(w, "engineering", GroupSettings(groups=("backend",)))
    for name, settings in (
        ("engineering", GroupSettings(groups=("backend", "engineering"))),  # itself
        ("backend", GroupSettings(groups=("engineering",))),  # a cycle
    ):
        with work() as w, pytest.raises(NestedTooDeep):
            change_group(w, name, settings)
    with work() as w:
        create_group(w, "databases", GroupSettings())
    with work() as w, pytest.raises(NestedTooDeep):
        change_group(w, "backend", GroupSettings(groups=("databases",)))  # a third level below
    with work() as w, pytest.raises(NestedTooDeep):
        create_group(w, "all", GroupSettings(groups=("engineering",)))  # and above
    with work() as w:
        assert find_group(w, "engineering").settings.groups == ("backend",)
        assert find_group(w, "backend").contained_in == ("engineering",)
        with pytest.raises(NoSuchGroup, match="all"):
            change_group(w, "engineering", GroupSettings(groups=("all",)))


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (GroupSettings(groups=("nowhere",)), NoSuchGroup),
        (GroupSettings(groups=("a/b",)), InvalidGroup),
        (GroupSettings(owners=(NOBODY,)), InvalidGroupSettings),
        (GroupSettings(owners=("ada@example.test",)), InvalidGroupSettings),
        (GroupSettings(roles=tuple(f"r{number}" for number in range(101))), InvalidGroupSettings),
    ],
)
def test_settings_that_name_what_is_not_there_are_refused(
    work: Work, wanted: GroupSettings, problem: type[Exception]
) -> None:
    """N-254."""
    with work() as w, pytest.raises(problem):
        create_group(w, "engineering", wanted)
    with work() as w, pytest.raises(NoSuchGroup):
        find_group(w, "engineering")


def test_names_are_unique_and_fit_into_a_path(work: Work) -> None:
    """N-255."""
    with work() as w:
        create_group(w, "engineering", GroupSettings())
        with pytest.raises(GroupExists):
            create_group(w, "engineering", GroupSettings())
        for name in ("", "a b", "a/b", "ä", "x" * 201):
            with pytest.raises(InvalidGroup):
                create_group(w, name, GroupSettings())


def test_members_have_the_roles_of_their_groups_and_of_those_around_them(work: Work) -> None:
    with work() as w:
        ada = make_user(w, roles=("staff",))
        create_group(w, "backend", GroupSettings(roles=("on-call",)))
        create_group(w, "engineering", GroupSettings(groups=("backend",), roles=("developer",)))
        add_member(w, "backend", user_id=ada)
        roles.require_factor(w, name="developer", required_factor="passkey")
    with work() as w:
        user, person = users.find(w.read, ada), people.find(w.read, ada)
        assert user is not None
        assert person is not None
        assert (user.roles, user.groups) == (["staff"], ["backend"])
        assert user.effective_roles == person.effective_roles == ["staff", "developer", "on-call"]
        assert person.groups == ["backend", "engineering"]
        assert roles_store.find_required_of_user(w.read, ada) == [("developer", "passkey")]
        assert roles_store.find_bound(w.read, [ada]) == {ada}
        assert roles_store.find_holders(w.read, "developer", limit=10) == [ada]
    with work() as w:
        roles.delete_role(w, name="on-call")
        change_group(w, "engineering", GroupSettings(roles=("developer",)))
    with work() as w:
        found = users.find(w.read, ada)
        assert found is not None
        assert found.effective_roles == ["staff"]


def test_who_leaves_loses_the_roles_and_what_is_deleted_leaves_nothing(work: Work) -> None:
    with work() as w:
        ada, grace = make_user(w), make_user(w, "grace@example.test")
        create_group(w, "backend", GroupSettings(roles=("on-call",), owners=(grace,)))
        for user_id in (ada, grace):
            assert add_member(w, "backend", user_id=user_id)
        assert not add_member(w, "backend", user_id=ada)
        with pytest.raises(NoSuchGroup):
            add_member(w, "nowhere", user_id=ada)
        with pytest.raises(NoSuchUser):
            add_member(w, "backend", user_id=NOBODY)
    with work() as w:
        assert remove_member(w, "backend", user_id=ada)
        assert not remove_member(w, "backend", user_id=ada)
        copy = json.loads(data_export.export(w, user_id=grace, applications=[]))
        assert copy["groups"] == {"member_of": ["backend"], "owner_of": ["backend"]}
        delete_user(w, user_id=grace)
        group = find_group(w, "backend")
        assert (group.members, group.settings.owners) == (0, ())
        delete_group(w, "backend")
        assert store.find_with_role(w.read, "on-call") == []


def test_a_user_is_in_a_limited_number_of_groups(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """N-256."""
    monkeypatch.setattr(members, "MOST_GROUPS", 2)
    with work() as w:
        ada = make_user(w)
        for name in ("a", "b", "c"):
            create_group(w, name, GroupSettings())
        set_groups(w, user_id=ada, names=["b", "a"])
    with work() as w, pytest.raises(TooManyGroups):
        add_member(w, "c", user_id=ada)
    with work() as w, pytest.raises(TooManyGroups):
        set_groups(w, user_id=ada, names=["a", "b", "c"])
    with work() as w, pytest.raises(NoSuchGroup, match="nowhere"):
        set_groups(w, user_id=ada, names=["a", "nowhere"])
    with work() as w:
        assert store.find_of_user(w.read, ada) == ["a", "b"]


def test_a_person_in_500_groups_is_read_quickly(work: Work) -> None:
    """Issue 18: the statement of a refresh takes milliseconds. A slow machine may take ten times as long."""
    with work() as w:
        ada = make_user(w)
        names = [f"g{number:03}" for number in range(500)]
        texts = {"display_name": "", "description": "", "created_at": w.now, "updated_at": w.now}
        w.db.execute(insert(user_groups), [{"name": name, **texts} for name in names])
        w.db.execute(insert(group_roles), [{"group_name": name, "role": f"r{name}"} for name in names])
        w.db.execute(insert(group_members), [{"group_name": name, "user_id": ada} for name in names])
    with work() as w:
        began = perf_counter()
        person = people.find(w.read, ada)
        took = timedelta(seconds=perf_counter() - began)
    assert person is not None
    assert (len(person.groups), len(person.effective_roles)) == (500, 500)
    assert took < timedelta(milliseconds=300)
