"""What the admin API does beside accounts: applications, keys, the audit, the outbox, webhooks, refusals, settings."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.audit import store as audit
from provider.audit.events import Event
from provider.audit.log import record
from provider.oauth.clients.metadata import FIELDS
from provider.outbox import messages
from provider.outbox.store import DeliveryState, outbox
from provider.work import Origin
from tests.admin.conftest import Program
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.factories import REDIRECT_URI, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, is_signed_in, sign_in
from tests.support.relying_party import RelyingParty

SHOP = {"client_name": "Shop", "redirect_uris": [REDIRECT_URI], "grant_types": ["authorization_code", "refresh_token"]}


def events(work: Work, name: str) -> list[audit.AuditEvent]:
    """The latest first."""
    with work() as w:
        return audit.find(w.read, names=[name])


def problem(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("urn:signet:problem:")


@in_one_world("nothing", [None, "", " ", [], {}, [""]])
def test_a_member_without_a_value_has_its_default(operator: Program, nothing: Any) -> None:
    """RFC 7591 section 2; only a client without grants, response types or scopes says so with an empty value."""
    usual = operator("POST", "/clients", **SHOP).json()
    blank = dict.fromkeys(usual.keys() - {"disabled", "registered_itself", "created_at", *SHOP, "scope"}, nothing)
    blank = {name: value for name, value in blank.items() if name in FIELDS and name != "response_types"}
    made = operator("POST", "/clients", **SHOP, **blank)
    assert made.status_code == 201, made.text
    assert {name: made.json().get(name) for name in FIELDS} == {name: usual.get(name) for name in FIELDS}
    replaced = operator("PUT", f"/clients/{made.json()['client_id']}", **SHOP, **blank)
    assert replaced.status_code == 200, replaced.text
    none = operator("PUT", f"/clients/{made.json()['client_id']}", grant_types=[], response_types=[], scope="").json()
    assert (none["grant_types"], none["response_types"], none["scope"]) == ([], [], "")


def test_a_short_secret_is_brought_along_where_the_operator_says_so(operator: Program, work: Work) -> None:
    refused = operator("POST", "/clients", client_secret="hunter2", **SHOP)
    assert refused.status_code == 400
    assert "allow_short_secret" in refused.text
    made = operator("POST", "/clients", client_secret="hunter2", allow_short_secret=True, **SHOP)
    assert (made.status_code, made.json()["client_secret"]) == (201, "hunter2")
    assert events(work, "client.created")[0].details["short_secret"] is True


def test_an_application_from_its_registration_to_its_deletion(
    operator: Program, client: TestClient, browser: Browser, ada: str, work: Work
) -> None:
    """RFC 7591 section 2: by those names; RFC 6749 section 2.3.1: two secrets while one is rotated."""
    made = operator("POST", "/clients", client_id="shop/eu", **SHOP)
    assert made.status_code == 201, made.text
    secret = made.json()["client_secret"]
    shown = operator.get("/clients/shop/eu")
    assert {**shown, "client_secret": secret} == made.json()
    assert (shown["redirect_uris"], shown["registered_itself"], shown["require_pkce"]) == ([REDIRECT_URI], False, True)
    again = operator("POST", "/clients/shop/eu/rotate-secret").json()["client_secret"]
    with work() as w:
        registered = RelyingParty(client, make_client(w)[0], secret)
    registered.client_id = "shop/eu"
    for each in (secret, again):
        registered.secret = each
        assert (
            registered.post("/oauth2/token", grant_type="refresh_token", refresh_token="x").json()["error"]
            == "invalid_grant"
        )
    replaced = operator("PUT", "/clients/shop/eu", client_name="Store", redirect_uris=[REDIRECT_URI], first_party=True)
    assert replaced.status_code == 200, replaced.text
    assert replaced.json()["grant_types"] == ["authorization_code"]  # left out, so as if it had never been said
    assert operator("POST", "/clients/shop/eu/disable").status_code == 204
    assert operator.get("/clients/shop/eu")["disabled"]
    assert registered.post("/oauth2/token", grant_type="refresh_token", refresh_token="x").status_code == 401
    assert operator("POST", "/clients/shop/eu/enable").status_code == 204
    assert operator("DELETE", "/clients/shop/eu").status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/disable"), ("POST", "/rotate-secret")):
        assert operator(method, f"/clients/shop/eu{path}").status_code == 404
    assert problem(operator("POST", "/clients", redirect_uris=["http://app.example.test/#x"])) == "invalid-metadata"
    assert problem(operator("POST", "/clients", **SHOP, color="red")) == "invalid-body"


def test_what_was_changed_is_told_before_and_after(operator: Program, ada: str, work: Work) -> None:
    """A-104; docs/reference/events.md: without secrets, and of a profile the names alone."""
    operator("POST", "/clients", client_id="shop", **SHOP)
    operator("PUT", "/clients/shop", **{**SHOP, "client_name": "Store", "require_pkce": False})
    operator("POST", "/clients/shop/disable")
    operator("POST", "/clients/shop/disable")
    operator("PATCH", f"/users/{ada}", roles=["clerk"], claims={"name": "Augusta"})
    operator("POST", f"/users/{ada}/suspend", reason="x")
    [updated], [disabled] = events(work, "client.updated"), events(work, "client.disabled")
    assert updated.details["before"] == {"client_name": "Shop", "require_pkce": True}
    assert updated.details["after"] == {"client_name": "Store", "require_pkce": False}
    assert (disabled.details["before"], disabled.details["after"]) == ({"disabled": False}, {"disabled": True})
    [roles], [suspended] = events(work, "account.roles.changed"), events(work, "account.suspended")
    assert (roles.details["before"], roles.details["after"]) == ({"roles": []}, {"roles": ["clerk"]})
    assert (suspended.details["before"], suspended.details["after"]) == ({"status": "ACTIVE"}, {"status": "SUSPENDED"})
    [profile] = events(work, "account.profile.changed")
    assert profile.details["changed"] == ["name"]
    assert "Augusta" not in str(profile.details)


def test_keys_rotate_and_are_revoked(operator: Program) -> None:
    """OIDC Core section 10.1.1."""
    assert {key["state"] for key in operator.get("/keys")["keys"]} == {"current"}
    first = operator("POST", "/keys/rotate", alg="ES256").json()
    assert problem(operator("POST", "/keys/rotate", alg="ES256")) == "too-soon"
    rotated = operator("POST", "/keys/rotate", alg="ES256", at_once=True).json()
    assert rotated["current"] == first["upcoming"]
    assert operator("POST", f"/keys/{rotated['current']}/revoke").status_code == 204
    states = {key["kid"]: key["state"] for key in operator.get("/keys")["keys"]}
    assert (states[rotated["current"]], states[rotated["upcoming"]]) == ("revoked", "current")
    assert problem(operator("POST", f"/keys/{rotated['current']}/revoke")) == "unknown-key"


def test_the_audit_is_narrowed_and_paged_the_latest_first(
    operator: Program, ada: str, work: Work, clock: Clock
) -> None:
    moments = []
    for number in range(6):
        clock.advance(minutes=1)
        moments.append(clock.now.isoformat())
        with work() as w:
            for event in (Event.SIGNED_IN, Event.SIGN_IN_FAILED):
                record(w, event, user_id=ada, client_id=f"client{number % 2}")
    seen: list[str] = []
    path = "/audit?name=session.*&limit=5"
    while path:
        page = operator.get(path)
        seen += [event["id"] for event in page["events"]]
        path = f"/audit?name=session.*&limit=5&after={page['next']}" if "next" in page else ""
    with work() as w:
        assert seen == [event.id for event in audit.find(w.read) if event.name.startswith("session.")]
    assert len(seen) == 12
    wanted = f"user={ADDRESS}&name=session.signed_in&client=client1&since={moments[1]}&until={moments[5]}"
    found = operator.get(f"/audit?{wanted.replace('+', '%2B')}")["events"]
    assert [event["at"] for event in found] == [moments[3].replace("+00:00", "Z"), moments[1].replace("+00:00", "Z")]
    operator("DELETE", f"/users/{ada}")
    assert operator.get(f"/audit?user={ada}&name=account.deleted")["events"]  # what happened outlives the account
    for nothing in ("user=nobody@example.test", "name=session", "name=nothing.*", "client=x"):
        assert operator.get(f"/audit?{nothing}")["events"] == []


def test_a_page_cursor_that_was_edited_or_made_up_is_refused(operator: Program, reader: Program, clock: Clock) -> None:
    """N-44; A-130: one answer whatever is wrong with it, and no row more."""
    for number in range(3):
        operator("POST", "/clients", client_id=f"client{number}", **SHOP)
    cursor = operator.get("/audit?limit=1")["next"]
    of_clients = operator.get("/clients?limit=1")["next"]
    assert reader("GET", f"/audit?after={cursor}").status_code == 200  # it holds no more than a position
    flipped = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    forged = ["x", "' OR 1=1--", cursor[:-1], flipped, of_clients, '{"id":"x"}', "é", "%00"]
    answers = [operator("GET", f"/audit?after={each}") for each in forged]
    clock.advance(days=8)
    answers.append(operator("GET", f"/audit?after={cursor}"))
    told = {(answer.status_code, problem(answer), json.dumps(answer.json()["errors"])) for answer in answers[:-1]}
    assert [(status, kind) for status, kind, _ in told] == [(400, "invalid-body")]
    assert answers[-1].status_code in {400, 401}  # too old, as the access token is


FILTERS = {
    "/audit": ("user", "client", "name", "since", "limit"),
    "/audit/export": ("name", "until", "format"),
    "/outbox": ("state", "topic", "about"),
    "/users": ("email", "issuer", "after", "order"),
}


def test_sql_in_a_filter_finds_nothing_and_says_nothing(operator: Program, ada: str) -> None:
    """N-45; A-130: quotes, comments, wildcards, NUL, sort keys."""
    operator("POST", f"/users/{ada}/suspend", reason="x")  # a letter
    for path, names in FILTERS.items():
        for text in ("'", "';--", "%25", "_", "\\", "%00", "1 desc", "0001-01-01T00:00:00%2B23:59"):
            for name in names:
                answer = operator("GET", f"{path}?{name}={text}")
                assert answer.status_code in {200, 400}, (name, text, answer.text)
                if answer.status_code == 400:
                    assert problem(answer) == "invalid-body", (name, text)
                elif name in {"about", "state", "user", "client", "name", "email"} and text != "_":
                    found = answer.json() if path != "/audit/export" else {"events": answer.text}
                    assert not next(iter(found.values())), (name, text)  # a wildcard stands for itself


def test_an_export_is_whole_and_no_cell_of_it_is_a_formula(operator: Program, work: Work, ada: str) -> None:
    """N-46; OWASP CSV injection: formulas, quotes and line ends that would begin a new cell."""
    formulas = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", ' =1","=2', '"\n=HYPERLINK("x")', "＝1"]  # noqa: RUF001
    for text in formulas:
        with work(Origin(user_agent=text)) as w:
            record(w, Event.SIGNED_IN, user_id=ada, amr="pwd")
    with work() as w:
        for _ in range(600):  # more than one look at the database
            record(w, Event.SIGN_IN_FAILED, user_id=ada)
    answer = operator("GET", f"/audit/export?format=csv&user={ada}&name=session.*")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 600 + len(formulas)
    shown = [row["user_agent"] for row in rows[-len(formulas) :]]
    assert shown[::-1] == [text if text.startswith('"') else f"'{text}" for text in formulas]
    assert not any(cell.lstrip(" ").startswith(tuple("=+-@\t\r＝")) for row in rows for cell in row.values())  # noqa: RUF001
    lines = operator("GET", f"/audit/export?user={ada}&name=session.*").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [row["id"] for row in rows]
    assert operator("HEAD", "/audit/export").content == b""
    assert problem(operator("GET", "/audit/export?format=xls")) == "invalid-body"


@pytest.mark.also_on_postgresql
def test_a_promise_is_seen_tried_again_and_given_up(operator: Program, work: Work, clock: Clock) -> None:
    ids = []
    for number in range(3):
        with work() as w:
            ids.append(messages.enqueue(w, "mail", {"text": "secret"}, about=f"letter {number}"))
    with work() as w:
        w.db.execute(outbox.update().where(outbox.c.id == ids[0]).values(state=DeliveryState.FAILED, error="no route"))
        w.db.execute(
            outbox.update()
            .where(outbox.c.id == ids[1])
            .values(state=DeliveryState.SENDING, next_at=w.now + timedelta(minutes=1))
        )
    page = operator.get("/outbox?topic=mail&limit=2")
    rest = operator.get(f"/outbox?topic=mail&limit=2&after={page['next']}")
    assert [promise["id"] for promise in page["promises"] + rest["promises"]] == ids[::-1]
    assert [promise["id"] for promise in operator.get("/outbox?state=failed&about=letter")["promises"]] == ids[:1]
    assert "secret" not in operator("GET", "/outbox").text
    assert problem(operator("POST", f"/outbox/{ids[2]}/retry")) == "not-failed"
    assert operator("POST", f"/outbox/{ids[0]}/retry").status_code == 204
    assert operator.get(f"/outbox/{ids[0]}")["state"] == "due"
    assert operator("POST", f"/outbox/{ids[0]}/cancel").status_code == 204
    assert problem(operator("POST", f"/outbox/{ids[0]}/cancel")) == "not-waiting"
    assert problem(operator("POST", f"/outbox/{ids[1]}/cancel")) == "not-waiting"  # somebody is trying it
    clock.advance(minutes=2)
    assert operator("POST", f"/outbox/{ids[1]}/cancel").status_code == 204  # whoever did is gone
    with work() as w:
        assert w.read.execute(outbox.select().where(outbox.c.id == ids[0])).one().payload is None
    assert [event.details["before"]["state"] for event in events(work, "promise.cancelled")] == ["trying", "due"]


@pytest.mark.also_on_postgresql
def test_webhooks_are_managed(operator: Program, work: Work, ada: str) -> None:
    """docs/guides/webhooks.md."""
    made = operator("POST", "/webhooks", url="https://hooks.example.test/x", events=["client.*"]).json()
    webhook = f"/webhooks/{made['id']}"
    assert {**operator.get(webhook), "secret": made["secret"]} == made
    assert operator.get("/webhooks")["webhooks"] == [operator.get(webhook)]
    operator("POST", "/clients", **SHOP)
    since = (events(work, "client.created")[0].at - timedelta(minutes=1)).isoformat()
    assert operator("POST", f"{webhook}/replay", since=since).json()["events"] >= 1
    assert operator("POST", f"{webhook}/rotate-secret").json()["secret"] != made["secret"]
    assert operator("POST", f"{webhook}/disable").status_code == 204
    assert problem(operator("POST", f"{webhook}/replay", since=since)) == "disabled"
    assert operator("POST", f"{webhook}/enable").status_code == 204
    assert operator("DELETE", webhook).status_code == 204
    assert operator("GET", webhook).status_code == 404
    for body in ({"url": "https://10.0.0.1/"}, {"url": "https://hooks.example.test/", "events": ["nothing.*"]}):
        assert problem(operator("POST", "/webhooks", **body)) == "unfit-webhook"


def test_a_refusal_is_explained_by_its_id(operator: Program, client: TestClient) -> None:
    error_id = client.post("/oauth2/token", data={"grant_type": "x", "client_id": "nobody"}).json()["error_id"]
    found = operator.get(f"/refusals/{error_id}")
    assert (found["error"], found["endpoint"], found["checks"][-1]["passed"]) == ("invalid_client", "token", False)
    for unknown in ("x" * 32, "%00", "'"):
        assert operator("GET", f"/refusals/{unknown}").status_code == 404


def test_letters_are_sent_and_a_lost_factor_is_reset(operator: Program, ada: str, inbox: Inbox, work: Work) -> None:
    """OWASP ASVS v5.0.0-6.4.6: an operator starts a reset and never chooses the password."""
    assert operator("POST", f"/users/{ada}/letters", purpose="reset").status_code == 202
    assert "/reset-password?token=" in inbox.latest(ADDRESS).link
    assert problem(operator("POST", f"/users/{ada}/letters", purpose="verify")) == "already-confirmed"
    with work() as w:
        bob = make_user(w, "bob@example.test", verified=False)
    assert problem(operator("POST", f"/users/{bob}/letters", purpose="reset")) == "not-now"
    assert operator("POST", f"/users/{bob}/letters", purpose="verify").status_code == 202
    assert "/verify-email/confirm" in inbox.latest("bob@example.test").link
    [sent] = events(work, "account.email.verification_sent")
    assert sent.details["operator"].startswith("client ")
    not_on = operator("DELETE", f"/users/{ada}/two-factor")
    assert (not_on.status_code, problem(not_on)) == (404, "not-turned-on")


@pytest.mark.also_on_postgresql
def test_what_applications_hold_of_somebody_is_seen_and_taken_back(
    operator: Program, ada: str, client: TestClient, browser: Browser, work: Work
) -> None:
    sign_in(browser)
    with work() as w:
        registered, secret = make_client(w, first_party=True)
    rp = RelyingParty(client, registered, secret)
    one, two = (rp.sign_in(browser.client, scope="openid offline_access") for _ in range(2))
    [held] = operator.get(f"/users/{ada}/consents")["consents"]
    assert (held["client_id"], held["token_families"]) == (registered.client_id, 2)
    families = operator.get(f"/users/{ada}/token-families")["token_families"]
    assert {family["client_id"] for family in families} == {registered.client_id}
    assert operator("DELETE", f"/users/{ada}/token-families/{families[0]['id']}").status_code == 204
    assert operator("DELETE", f"/users/{ada}/token-families/{families[0]['id']}").status_code == 404
    assert rp.refresh(two.refresh_token).error == "invalid_grant"
    assert operator("DELETE", f"/users/{ada}/consents/{registered.client_id}").status_code == 204
    assert rp.refresh(one.refresh_token).error == "invalid_grant"
    assert operator.get(f"/users/{ada}/consents")["consents"] == []
    assert operator("DELETE", f"/users/{ada}/sessions").status_code == 204
    assert not is_signed_in(browser)


def test_settings_are_shown_as_they_are_in_force_without_secrets(operator: Program, work: Work) -> None:
    """N-47; A-104."""
    shown = {each["name"]: each for each in operator.get("/settings")["settings"]}
    assert shown["SIGNET_ISSUER"]["value"] == "https://id.example.test"
    assert (shown["SIGNET_SECRET_KEY"]["is_secret"], shown["SIGNET_SECRET_KEY"]["is_default"]) == (True, False)
    assert set(shown["SIGNET_SECRET_KEY"]["value"]) == {"*"}
    assert shown["SIGNET_SESSION_IDLE_LIFETIME"] | {"about": ""} == {
        "name": "SIGNET_SESSION_IDLE_LIFETIME", "value": "1h", "default": "1h", "is_default": True, "is_secret": False,
        "source": "default", "group": "Lifetimes", "about": "",
    }  # fmt: skip


def test_no_secret_that_was_handed_out_is_kept_in_clear(operator: Program, ada: str, work: Work) -> None:
    """N-48; A-104: of applications, webhooks, links and registrations; nor where answers are kept to be given again."""
    given = [
        operator("POST", "/clients", key="1", **SHOP).json()["client_secret"],
        operator("POST", "/webhooks", key="2", url="https://hooks.example.test/").json()["secret"],
        operator("POST", f"/users/{ada}/links", key="3", purpose="reset").json()["token"],
        operator("POST", "/registration-tokens", key="4", uses=1).json()["initial_access_token"],
        operator.token,
    ]
    with work() as w:
        tables = w.read.engine.dialect.get_table_names(w.read)
        stored = "".join(str(row) for name in tables for row in w.read.exec_driver_sql(f'SELECT * FROM "{name}"'))
    assert "idempotency_keys" in tables
    assert not [secret for secret in given if secret in stored]


@pytest.mark.also_on_postgresql
def test_people_are_searched_and_invited(operator: Program, ada: str, inbox: Inbox) -> None:
    made = operator("POST", "/users", email="ada.grace@example.test", claims={"name": "Grace Hopper"}, invite=True)
    assert made.status_code == 201
    assert inbox.latest("ada.grace@example.test").subject == "You've been invited to Signet"
    assert [user["id"] for user in operator.get("/users?search=hop")["users"]] == [made.json()["id"]]
    page = operator.get("/users?search=ada&limit=2")
    rest = operator.get(f"/users?search=ada&limit=2&after={page['next']}")
    assert {user["id"] for user in page["users"] + rest["users"]} == {made.json()["id"], ada}
    assert operator("GET", f"/users?search=ada&after={page['next']}x").status_code == 400
    assert operator("POST", f"/users/{made.json()['id']}/letters", purpose="invite").status_code == 202
    assert operator("POST", f"/users/{ada}/letters", purpose="invite").status_code == 409  # there is a password


@pytest.mark.also_on_postgresql
def test_applications_are_searched_and_old_secrets_ended(operator: Program) -> None:
    made = operator("POST", "/clients", **SHOP).json()
    found = operator.get("/clients?search=sHo")["clients"]
    assert [each["client_id"] for each in found] == [made["client_id"]]
    assert operator.get("/clients?search=nothing")["clients"] == []
    assert operator("POST", f"/clients/{made['client_id']}/end-old-secrets").status_code == 204
    assert operator("POST", "/clients/nobody/end-old-secrets").status_code == 404


@pytest.mark.also_on_postgresql
def test_sessions_and_refusals_of_everybody_are_listed_by_pages(
    operator: Program, ada: str, client: TestClient, new_browser: Callable[[], Browser]
) -> None:
    for _ in range(3):
        sign_in(new_browser())
        client.post("/oauth2/token", data={"grant_type": "password", "client_id": "nobody"})
    for listed in ("sessions", "refusals"):
        first = operator.get(f"/{listed}?limit=2")
        rest = operator.get(f"/{listed}?limit=2&after={first['next']}")
        assert (len(first[listed]), len(rest[listed]), rest.get("next")) == (2, 1, None), listed
    assert {each["user_id"] for each in operator.get("/sessions")["sessions"]} == {ada}
    assert operator.get("/refusals?client=another")["refusals"] == []


KEYS = json.dumps(Signatory().jwks["keys"])


@pytest.mark.also_on_postgresql
@in_one_world(
    ("member", "status"),
    [
        ('"default_max_age": 600.0', 201),
        ('"default_max_age": 600.5', 400),
        ('"default_max_age": true', 400),
        ('"default_max_age": 1e999', 400),
        (f'"jwks": {{"keys": {KEYS}, "x": 1.5}}', 201),
        (f'"jwks": {{"keys": {KEYS}, "x": NaN}}', 400),
        (f'"jwks": {{"keys": {KEYS}, "x": -Infinity}}', 400),
        (f'"jwks": {{"keys": {KEYS}, "x": 1e999}}', 400),
    ],
)
def test_a_number_is_what_json_means_by_it(operator: Program, member: str, status: int) -> None:
    """RFC 8259 section 6: no database could keep the others."""
    body = f'{{"redirect_uris": ["https://shop.example.test/callback"], {member}}}'
    headers = {"authorization": f"Bearer {operator.token}", "content-type": "application/json"}
    answer = operator.http.post("/api/admin/clients", content=body, headers=headers)
    assert answer.status_code == status, answer.text
