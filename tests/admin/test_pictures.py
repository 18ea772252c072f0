"""A user's profile picture by the admin API: the rules of the account API."""

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.admin.conftest import API, Program, events
from tests.api.test_picture import picture
from tests.support.installation import ISSUER, Work

NOBODY = "00000000-0000-7000-8000-000000000000"


def put(caller: Program, user_id: str, content: bytes, **headers: str) -> httpx2.Response:
    sent = {"authorization": f"Bearer {caller.token}", "content-type": "image/png"} | headers
    return caller.http.put(f"{API}/users/{user_id}/picture", content=content, headers=sent)


@pytest.mark.both_databases
def test_a_picture_is_put_shown_and_removed(operator: Program, ada: str, client: TestClient, work: Work) -> None:
    """Row "profile image upload"."""
    assert put(operator, ada, picture("PNG")).status_code == 204
    url = operator.get(f"/users/{ada}")["claims"]["picture"]
    assert url.startswith(f"{ISSUER}/pictures/")
    assert client.get(url).headers["content-type"] == "image/jpeg"
    assert events(work, "account.picture.changed")[0]["operator"].startswith("client ")
    assert operator("DELETE", f"/users/{ada}/picture").status_code == 204
    assert "picture" not in operator.get(f"/users/{ada}")["claims"]
    assert client.get(url).status_code == 404
    gone = operator("DELETE", f"/users/{ada}/picture")
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:signet:problem:no-picture")
    assert len(events(work, "account.picture.changed")) == 2


def test_what_is_no_picture_or_is_for_nobody_is_refused(operator: Program, reader: Program, ada: str) -> None:
    """A-90: what it is decides, not what it is called."""
    assert put(operator, ada, b"<svg/>").json()["type"] == "urn:signet:problem:unfit-picture"
    assert put(operator, ada, picture(), **{"content-type": "image/gif"}).status_code == 415
    assert put(operator, NOBODY, picture("PNG")).json()["type"] == "urn:signet:problem:no-such-user"
    assert put(reader, ada, picture("PNG")).status_code == 403
    assert operator.get(f"/users/{ada}")["claims"] == {"name": "Ada Lovelace"}


def test_an_outdated_version_keeps_the_picture_as_it_is(operator: Program, ada: str) -> None:
    """RFC 9110 section 13.1.1."""
    seen = operator("GET", f"/users/{ada}").headers["etag"]
    assert put(operator, ada, picture("PNG"), **{"if-match": seen}).status_code == 204
    assert put(operator, ada, picture("PNG"), **{"if-match": seen}).status_code == 412
    assert operator("DELETE", f"/users/{ada}/picture", seen=seen).status_code == 412
