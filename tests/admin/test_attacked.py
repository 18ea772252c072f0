"""What was found by attacking the console and the admin API: hostile text, forms of two operators at once, the ends of
time, an invitation to somebody who is shut out.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from provider.accounts import data_export, invitation
from provider.accounts.email import operator_emails
from provider.accounts.email.new_addresses import AddressTaken
from provider.accounts.email.operator_emails import NotNow
from provider.accounts.registration import create_user
from provider.accounts.users import find_user
from provider.oauth.clients import clients, secret_rotation
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.operators import idempotency, store
from provider.operators.audit import audit_log
from provider.webhooks import store as webhooks
from provider.work import Installation
from tests.admin.conftest import Console, Program, action_form
from tests.support.browser import Page
from tests.support.factories import make_client
from tests.support.installation import Work

API = "https://api.example.test/"
on_postgresql = pytest.mark.only_on("postgresql")


WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def waiting(installation: Installation) -> bool:
    """Does somebody wait for a lock of somebody else?"""
    with installation.database.engine.connect() as db:
        return bool(db.scalar(text(WAITING)))


@on_postgresql
def test_of_two_operators_who_make_an_account_for_one_address_the_second_is_told(
    work: Work, installation: Installation
) -> None:
    """Not that something went wrong here: 409."""

    def make() -> str:
        with work() as w:
            return create_user(w, email="ada@example.test", password=None, verified=True)

    with ThreadPoolExecutor(1) as other:
        with work() as w:
            create_user(w, email="Ada@example.test", password=None, verified=True)
            second = other.submit(make)
            while not waiting(installation):
                assert not second.done()
        with pytest.raises(AddressTaken):
            second.result()


@on_postgresql
def test_lists_find_nothing_by_what_no_database_keeps(console: Console) -> None:
    """A-130; PostgreSQL knows no NUL."""
    for question in ("users?q=", "clients?q=", "explain?client=", "explain?error_id=", "outbox?about=", "audit?user="):
        assert console.open(f"/{question}x%00").status in {200, 404}, question


def test_the_audit_log_is_asked_up_to_the_last_day_there_is(console: Console) -> None:
    assert (
        console.open("/audit?until=9999-12-31&since=0001-01-01").html.count(
            '<code class="quiet" lang="en">account.created'
        )
        == 1
    )


def test_nobody_who_is_shut_out_is_invited(operator: Program) -> None:
    """A link made meanwhile would come alive when the account is restored."""
    made = operator("POST", "/users", email="grace@example.test").json()["id"]
    assert operator("POST", f"/users/{made}/suspend", reason="stolen").status_code == 204
    refused = operator("POST", f"/users/{made}/letters", purpose="invite")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:signet:problem:not-now")


def test_nobody_reads_in_the_copy_of_their_data_who_suspended_them_and_why(
    console: Console, work: Work, ada: str
) -> None:
    """The reason is for operators, as its field says; the person is told that it happened."""
    console.act(f"/users/{ada}/suspend", why="Grace saw her")
    console.act(f"/users/{ada}/restore", why="Grace was wrong")
    with work() as w:
        copy = data_export.export(w, user_id=ada, applications=[]).decode()
    assert "account.suspended" in copy
    assert "Grace" not in copy
    assert console.user_id not in copy


def key_of(page: Page) -> str:
    field = action_form(page).find("idempotency_key")
    assert field is not None
    return field.value


@on_postgresql
def test_a_double_click_makes_one_secret_and_the_form_that_comes_back_shows_it(console: Console, work: Work) -> None:
    """The second press finds the first still at work; on SQLite it would wait for it."""
    with work() as w:
        app, _ = make_client(w)
    asked = console.open(f"/clients/client/rotate-secret?client_id={app.client_id}")
    key, action = key_of(asked), action_form(asked).action
    first = idempotency.request_of(key, caller=f"console {console.user_id}", asked=None)
    with work() as w:
        assert store.hold(w.db, first.digest)
        page = console.browser.submit({}, action=action)
    assert (page.status, key_of(page)) == (409, key)
    shown = console.browser.submit({}, action=action)
    assert "New client secret" in shown.text


@on_postgresql
def test_a_webhook_is_at_an_address_that_can_be_kept_and_holds_no_password(console: Console, work: Work) -> None:
    """Its URL is in the audit log, and other webhooks are told of it."""
    for path in ("\0", " x", "\u202ex"):
        console.open("/webhooks")
        assert console.browser.submit({"url": f"https://hooks.example.test/{path}"}).status == 400, repr(path)
    console.open("/webhooks")
    page = console.browser.submit({"url": "https://me:hunter2@hooks.example.test/"})
    assert (page.status, "user or a password" in page.text) == (400, True)
    with work() as w:
        assert not webhooks.find_all(w.read)


def test_who_asks_for_the_head_of_an_export_has_nothing_read(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9110 section 9.3.2."""
    monkeypatch.setattr(audit_log, "every", lambda *_: 1 / 0)
    head = console.browser.client.head("/admin/audit/export.csv")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/csv; charset=utf-8")


@on_postgresql
def test_of_two_rotations_at_once_one_secret_is_left_that_never_ends(work: Work, installation: Installation) -> None:
    """Else "end the old secrets" would leave one of somebody who may have it."""
    with work() as w:
        app, _ = make_client(w)
    secrets = []
    with ThreadPoolExecutor(1) as other:

        def rotate() -> str:
            with work() as w:
                return secret_rotation.rotate_secret(w, app.client_id)

        with work() as w:
            secrets.append(secret_rotation.rotate_secret(w, app.client_id))
            second = other.submit(rotate)
            while not waiting(installation):
                assert not second.done()
        secrets.append(second.result())
    with work() as w:
        secret_rotation.end_retired_secrets(w, app.client_id)
        left = clients.find_client(w, app.client_id)
    assert left is not None
    assert [left.has_secret(secret) for secret in secrets] == [False, True]


@on_postgresql
@pytest.mark.parametrize(
    ("other_id", "apis", "told"),
    [("shop", (), "client_id is already registered"), ("api", (API,), "already registered for another API")],
)
def test_of_two_who_register_one_name_the_second_is_told(
    work: Work, installation: Installation, other_id: str, apis: tuple[str, ...], told: str
) -> None:
    """Not that something went wrong here."""
    metadata = ClientMetadata(response_types=(), grant_types=("client_credentials",), resource_identifiers=apis)

    def register() -> None:
        with work() as w:
            clients.create_client(w, metadata, client_id=other_id)

    with ThreadPoolExecutor(1) as other:
        with work() as w:
            clients.create_client(w, metadata, client_id="shop")
            second = other.submit(register)
            while not waiting(installation):
                assert not second.done()
        with pytest.raises(InvalidMetadata, match=told):
            second.result()


def test_without_a_page_to_choose_a_password_on_nobody_is_invited(work: Work) -> None:
    """Its link would lead nowhere; and no account is made either."""
    with work() as w:
        w.settings = w.settings.model_copy(update={"features": frozenset()})
        with pytest.raises(NotNow):
            invitation.invite(w, email="grace@example.test")
        user_id = create_user(w, email="ada@example.test", password=None, verified=True)
        with pytest.raises(NotNow):
            operator_emails.send_reset(w, user_id=user_id)
    with work() as w:
        assert find_user(w, "grace@example.test") is None
