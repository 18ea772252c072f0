"""Claim mappings: declared by the admin API and in the console, and what an application would get for a user."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.accounts.store import users
from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import parse_declaration
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.tokens.claim_mappings import create_mapping
from provider.work import Installation
from tests.admin.conftest import Console, Program, action_form, events, person_token
from tests.support.claim_mappings import SHOP, declare_attribute, give_attributes, join_groups, map_claim
from tests.support.factories import REDIRECT_URI, make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS

PATH = "/claim-mappings"
GROUPS: dict[str, Any] = {"claim": "groups", "client_id": "k8s", "source": "groups", "prefix": "k8s-"}


@pytest.fixture
def k8s(work: Work) -> str:
    with work() as w:
        create_client(
            w,
            ClientMetadata(client_name="Kubernetes", redirect_uris=(REDIRECT_URI,), scope="openid shop groups"),
            client_id="k8s",
        )
    return "k8s"


def names(work: Work) -> list[str]:
    with work() as w:
        return [one.name for one in store.find_all(w.read)]


@pytest.mark.both_databases
def test_a_mapping_is_declared_changed_and_deleted_by_the_admin_api(
    operator: Program, reader: Program, work: Work, k8s: str
) -> None:
    refused = operator("PUT", f"{PATH}/shop", **SHOP)
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:signet:problem:invalid-claim-mapping")
    assert "no attribute customer_number" in refused.json()["detail"]
    declare_attribute(work, "customer_number")
    assert operator("PUT", f"{PATH}/shop", **SHOP).status_code == 200
    assert operator("PUT", f"{PATH}/groups", **GROUPS | {"client_id": "nope"}).status_code == 400
    made = operator("PUT", f"{PATH}/groups", **GROUPS | {"only": ["k8s-a", "k8s-b"]})
    assert made.json()["only"] == {"k8s-a": "k8s-a", "k8s-b": "k8s-b"}
    again = operator("PUT", f"{PATH}/others", **GROUPS)
    assert "set by the mapping groups" in again.json()["detail"]
    assert operator("PUT", f"{PATH}/sub", **GROUPS | {"claim": "email_verified"}).status_code == 400
    assert operator("PUT", f"{PATH}/Two%20words", **GROUPS).status_code == 400
    stale = reader("GET", f"{PATH}/groups").headers["etag"]
    assert operator("PUT", f"{PATH}/groups", **GROUPS).status_code == 200
    assert operator("PUT", f"{PATH}/groups", seen=stale, **GROUPS).status_code == 412
    assert [one["name"] for one in reader.get(PATH)["mappings"]] == ["groups", "shop"]
    assert events(work, "claim_mapping.updated")[0]["changed"] == ["only"]
    assert operator("DELETE", f"{PATH}/shop").status_code == 204
    assert operator("DELETE", f"{PATH}/shop").status_code == 404
    assert operator("DELETE", "/clients/k8s").status_code == 204
    assert names(work) == []


@pytest.mark.both_databases
def test_a_mapping_that_another_request_declares_meanwhile_is_replaced(work: Work) -> None:
    """N-582."""
    tier: dict[str, Any] = {"claim": "tier", "scope": "profile", "source": "constant"}
    with ThreadPoolExecutor(1) as other:
        with work() as w:
            create_mapping(w, "tier", parse_declaration(tier | {"value": "gold"}))
            replaced = other.submit(map_claim, work, "tier", **tier, value="silver")
            time.sleep(0.2)  # so that it sees that there is none, if it looks before it waits
        replaced.result(60)
    with work() as w:
        assert [(one.name, one.value) for one in store.find_all(w.read)] == [("tier", "silver")]


def test_a_preview_shows_what_would_be_issued_and_is_recorded(
    operator: Program, work: Work, k8s: str, ada: str
) -> None:
    """N-331: a preview signs and issues nothing, and the audit log says who looked at whom."""
    declare_attribute(work, "customer_number")
    give_attributes(work, ada, customer_number="4711")
    join_groups(work, ada, "k8s-dev", "staff")
    map_claim(work, "shop", **SHOP)
    map_claim(work, "groups", **GROUPS | {"strip_prefix": True})
    shown = operator.get(f"/claims-preview?client_id={k8s}&user_id={ada}")
    for place in ("id_token", "access_token", "userinfo", "introspection"):
        assert shown[place]["customer"] == "4711", place
        assert shown[place]["groups"] == ["dev"], place
    shown = operator.get(f"/claims-preview?client_id={k8s}&user_id={ada}&scope=groups")
    assert not shown.keys() & {"id_token", "userinfo"}
    assert shown["access_token"]["groups"] == ["dev"]
    assert "customer" not in shown["access_token"]
    assert operator("GET", f"/claims-preview?client_id={k8s}&user_id={ada}&scope=email").status_code == 400
    assert operator("GET", f"/claims-preview?client_id={k8s}&user_id=nope").status_code == 404
    assert operator("GET", f"/claims-preview?client_id=nope&user_id={ada}").status_code == 404
    recorded = events(work, "client.claims_previewed")
    assert [one["scopes"] for one in recorded][-1] == ["openid", "shop", "groups"]
    assert len(recorded) == 2


def test_a_mapping_is_declared_changed_and_deleted_in_the_console(console: Console, work: Work, k8s: str) -> None:
    assert "No claims of your own yet." in console.open("/claims").text
    asked = console.open(f"/claims/new?client_id={k8s}")
    given = {"name": "groups", "claim": "policy", "source": "groups", "only": "admins consoleAdmin\nstaff"}
    page = console.browser.submit(given, action=action_form(asked).action)
    assert "Claim mapping declared." in page.text
    with work() as w:
        found = store.find(w.read, "groups")
    assert found is not None
    assert (found.client_id, found.claim, found.only) == (
        k8s,
        "policy",
        {"admins": "consoleAdmin", "staff": "staff"},
    )
    assert "policy" in console.open("/claims").text
    console.open("/claims/claim?name=groups")
    page = console.browser.submit({"claim": "sub"})
    assert page.status == 400
    assert "is set by Signet" in page.text
    console.open("/claims/claim?name=groups")
    page = console.browser.submit({"source": "constant", "value": '["readonly"]', "why": "Simpler"})
    assert "Claim mapping updated." in page.text
    with work() as w:
        found = store.find(w.read, "groups")
    assert found is not None
    assert (found.source, found.value, found.only) == ("constant", ["readonly"], None)
    page = console.act("/claims/claim/delete?name=groups", why="Unused")
    assert "Claim mapping deleted." in page.text
    assert names(work) == []


def test_the_page_of_a_client_previews_its_claims(console: Console, work: Work, k8s: str, ada: str) -> None:
    map_claim(work, "tier", claim="tier", client_id=k8s, source="constant", value="gold")
    page = console.open(f"/clients/client/claims?client_id={k8s}")
    assert "tier" in page.text
    page = console.open(f"/clients/client/claims?client_id={k8s}&user={ada}&scope=openid")
    assert page.text.count('"tier": "gold"') == 4
    assert json.dumps(ada) in page.text
    for query, said in (("user=nobody@example.test", "user"), (f"user={ada}&scope=email", "scope email")):
        page = console.open(f"/clients/client/claims?client_id={k8s}&{query}")
        assert page.status == 400
        assert said in page.text


def beyond(work: Work) -> list[str]:
    """Names of mappings that only an administrator may change: of clients beyond an app manager, and of all clients."""
    with work() as w:
        for client_id, more in (("portal", {"first_party": True}), ("scripts", {"scope": "openid admin:write"})):
            given: dict[str, Any] = {
                "client_name": client_id,
                "redirect_uris": (REDIRECT_URI,),
                "scope": "openid",
                **more,
            }
            create_client(w, ClientMetadata(**given), client_id=client_id)
    for client_id in ("portal", "scripts"):
        map_claim(work, client_id, claim="tier", client_id=client_id, source="constant", value="gold")
    map_claim(work, "everywhere", claim="level", scope="profile", source="constant", value="gold")
    return ["portal", "scripts", "everywhere"]


def test_an_app_manager_changes_claims_of_own_applications_alone(
    client: TestClient, work: Work, installation: Installation, k8s: str
) -> None:
    """N-637."""
    theirs = beyond(work)
    token = person_token(client, work, installation, roles=("app-manager",), amr=TWO_FACTORS, scope="admin:write")
    manager = Program(client, token)
    admins: dict[str, Any] = {"claim": "groups", "source": "constant", "value": ["admins"]}
    for case in ({"client_id": "portal"}, {"client_id": "scripts"}, {"scope": "profile"}):
        answer = manager("PUT", f"{PATH}/x", **admins, **case)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:signet:problem:more-permissions")
    for name in theirs:
        assert manager("PUT", f"{PATH}/{name}", **admins, client_id=k8s).status_code == 403  # it would be taken away
        assert manager("DELETE", f"{PATH}/{name}").status_code == 403
    assert manager("PUT", f"{PATH}/own", **admins, client_id=k8s).status_code == 200
    assert manager("PUT", f"{PATH}/own", **admins, client_id="portal").status_code == 403
    assert manager("PUT", f"{PATH}/own", **admins, client_id="nope").status_code == 400
    assert manager("DELETE", f"{PATH}/nope").status_code == 404
    assert manager("DELETE", f"{PATH}/own").status_code == 204
    assert names(work) == sorted(theirs)


def test_an_app_manager_changes_claims_of_own_applications_alone_in_the_console(
    console: Console, work: Work, k8s: str
) -> None:
    theirs = beyond(work)
    said = {
        "portal": "Only an administrator can register or change applications with first_party.",
        "scripts": "Only an administrator can register or change applications with the scope admin:write.",
        "everywhere": "The user, role or application has more permissions than you have.",
    }
    with work() as w:
        make_user(w, "boss@example.test", roles=("admin",))
        users.set_roles(w.db, console.user_id, ["app-manager"], now=w.now)
    asked = console.open("/claims/new?client_id=portal")
    given = {"name": "x", "claim": "policy", "source": "constant", "value": '"admins"'}
    page = console.browser.submit(given, action=action_form(asked).action)
    assert (page.status, said["portal"] in page.text) == (403, True)
    for name in theirs:
        console.open(f"/claims/claim?name={name}")
        page = console.browser.submit({"client_id": k8s})
        assert (page.status, said[name] in page.text) == (403, True)
        page = console.act(f"/claims/claim/delete?name={name}", why="Unused")
        assert (page.status, said[name] in page.text) == (403, True)
    assert names(work) == sorted(theirs)
    asked = console.open(f"/claims/new?client_id={k8s}")
    assert "Claim mapping declared." in console.browser.submit(given, action=action_form(asked).action).text
