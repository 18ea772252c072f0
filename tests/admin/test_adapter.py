"""The operations of a database adapter, by API (docs/development/replaces.md)."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from provider.accounts.registration import create_user
from provider.audit import store as audit
from provider.work import Installation
from tests.admin.conftest import Program, events
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, is_signed_in, sign_in, sign_up

NOBODY = "00000000-0000-7000-8000-000000000000"
GOOGLE = "https://accounts.google.example"


@pytest.mark.also_on_postgresql
def test_create_get_update_delete_a_user(operator: Program, browser: Browser) -> None:
    """createUser, getUser, getUserByEmail, updateUser, deleteUser.

    Replaces: adapter operations.
    """
    made = operator("POST", "/users", email="Grace@Example.test", roles=["clerk"], claims={"name": "Grace"})
    assert made.status_code == 201, made.text
    user = made.json()
    assert (user["status"], user["email_verified"], user["has_password"]) == ("ACTIVE", True, False)
    assert operator.get(f"/users/{user['id']}") == user
    assert operator.get("/users?email=GRACE@example.test")["users"] == [user]
    changed = operator("PATCH", f"/users/{user['id']}", roles=[], claims={"name": "Grace Hopper"})
    assert changed.json()["claims"] == {"name": "Grace Hopper"}
    assert changed.json()["roles"] == []
    assert operator("DELETE", f"/users/{user['id']}").status_code == 204
    assert operator("GET", f"/users/{user['id']}").status_code == 404
    assert operator.get("/users?email=grace@example.test")["users"] == []


def test_an_address_finds_its_owner_or_everyone_who_signed_up_with_it(operator: Program, work: Work) -> None:
    """Anyone can sign up with an address, so an address that nobody owns is no user in particular."""
    with work() as w:
        claims = {create_user(w, email=ADDRESS, password=None, verified=False) for _ in range(2)}
    assert {user["id"] for user in operator.get(f"/users?email={ADDRESS}")["users"]} == claims
    owner = operator("POST", "/users", email=ADDRESS).json()
    assert operator.get(f"/users?email={ADDRESS}")["users"] == [owner]


def test_a_user_without_a_password_gets_one_with_a_link(operator: Program, browser: Browser) -> None:
    """Row "create/use verification token"; OWASP ASVS v5.0.0-6.4.6: an operator starts it and never chooses it."""
    user_id = operator("POST", "/users", email=ADDRESS).json()["id"]
    link = operator("POST", f"/users/{user_id}/links", purpose="reset").json()
    assert sign_in(browser).status == 400
    browser.open(link["url"])
    assert browser.submit({"New password": PASSWORD}).path == "/reset-password/done"
    assert sign_in(browser).path == "/account"
    assert browser.open(link["url"]).status == 410


@pytest.mark.parametrize(("purpose", "lifetime"), [("verify", timedelta(hours=24)), ("reset", timedelta(minutes=30))])
def test_a_link_says_until_when_it_works(
    operator: Program, ada: str, clock: Clock, work: Work, purpose: str, lifetime: timedelta
) -> None:
    link = operator("POST", f"/users/{ada}/links", purpose=purpose).json()
    assert datetime.fromisoformat(link["expires_at"]) == clock.now + lifetime
    assert events(work, "account.link.issued")[0]["purpose"] == purpose


@pytest.mark.also_on_postgresql
def test_a_verification_link_is_made_and_used_once(operator: Program, browser: Browser, work: Work) -> None:
    """Row "create/use verification token"."""
    sign_up(browser)
    user = operator.get(f"/users?email={ADDRESS}")["users"][0]
    assert user["status"] == "INACTIVE"
    token = operator("POST", f"/users/{user['id']}/links", purpose="verify").json()["token"]
    assert operator("POST", "/links/use", token=token).status_code == 204
    again = operator("POST", "/links/use", token=token)
    assert again.json()["type"] == "urn:signet:problem:already-confirmed"
    assert operator.get(f"/users/{user['id']}")["status"] == "ACTIVE"
    assert sign_in(browser).path == "/account"


def test_a_reset_link_confirms_no_address_and_an_old_one_nothing(
    operator: Program, ada: str, clock: Clock, browser: Browser
) -> None:
    """A-83: a link of another purpose."""
    reset = operator("POST", f"/users/{ada}/links", purpose="reset").json()["token"]
    assert operator("POST", "/links/use", token=reset).status_code == 400
    sign_up(browser, "bob@example.test")
    bob = operator.get("/users?email=bob@example.test")["users"][0]["id"]
    verify = operator("POST", f"/users/{bob}/links", purpose="verify").json()["token"]
    clock.advance(days=2)
    assert operator("POST", "/links/use", token=verify).status_code in {400, 401}
    for token in ("", "nonsense", "\x00"):
        assert operator("POST", "/links/use", token=token).status_code in {400, 401}


@pytest.mark.also_on_postgresql
def test_link_find_and_unlink_an_identity(operator: Program, ada: str, inbox: Inbox) -> None:
    """Row "getUserByAccount, linkAccount, unlinkAccount"."""
    linked = operator("POST", f"/users/{ada}/identities", issuer=GOOGLE, subject="117", email="ada@gmail.example")
    assert linked.status_code == 201, linked.text
    assert inbox.latest(ADDRESS)
    found = operator.get(f"/users?issuer={GOOGLE}&subject=117")["users"]
    assert [user["id"] for user in found] == [ada]
    [identity] = operator.get(f"/users/{ada}/identities")["identities"]
    assert (identity["issuer"], identity["subject"]) == (GOOGLE, "117")
    assert operator("DELETE", f"/users/{ada}/identities/{identity['id']}").status_code == 204
    assert operator.get(f"/users?issuer={GOOGLE}&subject=117")["users"] == []


def test_an_identity_belongs_to_one_account_and_is_never_the_last_way_in_taken_away(
    operator: Program, ada: str
) -> None:
    other = operator("POST", "/users", email="bob@example.test").json()["id"]
    operator("POST", f"/users/{other}/identities", issuer=GOOGLE, subject="117")
    refused = operator("POST", f"/users/{ada}/identities", issuer=GOOGLE, subject="117")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:signet:problem:linked-elsewhere")
    [identity] = operator.get(f"/users/{other}/identities")["identities"]
    kept = operator("DELETE", f"/users/{other}/identities/{identity['id']}")
    assert kept.json()["type"] == "urn:signet:problem:last-way-in"
    assert len(operator.get(f"/users/{other}/identities")["identities"]) == 1


@pytest.mark.also_on_postgresql
def test_an_operator_unlinks_the_last_way_in_only_by_force(
    operator: Program, inbox: Inbox, work: Work, browser: Browser
) -> None:
    """The refusal says how; afterwards the user gets in with a link to choose a password."""
    bob = operator("POST", "/users", email="bob@example.test").json()["id"]
    path = f"/users/{bob}/identities"
    identity = operator("POST", path, issuer=GOOGLE, subject="117").json()["identities"][0]["id"]
    for asked in ("", "?force=false", "?force=0"):
        refused = operator("DELETE", f"{path}/{identity}{asked}")
        assert refused.json()["type"] == "urn:signet:problem:last-way-in"
        assert "send force=true" in refused.json()["detail"]
    assert operator("DELETE", f"{path}/{identity}?force=please").json()["type"] == "urn:signet:problem:invalid-body"
    assert events(work, "account.identity.unlinked") == []
    assert operator("DELETE", f"{path}/{identity}?force=true").status_code == 204
    assert operator.get(path)["identities"] == []
    assert "was unlinked from" in inbox.latest("bob@example.test").subject
    [event] = events(work, "account.identity.unlinked")
    assert event["operator"].startswith("client ")
    browser.open(operator("POST", f"/users/{bob}/links", purpose="reset").json()["url"])
    assert browser.submit({"New password": PASSWORD}).path == "/reset-password/done"


@pytest.mark.also_on_postgresql
def test_read_shorten_and_end_a_session(operator: Program, ada: str, browser: Browser, clock: Clock) -> None:
    """Row "getSessionAndUser, updateSession, deleteSession"; who creates one is decision 36."""
    sign_in(browser)
    [session] = operator.get(f"/users/{ada}/sessions")["sessions"]
    assert (session["user_id"], session["amr"]) == (ada, ["pwd"])
    assert operator.get(f"/sessions/{session['id']}") == session
    soon = (clock.now + timedelta(minutes=5)).isoformat()
    assert operator("PATCH", f"/sessions/{session['id']}", expires_at=soon).status_code == 200
    later = (clock.now + timedelta(hours=5)).isoformat()
    assert operator("PATCH", f"/sessions/{session['id']}", expires_at=later).status_code == 400
    assert is_signed_in(browser)
    assert operator("DELETE", f"/sessions/{session['id']}").status_code == 204
    assert not is_signed_in(browser)
    assert operator("GET", f"/sessions/{session['id']}").status_code == 404


def test_a_suspension_ends_everything_and_is_lifted(operator: Program, ada: str, browser: Browser) -> None:
    """A-105; row "SUSPENDED refused"."""
    sign_in(browser)
    assert operator("POST", f"/users/{ada}/suspend", reason="an inquiry").status_code == 204
    assert not is_signed_in(browser)
    assert sign_in(browser).status == 403
    assert operator.get(f"/users/{ada}")["status_reason"] == "an inquiry"
    assert operator("POST", f"/users/{ada}/restore").status_code == 204
    assert not is_signed_in(browser)
    assert sign_in(browser).path == "/account"


@pytest.mark.also_on_postgresql
def test_the_list_goes_on_where_the_page_before_ended(operator: Program, work: Work) -> None:
    with work() as w:
        ids = sorted(make_user(w, f"user{number}@example.test") for number in range(5))
    seen: list[str] = []
    path = "/users?limit=2"
    while path:
        page = operator.get(path)
        seen += [user["id"] for user in page["users"]]
        path = f"/users?limit=2&after={page['next']}" if "next" in page else ""
    assert seen == ids


def test_a_page_costs_as_many_queries_as_one_account(operator: Program, work: Work, installation: Installation) -> None:
    """However many are on it: with a few each, 200 accounts took PostgreSQL more than a second."""
    asked: list[str] = []
    event.listen(installation.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    counts = []
    for number in (1, 5):
        with work() as w:
            for each in range(number):
                make_user(w, f"user{number}{each}@example.test")
        asked.clear()
        operator.get("/users")
        counts.append(len(asked))
    assert counts[0] == counts[1]


@in_one_world("query", ["limit=0", "limit=-1", "limit=x", "limit=1e3", "after=1' OR '1'='1", "after=x"])
def test_a_page_that_cannot_be_read_is_refused(operator: Program, query: str) -> None:
    """A-130."""
    assert operator("GET", f"/users?{query}").json()["type"] == "urn:signet:problem:invalid-body"


@in_one_world("user_id", [NOBODY, "x", "%00", "'", "ada@example.test"])
def test_who_is_not_there_is_not_found(operator: Program, user_id: str) -> None:
    for method, path in (
        ("GET", ""), ("DELETE", ""), ("POST", "/restore"), ("GET", "/sessions"), ("GET", "/identities"),
    ):  # fmt: skip
        assert operator(method, f"/users/{user_id}{path}").status_code in {404, 405}
    assert operator("GET", f"/sessions/{user_id}").status_code in {404, 405}


@pytest.mark.parametrize(
    "body",
    [
        {"email": "nobody"},
        {"email": ADDRESS, "password": "chosen by an operator"},
        {"email": ADDRESS, "roles": ["two words"]},
        {"email": ADDRESS, "roles": [""]},
        {"email": ADDRESS, "claims": {"email": "x@y.test"}},
        {"email": ADDRESS, "claims": {"birthdate": "yesterday"}},
        {},
    ],
)
def test_an_account_that_is_not_as_described_is_not_made(operator: Program, body: dict[str, object]) -> None:
    answer = operator("POST", "/users", **body)
    assert answer.status_code in {400, 415}
    assert operator.get("/users")["users"] == []


def test_a_taken_address_is_told_to_operators(operator: Program, ada: str) -> None:
    assert operator("POST", "/users", email=ADDRESS.upper()).json()["type"] == "urn:signet:problem:address-taken"


def test_what_was_done_says_by_which_program(operator: Program, ada: str, work: Work) -> None:
    refused = operator("POST", f"/users/{ada}/suspend", reason="x\u202e").json()["errors"]
    assert refused == [{"member": "reason", "problem": "Remove this character: U+202E RIGHT-TO-LEFT OVERRIDE."}]
    operator("POST", f"/users/{ada}/suspend", reason="x\ufeff")
    with work() as w:
        [event] = [one for one in audit.find(w.read, user_id=ada) if one.name == "account.suspended"]
    assert event.details["operator"].startswith("client ")
    assert (event.network, event.user_agent) == ("", "")


def test_a_letter_about_it_names_neither_device_nor_place(operator: Program, ada: str, inbox: Inbox) -> None:
    operator("POST", f"/users/{ada}/suspend", reason="x")
    assert "Device:" not in inbox.latest(ADDRESS).text


def test_a_shortened_session_is_recorded_with_both_times(
    operator: Program, ada: str, browser: Browser, clock: Clock, work: Work
) -> None:
    sign_in(browser)
    [session] = operator.get(f"/users/{ada}/sessions")["sessions"]
    soon = clock.now + timedelta(minutes=5)
    assert operator("PATCH", f"/sessions/{session['id']}", expires_at=soon.isoformat()).status_code == 200
    [event] = events(work, "session.shortened")
    assert datetime.fromisoformat(event["before"]) == datetime.fromisoformat(session["expires_at"])
    assert (datetime.fromisoformat(event["after"]), event["session"]) == (soon, session["id"])
    assert event["operator"].startswith("client ")
    clock.advance(minutes=6)
    assert not is_signed_in(browser)


def test_a_session_that_is_shortened_to_now_ends_as_if_it_was_deleted(
    operator: Program, ada: str, browser: Browser, clock: Clock, work: Work
) -> None:
    """So its applications are notified, and its tokens end."""
    for ago in (timedelta(0), timedelta(hours=1)):
        sign_in(browser)
        [session] = operator.get(f"/users/{ada}/sessions")["sessions"]
        at = (clock.now - ago).isoformat()
        assert operator("PATCH", f"/sessions/{session['id']}", expires_at=at).status_code == 200
        assert not is_signed_in(browser)
        event = events(work, "session.signed_out")[0]
        assert (event["session"], event["reason"]) == (session["id"], "operator")
        assert operator("GET", f"/sessions/{session['id']}").status_code == 404
