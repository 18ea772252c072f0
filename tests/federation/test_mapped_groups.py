"""Groups that an upstream gives at each sign-in, next to those that operators and SCIM give."""

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from provider.accounts.groups import members
from provider.accounts.groups.groups import GroupSettings, delete_group, put_group
from provider.accounts.roles.permissions import Permission, roles_with
from provider.accounts.store import users
from provider.accounts.store.users import User
from provider.audit.events import Event
from provider.federation.configuration import parse_upstream
from provider.federation.mapping import replace_groups
from tests.federation.conftest import EXAMPLE, events_of, sign_out
from tests.federation.fake_provider import ISSUER, USERINFO, Traveller
from tests.support.attributes import EVERYONE, declare
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import find_user

MAPPING = {"groups_claim": "realm.groups", "groups": {"editors": "shop-editors", "staff": "staff"}}
SAME_NAMES = {"groups_claim": "realm.groups", "groups": {"*": "*", "ops": "administrators"}}
Says = Callable[..., User]


@pytest.fixture
def configured() -> dict[str, dict[str, Any]]:
    return {"example": {**EXAMPLE, **MAPPING}}


@pytest.fixture(autouse=True)
def existing(work: Work) -> None:
    with work() as w:
        for name in ("shop-editors", "staff", "board"):
            put_group(w, name, GroupSettings())
        put_group(w, "administrators", GroupSettings(roles=("admin",)))
        put_group(w, "helpdesk", GroupSettings())
        put_group(w, "support", GroupSettings(roles=("user-manager", "clerk"), groups=("helpdesk",)))


@pytest.fixture
def says(work: Work) -> Says:
    """What an upstream says about Ada at a sign-in. Returns her account."""
    with work() as w:
        user_id = make_user(w)

    def sign_in(*values: Any, issuer: str = ISSUER, **changes: Any) -> User:
        settings = parse_upstream("example", {**EXAMPLE, **MAPPING, **changes})
        with work() as w:
            user = users.find(w.read, user_id)
            assert user is not None
            return replace_groups(w, settings, issuer, user, {"realm": {"groups": list(values)}})

    return sign_in


def changes_of(work: Work, user_id: str) -> list[dict[str, Any]]:
    return [event.details for event in events_of(work, user_id) if event.name == Event.GROUPS_CHANGED]


def change(work: Work, user: User, *, join: str | None = None, leave: str | None = None) -> None:
    with work() as w:
        if leave is not None:
            members.remove_member(w, leave, user_id=user.id)
        if join is not None:
            members.add_member(w, join, user_id=user.id)


def test_groups_follow_the_provider_from_the_first_sign_in(traveller: Traveller, work: Work) -> None:
    traveller.provider.metadata["userinfo_endpoint"] = USERINFO
    traveller.provider.userinfo = {"sub": "ada-at-example", "realm": {"groups": ["editors", "staff", "board"]}}
    steps: list[tuple[Any, list[str]]] = [
        ({"groups": ["editors", "staff", "board"]}, ["shop-editors", "staff"]),
        ({"groups": "editors"}, ["shop-editors"]),
        ({"groups": "editors"}, ["shop-editors"]),
        ({}, []),
    ]
    for claim, groups in steps:
        traveller.provider.userinfo["realm"] = claim
        assert traveller.sign_in().path == "/account"
        assert find_user(work).groups == groups, claim
        sign_out(traveller.browser)
    assert changes_of(work, find_user(work).id) == [
        {"added": ["shop-editors", "staff"], "removed": [], "upstream": "example"},
        {"added": [], "removed": ["staff"], "upstream": "example"},
        {"added": [], "removed": ["shop-editors"], "upstream": "example"},
    ]


@pytest.mark.both_databases
def test_memberships_by_operators_stay(says: Says, work: Work) -> None:
    """N-506."""
    user = says("staff")
    change(work, user, join="board")
    change(work, user, join="shop-editors")
    assert says("staff", "editors").groups == ["board", "shop-editors", "staff"]
    change(work, user, leave="staff", join="staff")
    assert says().groups == ["board", "shop-editors", "staff"], "an operator has added each of them"
    change(work, user, leave="staff")
    assert says("staff").groups == ["board", "shop-editors", "staff"]
    assert says(groups={}).groups == ["board", "shop-editors"], "without the setting, nothing is given"
    says("staff")
    with work() as w:
        delete_group(w, "staff")
    assert says("staff").groups == ["board", "shop-editors"]


def test_a_group_that_two_upstreams_give_stays_until_both_take_it_away(says: Says) -> None:
    """N-507."""
    says("staff")
    says("staff", issuer="https://other.test")
    assert says().groups == ["staff"]
    assert says("editors", issuer="https://other.test").groups == ["shop-editors"]
    assert says().groups == ["shop-editors"]


def test_what_is_no_group_here_is_left_out(says: Says) -> None:
    """N-508."""
    with capture_logs() as logs:
        user = says("gone", 5, None, {"staff": 1}, "staff", groups={"gone": "nowhere", "staff": "staff"})
    assert user.groups == ["staff"]
    assert [line["groups"] for line in logs if line["event"] == "upstream.groups_left_out"] == [["nowhere"]]
    with capture_logs() as logs:
        assert says("staff", "two words", "ä", "*", "x" * 300, "", **SAME_NAMES).groups == ["staff"]
    assert logs == [], "groups of other systems are not news"


def test_values_without_an_entry_can_be_groups_of_the_same_name(says: Says) -> None:
    assert says("board", "staff", "elsewhere", **SAME_NAMES).groups == ["board", "staff"]
    own = {**SAME_NAMES, "groups": {"*": "*", "staff": "shop-editors"}}
    assert says("board", "staff", **own).groups == ["board", "shop-editors"]


def test_only_an_entry_gives_a_group_that_gives_permissions(says: Says, work: Work) -> None:
    """N-509."""
    values = ("administrators", "support", "helpdesk", "board")
    user = says(*values, **SAME_NAMES)
    assert (user.groups, user.effective_roles) == (["board"], [])
    user = says("ops", **SAME_NAMES)
    assert (user.groups, user.effective_roles) == (["administrators"], ["admin"])
    says("board", **SAME_NAMES)
    with work() as w:
        put_group(w, "board", GroupSettings(roles=("auditor",)))
    assert says("board", **SAME_NAMES).groups == [], "a group that gives permissions since"
    assert roles_with(Permission.APPLICATIONS_TRUST) == ["admin"], "who saves the entry may give each permission"


def test_a_user_is_in_no_more_groups_than_there_may_be(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    """N-510."""
    monkeypatch.setattr(members, "MOST_GROUPS", 2)
    with capture_logs() as logs:
        assert says("board", "shop-editors", "staff", **SAME_NAMES).groups == ["board", "shop-editors"]
    assert logs[0]["groups"] == ["staff"]
    assert says("staff", **SAME_NAMES).groups == ["staff"]


def test_a_sign_in_without_changes_writes_nothing(says: Says, work: Work) -> None:
    before = says("staff")
    after = says("staff")
    assert (after.groups, after.updated_at) == (before.groups, before.updated_at)
    assert len(changes_of(work, after.id)) == 1


def test_groups_are_carried_through_a_sign_up_that_asks(traveller: Traveller, work: Work) -> None:
    declare(
        work,
        "number",
        "number",
        required_at=["sign-up"],
        seen_by=EVERYONE,
        edited_by=EVERYONE,
        shown_at=["sign-up"],
    )
    traveller.provider.claims["realm"] = {"groups": ["editors", "x"]}
    assert "A few more details are needed." in traveller.sign_in().text
    traveller.browser.submit({"attributes.number": "42"})
    assert find_user(work).groups == ["shop-editors"]
