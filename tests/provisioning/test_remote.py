"""What SCIM services of apps answer by mistake or by malice (RFC 7644 section 3.12)."""

from datetime import timedelta

import pytest

from provider.outbound.client import Outbound
from provider.provisioning.remote import Rejected, Service, Unavailable
from provider.work import Installation
from tests.provisioning.conftest import Provision
from tests.support.factories import make_user
from tests.support.foreign_server import Behaviour, answer
from tests.support.installation import Work
from tests.support.scim_app import TOKEN, ScimApp, refuse

SCIM = "application/scim+json"
ADA = "ada@example.test"


@pytest.fixture
def service(installation: Installation, scim_app: ScimApp) -> Service:
    outbound: Outbound = installation.outbound
    return Service(scim_app.url, TOKEN, outbound)


@pytest.mark.parametrize("remote_id", ["", "..", ".", "a\r\nb", "x" * 300, 7, None])
def test_an_id_that_is_no_part_of_a_path_is_refused(service: Service, scim_app: ScimApp, remote_id: object) -> None:
    """N-382."""
    scim_app.always = answer({"id": remote_id}, SCIM, status="201 Created")
    with pytest.raises(Rejected, match="without the id"):
        service.create("Users", {"userName": ADA})


def test_an_id_with_slashes_stays_one_segment_of_the_path(service: Service, scim_app: ScimApp) -> None:
    scim_app.always = answer({"id": "../Groups/1?x#y"}, SCIM)
    made = service.create("Users", {"userName": ADA})
    service.deactivate(made.id)
    assert scim_app.server.requests[-1].target == "/v2/Users/..%2FGroups%2F1%3Fx%23y"


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        (answer("<html>", "text/html"), "without a JSON object"),
        (answer("[]", SCIM), "without a JSON object"),
        (answer("[" * 100_000, SCIM), "without a JSON object"),
        (refuse("400 Bad Request", "x" * 5000), "x{190}"),
    ],
)
def test_what_an_app_may_answer_by_mistake_does_no_harm(
    service: Service, scim_app: ScimApp, behaviour: Behaviour, problem: str
) -> None:
    """N-383."""
    scim_app.always = behaviour
    with pytest.raises(Rejected, match=problem) as rejected:
        service.create("Users", {"userName": ADA})
    assert len(str(rejected.value)) < 300


def test_a_response_that_is_too_large_ends_the_exchange(service: Service, scim_app: ScimApp) -> None:
    scim_app.always = answer(b" " * (4 * 1024 * 1024 + 64 * 1024), SCIM)
    with pytest.raises(Unavailable, match="longer than"):
        service.check()


def test_an_app_that_ignores_filters_has_no_user_taken_over(
    provision: Provision, work: Work, scim_app: ScimApp
) -> None:
    """Each search answers another user (N-383)."""
    other = {"id": "1", "userName": "other@example.test", "externalId": "other"}
    sent: list[str] = []

    def ignore_filters(connection: object, request: object) -> None:
        sent.append(request.method)  # type: ignore[attr-defined]  # it is a Request
        body = {"Resources": [other]} if sent[-1] == "GET" else {"id": "2"}
        answer(body, SCIM)(connection, request)  # type: ignore[arg-type]  # it is a Behaviour

    scim_app.always = ignore_filters
    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
    app.run()
    assert sent == ["GET", "GET", "POST"]
    row = app.of(ada)
    assert row is not None
    assert row.remote_id == "2"


@pytest.mark.parametrize(("text", "pause"), [("120", 120), ("9" * 9, 3600), ("-5", None), ("Wed, 21 Oct 2099", None)])
def test_an_app_can_ask_for_an_hour_at_most(service: Service, scim_app: ScimApp, text: str, pause: int | None) -> None:
    """N-384; RFC 9110 section 10.2.3."""
    scim_app.always = refuse("429 Too Many Requests", Retry_After=text)
    with pytest.raises(Unavailable) as failed:
        service.check()
    assert failed.value.pause == (None if pause is None else timedelta(seconds=pause))
