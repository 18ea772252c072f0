"""The admin API imports users from a file: a dry run or not, its state, and which rows failed."""

from typing import Any

import httpx2
import pytest

from provider.accounts.users import find_user
from provider.oauth.clients.clients import disable
from provider.operator_names import OperatorName
from provider.operators.imports import jobs, store
from provider.work import Installation
from tests.admin.conftest import API, Program
from tests.support.deliveries import deliver_due
from tests.support.installation import Work

CSV = "email,name\nada@example.test,Ada\nwrong,x\nADA@example.test,\n"


@pytest.fixture(autouse=True)
def _checked_by_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, a request checks the whole file."""
    monkeypatch.setattr(jobs, "SECONDS_OF_REQUEST", 3600.0)


def post(program: Program, content: bytes, query: str = "", key: str | None = None, **headers: str) -> httpx2.Response:
    given = {"authorization": f"Bearer {program.token}", "content-type": "text/csv", **headers}
    if key is not None:
        given["idempotency-key"] = key
    return program.http.post(f"{API}/imports{query}", content=content, headers=given)


def finished(operator: Program, installation: Installation, import_id: str) -> Any:
    while deliver_due(installation):
        pass
    return operator.get(f"/imports/{import_id}")


def test_a_file_is_imported_and_its_failures_are_listed(
    operator: Program, work: Work, installation: Installation
) -> None:
    begun = post(operator, CSV.encode("utf-16"))
    assert (begun.status_code, begun.json()["state"], begun.json()["total"]) == (201, "running", 3)
    ended = finished(operator, installation, begun.json()["id"])
    assert (ended["state"], ended["created"], ended["failed"]) == ("done", 1, 2)
    first = operator.get(f"/imports/{ended['id']}/failures?limit=1")
    assert [row["line"] for row in first["failures"]] == [3]
    second = operator.get(f"/imports/{ended['id']}/failures?after={first['next']}")
    assert second == {
        "failures": [
            {
                "line": 4,
                "email": "ADA@example.test",
                "problem": "The email address is in the file twice. It is also on line 2.",
            }
        ]
    }
    assert [one["id"] for one in operator.get("/imports")["imports"]] == [ended["id"]]
    with work() as w:
        assert find_user(w, "ada@example.test") is not None


def test_a_dry_run_is_started_later_or_discarded(operator: Program, work: Work, installation: Installation) -> None:
    kept, dropped = (post(operator, CSV.encode(), "?dry_run=true").json() for _ in range(2))
    assert (kept["state"], kept["created"], kept["failed"]) == ("checked", 1, 2)
    with work() as w:
        assert find_user(w, "ada@example.test") is None
    assert operator("POST", f"/imports/{dropped['id']}/stop").json()["state"] == "stopped"
    again = operator("POST", f"/imports/{dropped['id']}/start")
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "import-not-checked")
    assert operator("POST", f"/imports/{kept['id']}/start").json()["state"] == "running"
    assert operator("POST", f"/imports/{kept['id']}/start").status_code == 200  # again: nothing more
    assert finished(operator, installation, kept["id"])["created"] == 1


def test_a_repeated_request_starts_one_import(operator: Program) -> None:
    """draft-ietf-httpapi-idempotency-key-header section 2.7: another file or other options are another request."""
    content = "email\n\u00e9@example.test\n".encode("utf-16")
    first, again = (post(operator, content, key="a") for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    assert len(operator.get("/imports")["imports"]) == 1
    assert post(operator, content, "?update=true", key="a").status_code == 422
    assert post(operator, content + b"x\x00", key="a").status_code == 422


def test_what_is_wrong_is_said(operator: Program, reader: Program) -> None:
    empty = post(operator, b"")
    assert (empty.status_code, empty.json()["detail"]) == (400, "The file is empty.")
    assert post(operator, CSV.encode(), **{"content-type": "application/json"}).status_code == 415
    assert post(operator, CSV.encode(), "?dry_run=maybe").status_code == 400
    assert post(reader, CSV.encode()).status_code == 403
    assert reader("GET", "/imports/x").status_code == 404
    assert reader.get("/imports") == {"imports": []}


def test_an_import_of_a_client_that_is_disabled_ends(operator: Program, work: Work, installation: Installation) -> None:
    begun = post(operator, CSV.encode()).json()
    with work() as w:
        one = store.find(w.read, begun["id"])
        assert one is not None
        disable(w, OperatorName.parse(one.operator).id)
    while deliver_due(installation):
        pass
    with work() as w:
        ended = store.find(w.read, begun["id"])
        assert ended is not None
        assert ended.state == "failed"
        assert find_user(w, "ada@example.test") is None
