"""What each role of operators may do, page by page and operation by operation; and that no one gets beyond it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts import devices
from provider.accounts.roles import permissions as table
from provider.accounts.store import users
from provider.accounts.users import set_roles
from provider.audit.events import Event
from provider.audit.log import record
from provider.oauth.authorize.store import consents
from provider.oauth.clients import clients
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.operator_names import OperatorName
from provider.operators.bulk import actions as bulk
from provider.outbox.relay import PermanentFailure
from provider.web import cookies, csrf
from provider.webhooks import subscriptions
from provider.work import Installation
from tests.admin import needs
from tests.admin.conftest import BOTH, Console, Program, action_form, calls, filled, person_token, with_token
from tests.support.browser import Browser
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person

MAY = {
    "admin": {*needs.API.values(), *needs.CONSOLE.values()},
    "user-manager": {
        "overview:read",
        "users:read",
        "users:write",
        "roles:read",
        "groups:read",
        "groups:write",
        "outbox:read",
    },
    "app-manager": {"overview:read", "applications:read", "applications:write", "requests:read"},
    "auditor": {need for need in {*needs.API.values(), *needs.CONSOLE.values()} if need.endswith(":read")},
    "staff": set(),
    "shop:admin": set(),
}
"""The permissions of each role, and of two that are for apps only."""
FIRST_QUICK = ("user-manager", *(pytest.param(role, marks=pytest.mark.slow) for role in ("app-manager", "auditor")))


@pytest.fixture
def token_of(client: TestClient, work: Work, installation: Installation) -> Callable[..., Program]:
    """The admin API in the hands of a user with this role."""

    def token_of(role: str, *, scope: str = BOTH) -> Program:
        token = person_token(client, work, installation, roles=(role,), amr=TWO_FACTORS, scope=scope)
        client.cookies.clear()
        return Program(client, token)

    return token_of


def console_of(role: str, browser: Browser, work: Work, installation: Installation) -> Console:
    with work() as w:
        user_id = make_user(w, f"{role.replace(':', '-')}@example.test", roles=(role,))
    sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
    return Console(browser, user_id)


def roles_of(work: Work, user_id: str) -> list[str]:
    with work() as w:
        user = users.find(w.read, user_id)
    assert user is not None
    return user.roles


NEED_USERS_TOO = {
    ("GET", "/api/admin/claims-preview"),
    ("GET", "/api/admin/protected-site-preview"),
    ("POST", "/api/admin/provisioning/{client_id:path}/enable"),
}
"""The operations about applications that show or send users."""


READ_WITH = {"user-manager"}
"""The role whose operator also comes with a token for reading. What it allows is decided apart from the role."""


@pytest.mark.parametrize("role", FIRST_QUICK)
def test_each_operation_of_the_admin_api_is_for_the_roles_that_give_its_permission(
    role: str, token_of: Callable[..., Program], client: TestClient
) -> None:
    """With the scope for everything, a user does what the roles allow; with the one for reading, no more than read.

    `test_operators.py` asks for an admin and for a user without a role.
    """
    writer = token_of(role)
    reader = token_of(role, scope="admin:read") if role in READ_WITH else None
    for (method, path), need in needs.API.items():
        if (method, path) in NEED_USERS_TOO and "users:read" not in MAY[role]:
            assert with_token(client, (method, filled(path)), writer.token).status_code == 403
            continue
        may = need in MAY[role]
        for operator, allowed in ((writer, may), *([(reader, may and need.endswith(":read"))] if reader else [])):
            answer = with_token(client, (method, filled(path)), operator.token)
            assert (answer.status_code != 403) == allowed, (method, path, answer.text)
            assert answer.status_code != 500, (method, path, answer.text)
            if not allowed and operator is writer:
                assert answer.json()["type"] == "urn:signet:problem:insufficient_scope"
                assert [name for name in MAY if need in MAY[name] and name not in answer.json()["detail"]] == []


@pytest.mark.parametrize("role", [*FIRST_QUICK, "staff", pytest.param("admin", marks=pytest.mark.slow)])
def test_each_page_of_the_console_is_for_the_roles_that_give_its_permission(
    role: str, browser: Browser, work: Work, installation: Installation
) -> None:
    """The menu has the sections that open, and no other; a page that does not open names the roles that it needs."""
    http, console = browser.client, console_of(role, browser, work, installation)
    session = http.cookies[cookies.cookie_name(installation.settings, cookies.SESSION)]
    form = {csrf.FIELD: csrf.csrf_token(installation.vault, session)}
    for (method, path), need in needs.CONSOLE.items():
        given: dict[str, Any] = {} if method == "GET" else {"data": form}
        headers = {"origin": installation.settings.issuer}
        answer = http.request(method, filled(path), headers=headers, follow_redirects=False, **given)
        assert (answer.status_code != 403) == (need in MAY[role]), (method, path)
        assert answer.status_code != 500, (method, path)
        if answer.status_code == 403:
            assert [name for name in MAY if need in MAY[name] and name not in answer.text] == [], (method, path)
    menu = {link.removeprefix("/admin") for link in console.open("").links.values() if link.startswith("/admin")}
    sections = {path.removeprefix("/admin"): need for (method, path), need in needs.CONSOLE.items() if method == "GET"}
    del sections["/search"]
    top = {path: need for path, need in sections.items() if path.count("/") == 1}
    assert {path for path in top if path in menu} == ({path for path, need in top.items() if need in MAY[role]})


def test_the_account_page_leads_operators_of_each_role_to_the_console(
    new_browser: Callable[[], Browser], work: Work, installation: Installation
) -> None:
    for role, permissions in MAY.items():
        links = console_of(role, new_browser(), work, installation).browser.open("/account").links.values()
        assert ("/admin" in links) == bool(permissions), role


def taking_over(user_id: str, session_id: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Everything that the admin API can do to a user and to a session of theirs."""
    user = f"/users/{user_id}"
    return [
        ("PATCH", user, {"roles": []}),
        ("PATCH", user, {"email": "mine@example.test"}),
        ("PATCH", user, {"claims": {"name": "x"}}),
        ("DELETE", user, {}),
        ("POST", f"{user}/suspend", {"reason": "x"}),
        ("POST", f"{user}/restore", {}),
        ("POST", f"{user}/email", {"email": "mine@example.test"}),
        ("POST", f"{user}/email/cancel", {}),
        ("PUT", f"{user}/picture", {}),
        ("DELETE", f"{user}/picture", {}),
        ("POST", f"{user}/identities", {"issuer": "https://mine.example.test", "subject": "1"}),
        ("DELETE", f"{user}/identities/x", {}),
        ("POST", f"{user}/letters", {"purpose": "reset"}),
        ("DELETE", f"{user}/two-factor", {}),
        ("DELETE", f"{user}/authenticator-apps/x", {}),
        ("DELETE", f"{user}/passkeys/x", {}),
        ("DELETE", f"{user}/remembered-devices/x", {}),
        ("DELETE", f"{user}/consents/x", {}),
        ("DELETE", f"{user}/token-families/x", {}),
        ("DELETE", f"{user}/sessions", {}),
        ("POST", f"{user}/links", {"purpose": "reset"}),
        ("PATCH", f"/sessions/{session_id}", {"expires_at": "2030-01-01T00:00:00Z"}),
        ("DELETE", f"/sessions/{session_id}", {}),
    ]


def test_a_user_manager_never_changes_a_user_who_has_more_permissions(
    token_of: Callable[..., Program], client: TestClient, work: Work, installation: Installation
) -> None:
    """Each of these would be a way to take over the account of an administrator, or to shut them out."""
    manager = token_of("user-manager")
    about_users = [path for path, need in needs.API.items() if need == "users:write" and "_id}" in path[1]]
    about_users = [path for path in about_users if "/imports/" not in path[1]]
    assert {path for _, path, _ in taking_over("x", "x")} == {filled(path[10:]) for _, path in about_users}
    for role in ("admin", "auditor", "app-manager"):
        with work() as w:
            target = make_user(w, f"boss-{role}@example.test", roles=("staff", role))
        sign_in_person(client, installation, target, amr=TWO_FACTORS)
        client.cookies.clear()
        with work() as w:
            [session] = devices.find_sessions(w, target)
        steps = taking_over(target, session.id)
        for method, path, body in steps:
            answer = manager(method, path, **body)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:signet:problem:more-permissions"), path
            assert role in answer.json()["detail"]
        assert manager.get(f"/users/{target}")["roles"] == ["staff", role]
        assert manager.get(f"/users/{target}/sessions")["sessions"] != []


def test_a_user_manager_gives_no_role_that_gives_more(token_of: Callable[..., Program], work: Work, ada: str) -> None:
    manager = token_of("user-manager")
    for role in ("admin", "auditor", "app-manager"):
        for answer in (
            manager("PATCH", f"/users/{ada}", roles=["staff", role]),
            manager("POST", "/users", email="new@example.test", roles=[role]),
            manager("POST", "/users", email="new@example.test", roles=[role], invite=True),
        ):
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:signet:problem:more-permissions")
    assert roles_of(work, ada) == []
    assert manager.get("/users?email=new@example.test")["users"] == []
    for role in ("user-manager", "staff", "shop:admin"):
        assert manager("PATCH", f"/users/{ada}", roles=[role]).json()["roles"] == [role]


def test_the_console_offers_a_user_manager_nothing_for_a_user_with_more_permissions(
    browser: Browser, work: Work, installation: Installation, ada: str
) -> None:
    manager = console_of("user-manager", browser, work, installation)
    with work() as w:
        boss = make_user(w, "boss@example.test", roles=("admin",))
    shown = manager.open(f"/users/{boss}")
    assert shown.status == 200
    assert "This user has the role admin, which gives more permissions than you have." in shown.text
    below = {link for link in shown.links.values() if link.startswith(f"/admin/users/{boss}/")}
    assert below == {f"/admin/users/{boss}/{tab}" for tab in ("security", "sessions", "apps", "activity")}
    for action in ("suspend", "make-link", "email", "roles", "delete", "end-sessions"):
        assert manager.open(f"/users/{boss}/{action}").status == 403, action
    asked = manager.open(f"/users/selected?action=suspend&user-{boss}=on&user-{ada}=on")
    assert "You selected 1 user." in asked.text
    assert "1 user who has more permissions than you is left out." in asked.text


def test_the_console_lets_a_user_manager_give_no_role_that_gives_more(
    browser: Browser, work: Work, installation: Installation, ada: str
) -> None:
    manager = console_of("user-manager", browser, work, installation)
    told = "You can't give the role admin, because it gives more permissions than you have."
    assert told in manager.act(f"/users/{ada}/roles", roles="staff admin").text
    asked = manager.open("/users/new")
    new = {"email": "new@example.test", "roles": "admin"}
    assert told in browser.submit(new, action=action_form(asked).action).text
    assert told in manager.act(f"/users/{manager.user_id}/roles", roles="user-manager admin").text
    assert (roles_of(work, ada), roles_of(work, manager.user_id)) == ([], ["user-manager"])
    assert "Roles updated." in manager.act(f"/users/{ada}/roles", roles="staff").text


def test_a_job_for_many_users_is_done_only_while_its_operator_may_do_it(
    work: Work, installation: Installation, ada: str
) -> None:
    with work() as w:
        manager = make_user(w, "manager@example.test", roles=("user-manager",))
        boss = make_user(w, "boss@example.test", roles=("admin",))
    job = {"action": "suspend", "operator": manager, "why": ""}
    with pytest.raises(PermanentFailure, match="gives more permissions"):
        bulk.carry_out(installation, "job", {**job, "user_id": boss})
    with work() as w:
        set_roles(w, user_id=manager, roles=())
    with pytest.raises(PermanentFailure, match="no longer has permission"):
        bulk.carry_out(installation, "job", {**job, "user_id": ada})
    with work() as w:
        statuses = [user.status for user in (users.find(w.read, boss), users.find(w.read, ada)) if user]
    assert statuses == ["ACTIVE", "ACTIVE"]


POWERFUL: list[dict[str, Any]] = [
    {"scope": "openid admin:write", "grant_types": ["client_credentials"], "response_types": []},
    {"scope": "admin:read", "grant_types": ["client_credentials"], "response_types": []},
    {"scope": "openid admin:write", "redirect_uris": ["https://mine.example.test/"]},
    {"scope": "openid account", "redirect_uris": ["https://mine.example.test/"]},
    {"scope": "openid", "redirect_uris": ["https://mine.example.test/"], "first_party": True},
]
"""Clients with more power than an app manager has: by themselves, over whoever signs in, or without consent."""


def test_an_app_manager_registers_and_changes_no_application_that_has_more_power(
    token_of: Callable[..., Program], work: Work
) -> None:
    """Such a client is a way around the role: with its secret, or with its redirect URI and one careless click."""
    manager = token_of("app-manager")
    with work() as w:
        plain, _ = make_client(w, client_name="Plain", scope="openid profile reports:read")
        strong = [clients.create_client(w, parse_metadata(metadata))[0] for metadata in POWERFUL]

    def refused(answer: httpx2.Response) -> None:
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:signet:problem:more-permissions"), answer.text

    for metadata in POWERFUL:
        refused(manager("POST", "/clients", **metadata))
        refused(manager("PUT", f"/clients/{plain.client_id}", **metadata))
    for one in strong:
        for act in ("rotate-secret", "end-old-secrets", "disable", "enable"):
            refused(manager("POST", f"/clients/{one.client_id}/{act}"))
        refused(manager("PUT", f"/clients/{one.client_id}", redirect_uris=["https://mine.example.test/"]))
        refused(manager("DELETE", f"/clients/{one.client_id}"))
        assert manager.get(f"/clients/{one.client_id}")["scope"] == one.metadata.scope
    assert manager("POST", f"/clients/{plain.client_id}/rotate-secret").status_code == 200
    assert manager("POST", "/clients", redirect_uris=["https://a.example.test/"]).status_code == 201
    assert manager("POST", "/registration-tokens", uses=1).status_code == 201


def test_the_console_lets_an_app_manager_change_no_application_that_has_more_power(
    browser: Browser, work: Work, installation: Installation
) -> None:
    manager = console_of("app-manager", browser, work, installation)
    with work() as w:
        strong, _ = make_client(w, scope="openid admin:write")
        plain, _ = make_client(w, scope="openid")
    query = f"?client_id={strong.client_id}"
    shown = manager.open(f"/clients/client{query}")
    assert "Only an administrator can register or change applications with the scope admin:write." in shown.text
    assert not [link for link in shown.links.values() if "rotate-secret" in link or "delete" in link]
    for path in ("rotate-secret", "delete", "disable", "users/revoke"):
        assert manager.open(f"/clients/client/{path}{query}").status == 403, path
    for tab in ("settings", "json", "credentials", "users"):
        assert "Review changes" not in manager.open(f"/clients/client/{tab}{query}").text
    ours = manager.open(f"/clients/client/json?client_id={plain.client_id}")
    given = {"metadata": '{"redirect_uris": ["https://a.example.test/"], "scope": "openid account"}'}
    refused = browser.submit(given, action=action_form(ours).action)
    assert (refused.status, "with the scope account" in refused.text) == (403, True)
    assert manager.open(f"/clients/client?client_id={plain.client_id}").status == 200
    asked = manager.open("/clients/new?preset=service")
    refused = browser.submit({"client_name": "Mine", "scope": "admin:write"}, action=action_form(asked).action)
    assert "Only an administrator can register or change applications with the scope admin:write." in refused.text


def test_an_app_manager_sees_of_an_application_only_what_happened_to_itself(
    browser: Browser, work: Work, installation: Installation, ada: str
) -> None:
    """The events of its users have addresses and networks, which are data of users."""
    manager = console_of("app-manager", browser, work, installation)
    with work() as w:
        app, _ = make_client(w)
    with work() as w:
        record(w, Event.SIGNED_IN, user_id=ada, client_id=app.client_id)
    shown = manager.open(f"/clients/client?client_id={app.client_id}").text
    assert "Ada" not in shown
    assert "ada@" not in shown
    assert "created" in shown.lower()


@pytest.mark.parametrize("role", ["app-manager", "all-but-users"])
def test_no_page_shows_an_address_to_an_operator_who_cannot_see_users(
    role: str, browser: Browser, work: Work, installation: Installation, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The users of an application, who changed it, and the question before access is revoked."""
    most = table.EVERYTHING - {table.Permission.USERS_READ, table.Permission.USERS_WRITE}
    everything = replace(table.OPERATOR_ROLES["admin"], permissions=most)
    monkeypatch.setitem(cast(dict[str, Any], table.OPERATOR_ROLES), "all-but-users", everything)
    may = MAY.get(role, {str(each) for each in most})
    console = console_of(role, browser, work, installation)
    with work() as w:
        app, _ = make_client(w)
        nameless = make_user(w, "nameless@example.test")
        for user_id in (ada, nameless):
            consents.put(w.db, consents.Consent(user_id, app.client_id, ["openid"], [], w.now))
        w.origin = w.origin.of_operator(OperatorName.user(ada))
        record(w, Event.CLIENT_UPDATED, client_id=app.client_id)
    of_app = f"?client_id={app.client_id}&user={ada}"
    for (method, path), need in needs.CONSOLE.items():
        if method == "GET" and need in may:
            html = browser.client.get(filled(path) + of_app).text
            assert not re.findall(r"(?:ada|nameless)[^\s<]*@", html), path
    users_of_app = console.open(f"/clients/client/users{of_app}")
    assert "Ada" in users_of_app.text
    assert nameless in users_of_app.text
    assert "Ada" in console.open(f"/clients/client/users/revoke{of_app}").text
    assert "Ada Lovelace updated" in console.open(f"/clients/client{of_app}").text


def test_the_search_finds_only_what_the_operator_may_see(
    new_browser: Callable[[], Browser], work: Work, installation: Installation, ada: str
) -> None:
    with work() as w:
        app, _ = make_client(w, client_name="Adas shop")
    user_page, app_page = f"/admin/users/{ada}", f"/admin/clients/client?client_id={app.client_id}"
    found = {
        role: console_of(role, new_browser(), work, installation).open("/search?q=ada")
        for role in ("admin", "user-manager", "app-manager", "auditor")
    }
    for role in ("admin", "auditor"):
        assert {user_page, app_page} <= set(found[role].links.values()), role
    assert found["user-manager"].path == user_page
    assert found["app-manager"].path == "/admin/clients/client"


def test_every_page_of_the_console_is_in_the_table(app: Starlette) -> None:
    assert set(calls(app, "/admin")) == set(needs.CONSOLE)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["user-manager", "app-manager", "auditor"])
def test_no_page_leads_to_one_that_the_operator_may_not_open(
    role: str, browser: Browser, work: Work, installation: Installation, ada: str
) -> None:
    """Every link and button of the pages that a role opens, and of the pages behind them."""
    console = console_of(role, browser, work, installation)
    with work() as w:
        make_client(w)
        make_client(w, scope="openid admin:write")
        set_roles(w, user_id=ada, roles=["staff"])
        subscriptions.create(w, url="https://hooks.example.test/")
    waiting = [filled(path) for (method, path), need in needs.CONSOLE.items() if method == "GET" and need in MAY[role]]
    waiting += [f"/admin/users/{ada}", f"/admin/users/{console.user_id}"] if "users:read" in MAY[role] else []
    seen: set[str] = set()
    found: set[tuple[str, str]] = set()
    while waiting:
        address = waiting.pop()
        path = address.partition("?")[0]
        if path in seen or "/preview" in path:
            continue  # a preview is the sign-in page, in which nothing can be pressed
        seen.add(path)
        page = browser.open(address)
        found |= {(path, str(page.status))} if page.status in {403, 500} else set()
        waiting += [link for link in page.links.values() if link.startswith("/admin") and "export" not in link]
        forms = {urlsplit(form.action).path for form in page.forms if form.method == "post"}
        found |= {(path, action) for action in forms if not may_post(role, action)}
    assert found == set()
    assert len(seen) > 8


def may_post(role: str, path: str) -> bool:
    """Whether a form that is posted to this path is one of a page that the role may use."""
    for (method, pattern), need in needs.CONSOLE.items():
        if method == "POST" and re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path):
            return need in MAY[role]
    return not path.startswith("/admin")
