"""Edits that overtake each other, and requests that are sent again: If-Match and Idempotency-Key."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.accounts.roles.permissions import EVERYTHING
from provider.accounts.store.users import users
from provider.admin.operation import AdminOperation
from provider.oauth.clients.store.clients import clients
from provider.operator_names import OperatorName
from provider.operators import idempotency
from provider.operators.imports import jobs
from provider.operators.store import idempotency_keys
from provider.outbox import messages
from provider.signals import streams
from provider.web.routing import flattened
from provider.work import Installation
from provider.worker.jobs import purge
from tests.admin.conftest import Program, program
from tests.oauth.authorization_details.conftest import ACCESS
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import REDIRECT_URI, make_client
from tests.support.foreign_server import ForeignServer, answer
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.people import sign_in

SHOP = {"client_name": "Shop", "redirect_uris": [REDIRECT_URI]}
SCIM = {"base_url": "https://shop.example.test/scim", "token": "t"}
TIER = {"claim": "tier", "client_id": "shop", "source": "constant", "value": 1}


def problem(answer: httpx2.Response) -> str:
    return str(answer.json()["type"]).removeprefix("urn:signet:problem:")


@pytest.mark.both_databases
def test_an_edit_of_what_somebody_else_changed_meanwhile_is_refused(operator: Program, ada: str) -> None:
    """N-49; RFC 9110 section 13.1.1: 412 and nothing changed; without If-Match it goes ahead."""
    operator("POST", "/clients", client_id="shop", **SHOP)
    for path, one, other in (
        (f"/users/{ada}", {"roles": ["one"]}, {"roles": ["two"]}),
        ("/clients/shop", SHOP | {"client_name": "One"}, SHOP | {"client_name": "Two"}),
    ):
        method = "PATCH" if "users" in path else "PUT"
        seen = operator("GET", path).headers["etag"]
        changed = operator(method, path, seen=f'"x", {seen}', **one)
        assert changed.status_code == 200, changed.text
        assert changed.headers["etag"] == operator("GET", path).headers["etag"] != seen
        for stale in (seen, f"W/{changed.headers['etag']}", changed.headers["etag"].strip('"')):
            refused = operator(method, path, seen=stale, **other)
            assert (refused.status_code, problem(refused)) == (412, "changed-meanwhile")
            assert operator("DELETE", path, seen=stale).status_code == 412
        assert operator.get(path) == changed.json()
        assert operator(method, path, seen="*", **other).status_code == 200
        assert operator(method, path, **one).status_code == 200
        assert operator("DELETE", path, seen=operator("GET", path).headers["etag"]).status_code == 204


@pytest.mark.also_on_postgresql
def test_one_thing_has_a_version_and_every_change_of_it_looks_at_it(
    app: Starlette, operator: Program, ada: str, browser: Browser, work: Work
) -> None:
    """Whatever operation comes: it shows one thing with an ETag, or is refused when If-Match names another version."""
    sign_in(browser)
    with work() as w:
        promise = messages.enqueue(w, "mail", {}, about="x")
        w.origin = w.origin.of_operator(OperatorName.client("importer"))
        of_file = jobs.upload(w, content=b"email\na@b.example\n", permissions=EVERYTHING, update=False, invite=False)
    webhook = operator("POST", "/webhooks", url="https://hooks.example.test/").json()["id"]
    operator("POST", "/clients", client_id="shop", **SHOP)
    session = operator.get(f"/users/{ada}/sessions")["sessions"][0]["id"]
    operator("PUT", "/roles/editor", description="Edits")
    ids = {"user_id": ada, "client_id": "shop", "session_id": session, "promise_id": promise, "webhook_id": webhook}
    issuer = operator("POST", "/trusted-issuers", issuer="https://issuer.example.test").json()["id"]
    upstream = operator("POST", "/upstreams", **GITHUB).json()["id"]
    operator("PUT", "/authorization-details-types/files", **ACCESS)
    operator("PUT", "/user-attributes/team", type="text", label="Team")
    operator("PUT", "/claim-mappings/tier", **TIER)
    operator("PUT", "/groups/sales", display_name="Sales")
    operator("PUT", "/provisioning/shop", **SCIM)
    with work() as w:
        streams.create(w, "shop", {})
    ids |= {"upstream_id": upstream, "issuer_id": issuer, "role": "editor", "import_id": of_file, "type": "files"}
    ids |= {"name": "team", "mapping": "tier", "group": "sales"}
    bodies: dict[str, dict[str, Any]] = {
        "change_user": {"roles": ["x"]}, "replace_client": SHOP, "suspend_user": {"reason": "x"},
        "request_email_change_of_user": {"email": "ada@new.example.test"},
        "change_session": {"expires_at": "2100-01-01T00:00:00Z"}, "put_role": {"description": "Edits pages"},
        "replace_upstream": {"preset": "github", "client_id": "us", "client_secret": "s"},
        "replace_trusted_issuer": {"algorithms": ["ES256"]},
        "put_details_type": ACCESS, "put_user_attribute": {"type": "text", "label": "Team"},
        "put_claim_mapping": TIER | {"value": 2}, "put_group": {"display_name": "Shop"},
        "enable_signal_stream": {"reason": "x"}, "pause_signal_stream": {"reason": "x"},
        "disable_signal_stream": {"reason": "x"}, "put_signal_stream": {"endpoint_url": "https://shop.example.test/e"},
        "put_provisioning": SCIM | {"on_deletion": "delete"}, "retry_provisioning": {"kind": "user", "key": "x"},
    }  # fmt: skip
    parts = {"refusals", "identities", "revoke", "replay", "consents", "token-families", "links", "letters", "sessions"}
    parts |= {
        "failures",
        "authenticator-apps",
        "passkeys",
        "remembered-devices",
        "members",
        "provisioned",
        "test",
    }
    parts |= {"remove", "signals"}
    looked_at = set()
    for route in flattened(app.routes):
        if not (isinstance(route, Route) and isinstance(route.endpoint, AdminOperation) and "{" in route.path):
            continue
        last = [part for part in route.path.split("/") if not part.startswith("{")][-1]
        if last in parts - ({"sessions"} if route.path.startswith("/api/admin/sessions") else set()):
            continue  # lists, parts of a list, and what makes something
        path = route.path.removeprefix("/api/admin").replace(":path", "").format(**ids)
        method = next(each for each in route.methods or () if each != "HEAD")
        if route.name == "put_picture_of_user":
            continue  # takes a file: tests/admin/test_pictures.py
        if method == "GET":
            assert operator("GET", path).headers["etag"], path
        else:
            assert operator(method, path, seen='"another"', **bodies.get(route.name, {})).status_code == 412, path
        looked_at.add(route.name)
    assert len(looked_at) > 20


GITHUB: dict[str, Any] = {"json": {"key": "github", "preset": "github", "client_id": "us", "client_secret": "s"}}
MADE: list[tuple[str, dict[str, Any]]] = [
    ("/users", {"email": "grace@example.test"}),
    ("/clients", SHOP),
    ("/webhooks", {"url": "https://hooks.example.test/"}),
    ("/trusted-issuers", {"issuer": "https://other.example.test"}),
    ("/upstreams", GITHUB),
    ("/registration-tokens", {"uses": 2}),
    ("/users/{ada}/links", {"purpose": "reset"}),
    ("/users/{ada}/identities", {"issuer": "https://accounts.example", "subject": "117"}),
]


@pytest.mark.both_databases
def test_what_is_made_with_a_key_is_made_once(
    app: Starlette,
    operator: Program,
    ada: str,
    work: Work,
    client: TestClient,
    clock: Clock,
    installation: Installation,
) -> None:
    """draft-ietf-httpapi-idempotency-key-header section 2: the same answer, secrets too; for a day; of one caller."""
    makes = {
        route.path.removeprefix("/api/admin").replace("{user_id}", "{ada}")
        for route in flattened(app.routes)
        if isinstance(route, Route) and isinstance(route.endpoint, AdminOperation) and route.endpoint.makes
    }
    assert makes == {path for path, _ in MADE} | {"/imports"}  # takes a file: tests/admin/test_importing_by_api.py
    other = program(work, client, "admin:write")
    for number, (template, body) in enumerate(MADE):
        path, key = template.format(ada=ada), f'"key {number}"'
        first = operator("POST", path, key=key, **body)
        assert first.status_code == 201, first.text
        again = operator("POST", path, key=key.strip('"'), **body)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers.get("etag") == first.headers.get("etag")
        reused = operator("POST", path, key=key, **body, x=1)
        assert reused.status_code in {400, 422}
        theirs = other("POST", path, key=key, **body)
        if not path.endswith("/identities"):  # where it is linked already
            assert theirs.content != first.content  # another caller's key is another key
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(users)) == 2
        assert w.read.scalar(select(func.count()).select_from(clients)) == 2 + 2
    clock.advance(hours=25)
    assert purge(installation)["idempotency keys"] >= len(MADE)


def test_a_key_is_for_one_request(operator: Program, work: Work) -> None:
    """N-50; the draft, sections 2.6 and 2.7: with another body or at another address it is refused."""
    made = operator("POST", "/clients", key="k", **SHOP)
    for path, body in (("/clients", {**SHOP, "client_name": "Store"}), ("/webhooks", {"url": "https://x.example/"})):
        refused = operator("POST", path, key="k", **body)
        assert (refused.status_code, problem(refused)) == (422, "key-reused")
    for invalid in ("", '""', "k" * 256, "\x7f"):
        assert operator("POST", "/clients", key=invalid, **SHOP).status_code == 400, invalid
    assert operator("POST", "/clients", key="k", **SHOP).content == made.content


def test_a_refused_request_leaves_its_key_free(operator: Program, ada: str, work: Work) -> None:
    """Nothing was made, so nothing is kept: put right, it may be sent with the same key."""
    assert operator("POST", "/users", key="k", email="ada@example.test").status_code == 409
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(idempotency_keys)) == 0
    assert operator("POST", "/users", key="k", email="grace@example.test").status_code == 201


class TestThoseThatAskOthers:
    """An application whose sector somebody else's server vouches for (OIDC Registration section 5)."""

    @pytest.fixture
    def settings(self, database_url: str, outbound_settings: dict[str, Any]) -> Any:
        return settings_for(database_url, **outbound_settings)

    def test_the_network_comes_first_and_a_second_sending_needs_it_no_more(
        self, operator: Program, foreign_server: ForeignServer
    ) -> None:
        """With a key and with If-Match: nothing is held while we wait for them."""
        foreign_server.behaviour = answer(body=json.dumps([REDIRECT_URI]).encode())
        body = {**SHOP, "sector_identifier_uri": foreign_server.url("/sector.json")}
        made = operator("POST", "/clients", key="k", client_id="shop", **body)
        assert made.status_code == 201, made.text
        seen = operator("GET", "/clients/shop").headers["etag"]
        assert operator("PUT", "/clients/shop", seen=seen, **body, require_auth_time=True).status_code == 200
        assert operator("PUT", "/clients/shop", seen=seen, **body).status_code == 412
        foreign_server.behaviour = answer(status="500 Oops")
        assert operator("POST", "/clients", key="k", client_id="shop", **body).content == made.content
        assert problem(operator("PUT", "/clients/shop", **body)) == "invalid-metadata"


def at_once(count: int, ask: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    barrier = Barrier(count)

    def one(number: int) -> httpx2.Response:
        barrier.wait()
        return ask(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.both_databases
@pytest.mark.race
def test_of_many_at_once_one_makes_it_and_one_edit_counts(app: Starlette, operator: Program, work: Work) -> None:
    """On connections of their own: the same answer or 409; of edits that saw one version, one, and the others 412."""

    def ask(method: str, path: str, **given: Any) -> httpx2.Response:
        client = TestClient(app, base_url=ISSUER)
        return Program(client, operator.token)(method, path, **given)

    for number in range(3):
        answers = at_once(4, lambda _: ask("POST", "/users", key=f"k{number}", email=f"grace{number}@example.test"))  # noqa: B023
        made = {answer.content for answer in answers if answer.status_code == 201}
        assert len(made) == 1, [answer.text for answer in answers]
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert {problem(answer) for answer in answers if answer.status_code == 409} <= {"key-in-use"}
        user_id = json.loads(made.pop())["id"]
        seen = ask("GET", f"/users/{user_id}").headers["etag"]
        edits = at_once(4, lambda each: ask("PATCH", f"/users/{user_id}", seen=seen, roles=[f"role{each}"]))  # noqa: B023
        assert sorted(edit.status_code for edit in edits) == [200, 412, 412, 412]
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(users)) == 3
        assert make_client(w)


@pytest.mark.only_on("postgresql")
def test_a_key_in_use_is_told_to_wait(operator: Program, installation: Installation, work: Work) -> None:
    """The draft, section 2.7: 409 while the first one is carried out."""
    original = idempotency.keep
    answers: list[httpx2.Response] = []

    def slow(*given: Any) -> None:
        if not answers:
            answers.append(Program(operator.http, operator.token)("POST", "/clients", key="k", **SHOP))
        original(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idempotency, "keep", slow)
        first = operator("POST", "/clients", key="k", **SHOP)
    assert (answers[0].status_code, problem(answers[0])) == (409, "key-in-use")
    assert answers[0].headers["retry-after"] == "1"
    assert first.status_code == 201
    assert operator("POST", "/clients", key="k", **SHOP).content == first.content


def test_an_answer_kept_under_a_secret_key_that_is_gone_is_no_crash(operator: Program, work: Work) -> None:
    """Nor is the thing made a second time."""
    asked: dict[str, Any] = {"email": "grace@example.test", "key": "1"}
    assert operator("POST", "/users", **asked).status_code == 201
    with work() as w:
        w.db.execute(idempotency_keys.update().values(sealed="v0.AAAA"))
    answered = operator("POST", "/users", **asked)
    assert (answered.status_code, answered.json()["type"]) == (409, "urn:signet:problem:forgotten")


def test_an_etag_is_always_of_the_thing_that_is_changed_with_it(app: Starlette, operator: Program) -> None:
    """RFC 9110 section 8.8.3: the answer to a rotation shows a secret, which is no version of the client."""
    operations = [
        route.endpoint
        for route in flattened(app.routes)
        if isinstance(route, Route) and isinstance(route.endpoint, AdminOperation)
    ]
    shown = {id(one.of): one.gives for one in operations if one.of is not None and one.reads}
    assert len(shown) > 10
    wrong = [one.gives for one in operations if one.has_version and one.gives != shown.get(id(one.of), one.gives)]
    assert wrong == []
    operator("POST", "/clients", client_id="shop", **SHOP)
    webhook = operator("POST", "/webhooks", url="https://hooks.example.test/").json()["id"]
    for path in ("/clients/shop/rotate-secret", f"/webhooks/{webhook}/rotate-secret"):
        rotated = operator("POST", path)
        assert (rotated.status_code, "etag" in rotated.headers) == (200, False), rotated.text
