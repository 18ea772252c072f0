"""What is not accepted of directories, and how it is said (RFC 7644 section 3.12)."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.work import Installation
from tests.admin.conftest import person_token
from tests.scim.conftest import BASE, GROUP, USER, Directory, directory_of, problem
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import make_client
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS

OWN = {"op": "replace", "path": "displayName", "value": "x"}


@pytest.fixture
def ada(directory: Directory) -> str:
    return str(directory.create(userName="ada@example.test")["id"])


def _filtered(directory: Directory, text: str, kind: str = "Users") -> tuple[int, str | None]:
    headers = {"authorization": f"Bearer {directory.token}"}
    return problem(directory.http.get(f"{BASE}/{kind}", params={"filter": text}, headers=headers))


def test_only_clients_with_the_scope_that_act_for_themselves_are_let_in(
    directory: Directory, client: TestClient, work: Work, installation: Installation
) -> None:
    """N-335."""
    answer = client.get(f"{BASE}/Users")
    assert problem(answer) == (401, None)
    assert "oauth-protected-resource/scim/v2" in answer.headers["www-authenticate"]
    assert problem(directory_of(work, client, "admin:write")("GET", "/Users")) == (403, None)
    token = person_token(client, work, installation, roles=("admin",), amr=TWO_FACTORS, scope="scim")
    assert problem(Directory(client, token, "")("GET", "/Users")) == (403, None)
    assert problem(directory("GET", "/Nothing")) == (404, None)
    assert problem(directory("POST", "/Schemas", {})) == (405, None)
    assert problem(directory("GET", "/Me")) == (501, None)


def test_a_secret_opens_what_an_access_token_would(client: TestClient, work: Work) -> None:
    """N-343."""
    given: dict[str, Any] = {"redirect_uris": (), "grant_types": ("client_credentials",)}
    with work() as w:
        okta, secret = make_client(w, **given, scope="scim")
        other, others = make_client(w, **given, scope="admin:write")
        bound, bounds = make_client(w, **given, scope="scim", dpop_bound_access_tokens=True)
        app, apps = make_client(w, scope="openid")

    def asked(client_id: str, password: str | None) -> tuple[int, str | None]:
        answer = client.get(f"{BASE}/Users", auth=(client_id, password or ""))
        return (200, None) if answer.status_code == 200 else problem(answer)

    assert asked(okta.client_id, secret) == (200, None)
    assert asked(okta.client_id, "wrong") == (401, None)
    for one, its in ((other, others), (bound, bounds), (app, apps)):
        assert asked(one.client_id, its) == (403, None)


@pytest.mark.usefixtures("ada")
@in_one_world(
    ("text", "kind"),
    [
        ('title eq "x"', "invalidFilter"),
        ('userName ne "x"', "invalidFilter"),
        ('not (userName eq "x")', "invalidFilter"),
        ('userName eq "x" or title eq "y"', "invalidFilter"),
        ('userName co "x"', "invalidFilter"),
        ('userName sw ""', "invalidFilter"),
        ("userName eq", "invalidFilter"),
        ('nothing eq "x"', "invalidFilter"),
        ("active eq 12", "invalidFilter"),
        ("userName eq 12", "invalidFilter"),
        ('userName eq "x" and ' + "(" * 3000, "invalidFilter"),
        ("not (" * 60 + 'userName eq "x"' + ")" * 60, "invalidFilter"),
        (" or ".join(['id eq "x"'] * 60), "invalidFilter"),
        ('userName eq "\'; DROP TABLE users; --" and password pr', "invalidFilter"),
    ],
)
def test_a_filter_that_no_index_answers_is_refused(directory: Directory, text: str, kind: str) -> None:
    assert _filtered(directory, text) == (400, kind)


def test_a_filter_is_data_and_no_statement(directory: Directory, ada: str) -> None:
    """N-336."""
    for text in ("'; DROP TABLE users; --", "%", "_", '\\" or \\"1\\" eq \\"1', "\\u0000x"):
        assert directory.found(f'userName eq "{text}"') == []
    assert directory.get(f"/Users/{ada}")["id"] == ada


def test_a_filter_with_too_many_candidates_is_refused(
    directory: Directory, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-337."""
    monkeypatch.setattr("provider.scim.filters.MOST", 1)
    monkeypatch.setattr("provider.scim.finders.MOST", 1)
    directory.create(userName="bob@example.test")
    assert _filtered(directory, 'meta.created ge "2020-01-01T00:00:00Z"') == (400, "tooMany")
    assert directory.found(f'meta.created ge "2020-01-01T00:00:00Z" and id eq "{ada}"') == ["ada@example.test"]


def test_a_patch_with_too_many_operations_is_refused(directory: Directory, ada: str) -> None:
    assert problem(directory.patch(f"/Users/{ada}", *[OWN] * 101)) == (400, "tooMany")


@in_one_world(
    ("operation", "kind"),
    [
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": "nothing", "value": 1}, "invalidPath"),
        ({"op": "replace", "path": "emails[", "value": 1}, "invalidPath"),
        ({"op": "move", "path": "title", "value": 1}, "invalidValue"),
        ({"op": "replace", "path": "title", "value": {"a": 1}}, "invalidValue"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "replace", "path": "emails", "value": [{"value": "nobody"}]}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": " "}, "invalidValue"),
        ({"op": "replace", "path": "title", "value": "x" * 20_000}, "invalidValue"),
        ({"op": "replace", "path": "title", "value": "\x00"}, "invalidValue"),
    ],
)
def test_a_patch_of_what_cannot_be_changed_or_of_the_wrong_type_is_refused(
    directory: Directory, ada: str, operation: dict[str, object], kind: str
) -> None:
    before = directory.get(f"/Users/{ada}")
    assert problem(directory.patch(f"/Users/{ada}", {**OWN}, operation)) == (400, kind)
    assert directory.get(f"/Users/{ada}") == before  # all operations of a PATCH, or none


def test_a_resource_of_an_unknown_schema_is_refused(directory: Directory) -> None:
    """N-338."""
    for schemas in (["urn:unknown:User"], [USER, "urn:unknown:User"], [GROUP], [], None, "x", [1]):
        answer = directory("POST", "/Users", {"schemas": schemas, "userName": "ada@example.test"})
        assert problem(answer)[0] == 400, schemas


def test_a_body_that_is_nested_or_no_object_is_refused(directory: Directory, ada: str) -> None:
    """N-339."""
    deep: object = "x"
    for _ in range(40):
        deep = {"a": deep}
    assert problem(directory("POST", "/Users", {"schemas": [USER], "userName": "a@b.test", "x": deep})) == (
        400,
        "invalidSyntax",
    )
    for raw in (b"[]", b"{", b'{"a":1,"a":2}', b"[" * 50_000, b'"\xff"'):
        headers = {"authorization": f"Bearer {directory.token}", "content-type": "application/scim+json"}
        answer = directory.http.post(f"{BASE}/Users", content=raw, headers=headers)
        assert problem(answer) == (400, "invalidSyntax"), raw[:20]
    assert problem(directory("POST", "/Users", {}, content_type="text/plain")) == (415, None)
    assert problem(directory("PUT", f"/Users/{ada}", {"schemas": [USER]}))[0] == 400


def test_a_cursor_of_another_client_another_query_or_an_expired_one_is_refused(
    directory: Directory, work: Work, client: TestClient, clock: Clock
) -> None:
    """N-340."""
    for name in ("ada", "bob"):
        directory.create(userName=f"{name}@example.test")
    cursor = directory.get("/Users?cursor&count=1")["nextCursor"]
    assert len(directory.get(f"/Users?cursor={cursor}&count=1")["Resources"]) == 1
    other = directory_of(work, client)
    assert problem(other("GET", f"/Users?cursor={cursor}")) == (400, "invalidCursor")
    assert problem(directory("GET", f"/Users?cursor={cursor}&sortBy=meta.created")) == (400, "invalidCursor")
    assert problem(directory("GET", f"/Groups?cursor={cursor}")) == (400, "invalidCursor")
    assert problem(directory("GET", "/Users?cursor=abc")) == (400, "invalidCursor")
    clock.advance(hours=2)
    directory.renew()
    assert problem(directory("GET", f"/Users?cursor={cursor}&count=1")) == (400, "expiredCursor")


def test_members_that_are_not_there_are_refused(directory: Directory, ada: str) -> None:
    for value in ("00000000-0000-0000-0000-000000000000", "nothing", ""):
        body = {"schemas": [GROUP], "displayName": "staff", "members": [{"value": ada}, {"value": value}]}
        assert problem(directory("POST", "/Groups", body)) == (400, "invalidValue")
    assert directory.get("/Groups")["totalResults"] == 0
