"""Provisioning in the admin API and in the console: set up, shown, tested, resynced and retried."""

from typing import Any

import pytest

from provider.config.settings import Settings
from provider.outbox import relay
from provider.provisioning.store import connections as store
from provider.work import Installation
from tests.admin.conftest import Console, Program, action_form, events, person_token
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.deliveries import deliver_due
from tests.support.factories import make_client
from tests.support.foreign_server import ForeignServer
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS
from tests.support.relying_party import TWO_FACTORS
from tests.support.scim_app import TOKEN, ScimApp, refuse


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


@pytest.fixture
def scim_app(foreign_server: ForeignServer) -> ScimApp:
    return ScimApp(foreign_server)


@pytest.fixture
def client_id(work: Work) -> str:
    with work() as w:
        return make_client(w, client_name="Shop")[0].client_id


def run(installation: Installation) -> None:
    while relay.find_due(installation):
        if not deliver_due(installation):
            return


def test_provisioning_by_the_admin_api(
    operator: Program,
    reader: Program,
    work: Work,
    scim_app: ScimApp,
    installation: Installation,
    client_id: str,
    ada: str,
) -> None:
    at = f"/provisioning/{client_id}"
    assert reader("GET", at).status_code == 404
    given = {"base_url": scim_app.url + "/", "token": TOKEN}
    assert operator("PUT", at, **given | {"push_groups": ["nope"]}).status_code == 400
    made = operator("PUT", at, **given)
    assert (made.status_code, made.json()["base_url"], made.json()["disabled"]) == (200, scim_app.url, False)
    assert TOKEN not in made.text + reader("GET", at).text
    run(installation)
    [shown] = reader.get(f"/provisioning-states?client_id={client_id}")["states"]
    assert (shown["state"], shown["users"], shown["pending"], shown["scanned"]) == ("on", 1, 0, 1)
    assert [one["client_id"] for one in reader.get("/provisioning")["provisionings"]] == [client_id]
    [listed] = reader.get(f"/provisioned-resources?client_id={client_id}")["resources"]
    assert (listed["kind"], listed["key"], listed["state"]) == ("user", ada, "current")
    assert reader.get(f"/provisioned-resources?client_id={client_id}&state=failing")["resources"] == []
    assert reader.get(f"/users/{ada}/provisioned")["resources"] == [listed]
    assert operator("POST", f"{at}/test").json() == {"patch": True, "filter": True}
    assert operator("POST", f"{at}/resync").status_code == 204
    run(installation)
    assert operator("POST", f"{at}/disable").status_code == 204
    assert operator("POST", f"{at}/resync").status_code == 409
    assert operator("POST", f"{at}/enable").status_code == 204
    assert operator("POST", f"{at}/retry", kind="user", key=ada).json() == {"count": 0}
    assert reader("POST", f"{at}/resync").status_code == 403
    assert operator("DELETE", at).status_code == 204
    assert reader("GET", at).status_code == 404
    recorded = ("created", "disabled", "enabled", "resync_started", "deleted")
    assert all(events(work, f"provisioning.{name}") for name in recorded)
    assert TOKEN not in str([events(work, f"provisioning.{name}") for name in recorded])


@in_one_world(
    ("change", "member"),
    [
        ({"base_url": "http://app.example.test/scim"}, "base_url"),
        ({"base_url": "https://10.0.0.1/scim"}, "base_url"),
        ({"base_url": "https://169.254.169.254/scim"}, "base_url"),
        ({"base_url": "https://user:secret@app.example.test/scim"}, "base_url"),
        ({"base_url": "https://app.example.test/scim?x=1"}, "base_url"),
        ({"token": "two words"}, "token"),
        ({"token": "line\r\nX-Header: 1"}, "token"),
        ({"on_deletion": "forget"}, "on_deletion"),
    ],
)
def test_what_provisioning_can_not_be_is_rejected(
    operator: Program, work: Work, client_id: str, change: dict[str, str], member: str
) -> None:
    """N-377: an address inside the network, and a token that would write headers."""
    given = {"base_url": "https://app.example.test/scim", "token": TOKEN} | change
    refused = operator("PUT", f"/provisioning/{client_id}", **given)
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:signet:problem:invalid-provisioning")
    assert member in refused.json()["detail"]
    with work() as w:
        assert store.find(w.read, client_id) is None


def test_another_url_needs_the_token_again(operator: Program, scim_app: ScimApp, client_id: str) -> None:
    """N-378: an operator can't have the saved token sent to a server of their own."""
    at = f"/provisioning/{client_id}"
    assert operator("PUT", at, base_url=scim_app.url).status_code == 400
    assert operator("PUT", at, base_url=scim_app.url, token=TOKEN).status_code == 200
    assert operator("PUT", at, base_url=scim_app.url, on_deletion="delete").status_code == 200
    refused = operator("PUT", at, base_url="https://evil.example.test/scim")
    assert (refused.status_code, "token" in refused.json()["detail"]) == (400, True)


def test_who_can_not_read_users_can_not_send_them_elsewhere(
    browser: Browser, work: Work, installation: Installation, scim_app: ScimApp, client_id: str
) -> None:
    """N-379."""
    client = browser.client
    token = person_token(client, work, installation, roles=("app-manager",), amr=TWO_FACTORS, scope="admin:write")
    given = {"base_url": scim_app.url, "token": TOKEN}
    refused = Program(client, token)("PUT", f"/provisioning/{client_id}", **given)
    assert refused.status_code == 403
    assert "users:read" in refused.json()["detail"]
    at = f"/admin/clients/client/provisioning?client_id={client_id}"
    asked = browser.open(at)
    assert "users:read" in asked.text
    csrf_token = next(each.value for form in asked.forms for each in form.fields if each.name == "csrf_token")
    assert client.post(at, data={"csrf_token": csrf_token, **given}).status_code == 403
    with work() as w:
        assert store.find(w.read, client_id) is None


def test_a_connection_that_fails_says_why(operator: Program, scim_app: ScimApp, client_id: str) -> None:
    at = f"/provisioning/{client_id}"
    operator("PUT", at, base_url=scim_app.url, token="wrong")
    refused = operator("POST", f"{at}/test")
    assert (refused.status_code, refused.json()["type"]) == (502, "urn:signet:problem:provisioning-connection-failed")
    assert "401" in refused.json()["detail"]


def test_provisioning_in_the_console(
    console: Console, work: Work, scim_app: ScimApp, installation: Installation, client_id: str, ada: str
) -> None:
    at = f"/clients/client/provisioning?client_id={client_id}"
    asked = console.open(at)
    assert "It needs a SCIM 2.0 service." in asked.text
    page = console.browser.submit({"base_url": scim_app.url}, action=action_form(asked).action)
    assert page.status == 400
    assert "token is missing" in page.text
    given = {"base_url": scim_app.url, "token": TOKEN, "why": "Shop opened"}
    page = console.browser.submit(given, action=action_form(page).action)
    assert "Settings saved" in page.text
    assert TOKEN not in page.text
    reject = refuse("400 Bad Request", "no <b>Ada</b>")
    scim_app.always = lambda connection, request: (reject if ADDRESS in request.body.decode() else scim_app.serve)(
        connection, request
    )
    run(installation)
    page = console.open(at)
    assert ADDRESS in page.text
    assert "no &lt;b&gt;Ada" in page.html
    scim_app.always = None
    page = console.act(f"/clients/client/provisioning/retry-one?client_id={client_id}&kind=user&key={ada}")
    assert "It is sent again." in page.text
    run(installation)
    assert ADDRESS in scim_app.users
    assert "up to date" in console.open(f"{at}&show=all").text
    assert "up to date" in console.open(f"/users/{ada}/apps").text
    for name, said in (
        ("test", "The connection works."),
        ("resync", "Resync started."),
        ("retry", "Failed users and groups are sent again."),
        ("disable", "Provisioning turned off."),
        ("enable", "Provisioning turned on."),
        ("delete", "Provisioning deleted."),
    ):
        page = console.act(f"/clients/client/provisioning/{name}?client_id={client_id}", why="Because")
        assert said in page.text, name
