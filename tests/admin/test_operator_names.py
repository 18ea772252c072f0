"""Each way for an operator to act records who it was, in the form in which the audit log is searched."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.accounts.roles.permissions import EVERYTHING
from provider.audit.events import Event
from provider.operator_names import OperatorKind, OperatorName
from provider.operators.audit import audit_log
from provider.operators.imports import jobs
from provider.work import Installation
from tests.admin.conftest import Console, Program, action_form, person_token
from tests.scim.conftest import directory_of
from tests.support.deliveries import deliver_due
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, RelyingParty

WAYS = ("console", "selected", "matching", "client", "person", "scim")


def found(work: Work, operator: str, event: Event) -> set[str | None]:
    """The users of the events with this name that the audit log has for an operator."""
    with work() as w:
        wanted = audit_log.filters(w, operator=operator, name=event)
        events, _ = audit_log.find_page(w, wanted, after=None, limit=50)
        return {event.user_id for event in events}


def test_the_audit_log_finds_by_operator_what_was_done_in_each_way(
    console: Console, client: TestClient, work: Work, installation: Installation
) -> None:
    own: dict[str, Any] = {"redirect_uris": (), "grant_types": ("client_credentials",)}
    with work() as w:
        users = {way: make_user(w, f"ada@{way}.example") for way in WAYS}
        admin_api, secret = make_client(w, **own, scope="admin:write")
        w.origin = w.origin.of_operator(OperatorName.user(console.user_id))
        jobs.upload(
            w, content=b"email\nada@import.example\n", permissions=EVERYTHING, update=False, invite=False, dry_run=False
        )
    console.act(f"/users/{users['console']}/suspend")
    for query in (
        f"selected?action=suspend&user-{users['selected']}=on",
        "matching?action=suspend&q=@matching.example",
    ):
        console.browser.submit({"why": ""}, action=action_form(console.open(f"/users/{query}")).action)
    while deliver_due(installation):
        pass
    token = RelyingParty(client, admin_api, secret).client_credentials().access_token
    Program(client, token)("POST", f"/users/{users['client']}/suspend", reason="x")
    directory = directory_of(work, client)
    directory.patch(f"/Users/{users['scim']}", {"op": "replace", "path": "active", "value": False})
    page = console.open("/audit?operator=operator@example.test&name=account.suspended")
    for way in ("console", "selected", "matching"):
        assert f"operator@example.test suspended ada@{way}.example" in page.text
    token = person_token(client, work, installation, roles=("admin",), amr=TWO_FACTORS, scope="admin:write")
    Program(client, token)("POST", f"/users/{users['person']}/suspend", reason="x")
    for operator, ways in (
        (console.user_id, {"console", "selected", "matching"}),
        (admin_api.client_id, {"client"}),
        (directory.client_id, {"scim"}),
        ("11111@example.test", {"person"}),  # of `person_token`
    ):
        assert found(work, operator, Event.ACCOUNT_SUSPENDED) == {users[way] for way in ways}, ways
    assert len(found(work, console.user_id, Event.ACCOUNT_CREATED)) == 1  # by the import


def test_an_operator_is_read_as_it_was_written() -> None:
    for operator in (
        OperatorName.user("0190b0f0-0000-7000-8000-000000000001"),
        OperatorName.client("https://agent.example/client two"),
        OperatorName(OperatorKind.COMMAND, "doctor"),
    ):
        assert OperatorName.parse(str(operator)) == operator
    for text in ("", "user", "user ", "0190b0f0-0000-7000-8000-000000000001", "robot 1"):
        with pytest.raises(ValueError, match=r"(?i)operator"):
            OperatorName.parse(text)
