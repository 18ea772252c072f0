"""Users and groups at an app that has a SCIM service (RFC 7644): created, changed, deactivated, sent again."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from provider.accounts import profile, suspension, users
from provider.accounts.email import operator_changes
from provider.accounts.groups import groups as groups_rules
from provider.accounts.groups import members
from provider.accounts.groups.groups import GroupSettings
from provider.oauth.clients import clients
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.provisioning import connections
from provider.provisioning.remote import Rejected, Remote
from provider.provisioning.settings import ProvisioningSettings, parse_settings
from provider.scim.outbound.sending import send
from provider.scim.outbound.wanted import Wanted
from tests.provisioning.conftest import Provision, Provisioner
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.scim_app import TOKEN, ScimApp, refuse

ADA, GRACE = "ada@example.test", "grace@example.test"


def make_group(work: Work, name: str, *user_ids: str, groups: tuple[str, ...] = ()) -> None:
    with work() as w:
        groups_rules.create_group(w, name, GroupSettings(groups=groups))
        for user_id in user_ids:
            members.add_member(w, name, user_id=user_id)


def test_a_user_is_created_changed_deactivated_and_active_again_at_the_app(
    provision: Provision, work: Work, scim_app: ScimApp
) -> None:
    app = provision()
    with work() as w:
        ada = make_user(w, ADA, given_name="Ada", family_name="Lovelace", name="Ada Lovelace")
    app.run()
    user = scim_app.users[ADA]
    assert (user["externalId"], user["active"], user["name"]["givenName"]) == (ada, True, "Ada")
    assert user["emails"][0]["value"] == ADA
    assert "roles" not in user
    assert "groups" not in user
    with work() as w:
        profile.change_profile(w, user_id=ada, claims={"given_name": "Augusta"})
        operator_changes.set_address(w, user_id=ada, email="augusta@example.test")
    app.run()
    assert scim_app.users["augusta@example.test"]["id"] == user["id"]
    assert scim_app.users["augusta@example.test"]["name"]["givenName"] == "Augusta"
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    app.run()
    assert scim_app.users["augusta@example.test"]["active"] is False
    assert (app.counts.users, app.counts.deactivated) == (0, 1)
    with work() as w:
        suspension.restore(w, user_id=ada)
    app.run()
    assert scim_app.users["augusta@example.test"]["active"] is True
    scim_app.asked()
    app.run(minutes=10)
    assert scim_app.server.requests == []  # nothing is left
    row = app.of(ada)
    assert row is not None
    assert (row.state, row.remote_id, row.error) == ("current", user["id"], None)
    assert row.version


def test_a_deleted_user_is_deactivated_or_deleted_as_the_operator_chose(
    provision: Provision, work: Work, scim_app: ScimApp
) -> None:
    app = provision()
    with work() as w:
        ada, grace = make_user(w, ADA), make_user(w, GRACE)
    app.run()
    with work() as w:
        users.delete_user(w, user_id=ada)
    app.run()
    assert scim_app.users[ADA]["active"] is False
    assert app.of(ada) is None  # nothing is kept of a user who is gone
    with work() as w:
        connections.put(w, app.client_id, parse_settings({"base_url": scim_app.url, "on_deletion": "delete"}))
        users.delete_user(w, user_id=grace)
    app.run()
    assert GRACE not in scim_app.users


def test_changes_in_a_row_are_one_request_with_the_last_state(
    provision: Provision, work: Work, scim_app: ScimApp
) -> None:
    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
    app.run()
    scim_app.asked()
    for name in ("A", "B", "C"):
        with work() as w:
            profile.change_profile(w, user_id=ada, claims={"given_name": name})
    app.run()
    assert len(scim_app.asked("PUT", "POST", "PATCH")) == 1
    assert scim_app.users[ADA]["name"]["givenName"] == "C"
    with work() as w:  # and back, before anything was sent
        profile.change_profile(w, user_id=ada, claims={"given_name": "D"})
        profile.change_profile(w, user_id=ada, claims={"given_name": "C"})
    app.run()
    assert scim_app.asked("PUT", "POST", "PATCH") == []


def test_a_group_is_pushed_with_the_members_the_app_has(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    """Members of contained groups are members: apps seldom know nested groups."""
    with work() as w:
        ada, grace = make_user(w, ADA), make_user(w, GRACE)
    make_group(work, "inner", grace)
    make_group(work, "staff", ada, groups=("inner",))
    app = provision(push_groups=["staff"])
    app.run()

    def names() -> list[str]:
        ids = {user["id"]: name for name, user in scim_app.users.items()}
        return sorted(ids[one["value"]] for one in scim_app.groups["staff"].get("members") or [])

    assert names() == [ADA, GRACE]
    assert list(scim_app.groups) == ["staff"]
    with work() as w:
        members.remove_member(w, "inner", user_id=grace)
    app.run()
    assert names() == [ADA]
    with work() as w:
        members.add_member(w, "inner", user_id=grace)
        suspension.suspend(w, user_id=ada, reason=None)
    app.run()
    assert names() == [GRACE]
    with work() as w:
        groups_rules.change_group(w, "staff", GroupSettings(display_name="All staff", groups=("inner",)))
    app.run()
    assert list(scim_app.groups) == ["All staff"]
    with work() as w:
        groups_rules.delete_group(w, "staff")
    app.run()
    assert scim_app.groups == {}


def test_only_users_who_may_sign_in_to_the_app_are_there(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    with work() as w:
        ada, grace = make_user(w, ADA), make_user(w, GRACE, roles=("editor",))
        make_user(w, "unverified@example.test", verified=False)
    make_group(work, "staff", ada)
    app = provision({"allowed_groups": ("staff",)})
    app.run()
    assert set(scim_app.users) == {ADA}
    with work() as w:
        client = clients.find_client(w, app.client_id)
        assert client is not None
        changed = client.metadata.as_json() | {"allowed_groups": [], "allowed_roles": ["editor"]}
        clients.update_client(w, app.client_id, parse_metadata(changed))
    app.run()
    assert {name: user["active"] for name, user in scim_app.users.items()} == {ADA: False, GRACE: True}
    with work() as w:
        users.set_roles(w, user_id=grace, roles=[])
        users.set_roles(w, user_id=ada, roles=["editor"])
    app.run()
    assert {name: user["active"] for name, user in scim_app.users.items()} == {ADA: True, GRACE: False}


def test_only_members_of_listed_groups_are_there(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    with work() as w:
        ada, _ = make_user(w, ADA), make_user(w, GRACE)
    make_group(work, "staff", ada)
    app = provision(members_of=["staff"])
    app.run()
    assert set(scim_app.users) == {ADA}
    with work() as w:
        groups_rules.delete_group(w, "staff")
    app.run()
    assert scim_app.users[ADA]["active"] is False


def test_a_pairwise_app_gets_its_own_identifier(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    """OIDC Core section 8.1."""
    app = provision({"subject_type": "pairwise"})
    with work() as w:
        ada = make_user(w, ADA)
    app.run()
    assert scim_app.users[ADA]["externalId"] != ada
    assert ada not in str(scim_app.users)


def test_a_user_the_app_has_already_is_adopted(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    existing = scim_app.add(userName="ADA@example.test", displayName="Before")
    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
    app.run()
    assert [user["id"] for user in scim_app.users.values()] == [existing]
    assert scim_app.users[ADA]["externalId"] == ada


def test_an_account_of_another_user_is_never_adopted_by_its_name(
    provision: Provision, work: Work, scim_app: ScimApp
) -> None:
    """N-372. A recycled address: the account at the app has the identifier of the user who had it before."""
    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
    app.run()
    with work() as w:
        users.delete_user(w, user_id=ada)
    app.run()
    with work() as w:
        another = make_user(w, ADA)
    app.run()
    assert (scim_app.users[ADA]["externalId"], scim_app.users[ADA]["active"]) == (ada, False)
    row = app.of(another)
    assert row is not None
    assert row.error is not None
    assert "409" in row.error


def test_an_account_of_another_user_is_not_adopted_where_the_app_keeps_no_identifiers() -> None:
    """N-567: it has the name, and we know that it is the account of another user of ours."""

    class Forgetful:
        def find(self, _endpoint: str, attribute: str, _value: str) -> Remote | None:
            return Remote("7", None) if attribute == "userName" else None

        def create(self, _endpoint: str, _resource: Any) -> Remote:
            raise Rejected("the name is taken", status=409)

        def replace(self, _endpoint: str, remote_id: str, _resource: Any) -> Remote:
            raise AssertionError(remote_id)

    service, known = Forgetful(), SimpleNamespace(remote_id=None, tried=False)
    wanted = Wanted("Users", "another", "userName", {"userName": ADA}, exists=True)
    with pytest.raises(Rejected):
        send(cast("Any", service), wanted, cast("Any", known), "deactivate", is_free=lambda _id: False)


def test_what_the_app_lost_is_created_again(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    with work() as w:
        ada, grace = make_user(w, ADA), make_user(w, GRACE)
    make_group(work, "staff", ada, grace)
    app = provision(push_groups=["staff"])
    app.run()
    scim_app.lose_all()
    with work() as w:  # a change finds out for one user
        profile.change_profile(w, user_id=ada, claims={"given_name": "Ada"})
    app.run()
    assert set(scim_app.users) == {ADA}
    with work() as w:
        connections.resync(w, app.client_id)
    app.run()
    assert set(scim_app.users) == {ADA, GRACE}
    assert {one["value"] for one in scim_app.groups["staff"]["members"]} == {
        user["id"] for user in scim_app.users.values()
    }
    assert (app.counts.users, app.counts.groups, app.counts.pending) == (2, 1, 0)
    assert (app.connection.scan, app.connection.scanned) == ("none", 2)


def test_an_app_that_is_away_gets_all_when_it_is_back(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    app = provision()
    app.run()
    scim_app.always = refuse("503 Service Unavailable", Retry_After="120")
    with work() as w:
        for number in range(3):
            make_user(w, f"user{number}@example.test")
    app.run()
    assert len(scim_app.asked("GET", "POST")) == 1  # not one request for each user
    assert app.connection.error == "it answered 503"
    app.run(minutes=1.9)
    assert scim_app.asked("GET", "POST") == []
    scim_app.always = None
    app.run(minutes=0.2)
    app.run(minutes=20)  # the one that waited longest
    assert len(scim_app.users) == 3
    assert app.connection.error is None
    assert all_current(app)


def test_a_connection_that_fails_is_tried_less_and_less_often(
    provision: Provision, work: Work, scim_app: ScimApp
) -> None:
    app = provision()
    with work() as w:
        make_user(w, ADA)
    scim_app.always = lambda connection, _request: connection.close()
    tries = 0
    for _ in range(24):
        app.run(minutes=5)
        tries += bool(scim_app.asked("GET"))
    assert 8 <= tries <= 16
    scim_app.always = None
    app.run(minutes=15)
    assert set(scim_app.users) == {ADA}


def test_a_rejected_token_stops_all_until_an_operator_acts(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    """N-373."""
    app = provision()
    scim_app.token = "another"
    with work() as w:
        ada = make_user(w, ADA)
    app.run()
    app.run(minutes=60)
    assert len(scim_app.asked("GET", "POST")) == 1
    assert app.connection.stopped_at is not None
    assert TOKEN not in (app.connection.error or "")
    with work() as w:
        connections.put(w, app.client_id, ProvisioningSettings.of(app.connection), token="another")
    app.run()
    assert scim_app.users[ADA]["externalId"] == ada
    assert app.connection.stopped_at is None


def test_a_user_the_app_rejects_does_not_stop_the_others(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    app = provision()
    with work() as w:
        ada = make_user(w, ADA, given_name="x")
    reject = refuse("400 Bad Request", f"no x please, {TOKEN}\n\x1b[31m")
    scim_app.always = lambda connection, request: (reject if ADA in request.body.decode() else scim_app.serve)(
        connection, request
    )
    app.run()
    with work() as w:
        make_user(w, GRACE)
    for _ in range(10):
        app.run(minutes=20)
    assert set(scim_app.users) == {GRACE}
    row = app.of(ada)
    assert row is not None
    assert (row.state, row.error) == ("failed", "it answered 400: no x please, … [31m")
    assert app.counts.failed == 1
    scim_app.always = None
    with work() as w:
        assert connections.retry(w, app.client_id, kind="user", key=ada) == 1
    app.run()
    assert set(scim_app.users) == {ADA, GRACE}


def test_a_lost_response_creates_no_second_account(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    """N-374. As if the worker had been killed after the app created the user."""
    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
    scim_app.trouble = [scim_app.serve, scim_app.serve, scim_app.serve_and_lose]
    app.run()
    assert app.connection.error is not None
    app.run(minutes=1)
    assert len(scim_app.users) == 1  # which also looks for two of one name
    row = app.of(ada)
    assert row is not None
    assert row.remote_id == scim_app.users[ADA]["id"]


def test_a_user_who_left_before_the_response_is_deactivated(
    provision: Provision, work: Work, scim_app: ScimApp
) -> None:
    """N-375. Created at the app, the response lost, then suspended here: it must not stay active there."""
    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
    scim_app.trouble = [scim_app.serve, scim_app.serve, scim_app.serve_and_lose]
    app.run()
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    app.run(minutes=1)
    assert scim_app.users[ADA]["active"] is False


def test_what_changes_while_it_is_sent_is_sent_again(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    """N-376."""
    app = provision()
    with work() as w:
        ada = make_user(w, ADA, given_name="Ada")

    def change_meanwhile(connection: object, request: object) -> None:
        with work() as w:
            profile.change_profile(w, user_id=ada, claims={"given_name": "Augusta"})
        scim_app.serve(connection, request)  # type: ignore[arg-type]  # it is a Behaviour

    scim_app.trouble = [scim_app.serve, scim_app.serve, change_meanwhile]
    app.run()
    assert scim_app.users[ADA]["name"]["givenName"] == "Augusta"


def test_an_app_without_patch_is_sent_the_whole_user(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    """RFC 7644 section 3.5.2: PATCH is optional."""
    app = provision()
    with work() as w:
        ada = make_user(w, ADA, given_name="Ada")
    app.run()
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    scim_app.trouble = [refuse("501 Not Implemented")]
    app.run()
    assert scim_app.users[ADA]["active"] is False
    assert scim_app.users[ADA]["name"]["givenName"] == "Ada"


def test_nothing_is_sent_while_it_is_off_and_all_afterwards(
    provision: Provision, work: Work, scim_app: ScimApp
) -> None:
    app = provision()
    app.run()
    with work() as w:
        connections.disable(w, app.client_id)
        ada = make_user(w, ADA)
    app.run(minutes=10)
    assert scim_app.server.requests == []
    with work() as w:
        connections.enable(w, app.client_id)
    app.run()
    assert scim_app.users[ADA]["externalId"] == ada


def test_another_url_begins_with_nothing_known(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    app = provision()
    with work() as w:
        make_user(w, ADA)
    app.run()
    scim_app.lose_all()
    with work() as w:
        wanted = parse_settings({"base_url": scim_app.server.url("/v2", "127.0.0.1")})
        connections.put(w, app.client_id, wanted, token=TOKEN)
    app.run()
    assert set(scim_app.users) == {ADA}
    assert not any(request.method == "PUT" for request in scim_app.server.requests)


def all_current(app: Provisioner) -> bool:
    return app.counts.pending == app.counts.failed == 0
