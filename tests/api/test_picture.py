"""The profile picture by API: the same checks as on the page."""

import io

import httpx2
from PIL import Image
from starlette.testclient import TestClient

from provider.accounts.pictures import MAX_FILE, SIDE
from provider.accounts.store import users
from tests.api.conftest import API, App, Caller, problem
from tests.support.cases import in_one_world
from tests.support.installation import ISSUER, Work
from tests.support.limits import Lower


def picture(kind: str = "JPEG", size: tuple[int, int] = (800, 600)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "red").save(stream, kind)
    return stream.getvalue()


def put(caller: Caller, content: bytes, media_type: str | None = "image/jpeg") -> httpx2.Response:
    headers = {"authorization": f"Bearer {caller.token}"}
    if media_type is not None:
        headers["content-type"] = media_type
    return caller.http.put(f"{API}/picture", content=content, headers=headers)


def test_a_picture_is_put_read_back_and_removed(app_of_ours: App, as_ada: Caller, client: TestClient) -> None:
    """Replaces: profile image upload."""
    assert put(as_ada, picture()).status_code == 204
    url = as_ada.get("/profile")["picture"]
    assert url.startswith(f"{ISSUER}/pictures/")
    served = client.get(url)
    assert served.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(served.content)).size == (SIDE, SIDE * 600 // 800)
    userinfo = app_of_ours.rp.userinfo(app_of_ours.redeem(app_of_ours.challenge())["access_token"]).json()
    assert userinfo["picture"] == url
    assert put(as_ada, picture("PNG"), "image/png").status_code == 204
    assert client.get(url).status_code == 404
    assert as_ada("DELETE", "/picture").status_code == 204
    assert "picture" not in as_ada.get("/profile")
    assert as_ada("DELETE", "/picture").status_code == 204


@in_one_world(
    ("content", "media_type", "kind", "status"),
    [
        (picture(), None, "unknown-type", 415),
        (picture(), "application/json", "unknown-type", 415),
        (picture("GIF"), "image/gif", "unknown-type", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "unknown-type", 415),
        (b"<script>alert(1)</script>", "image/png", "unfit-picture", 400),
        (picture("GIF"), "image/png", "unfit-picture", 400),
        (b"", "image/jpeg", "unfit-picture", 400),
        (b"\0" * (MAX_FILE + 1), "image/webp", "unfit-picture", 400),
        (b"\0" * (2 * MAX_FILE + 1), "image/webp", "too-large", 413),
    ],
)
def test_anything_else_is_refused(
    as_ada: Caller, ada: str, work: Work, content: bytes, media_type: str | None, kind: str, status: int
) -> None:
    """A-90, A-92: what it is decides, not what it is called; and nothing is kept."""
    refused = put(as_ada, content, media_type)
    assert problem(refused) == kind
    assert refused.status_code == status
    with work() as w:
        user = users.find(w.read, ada)
    assert user is not None
    assert "picture" not in user.claims


def test_uploads_are_limited_per_person(as_ada: Caller, lower: Lower) -> None:
    lower(picture="3/hour")
    answers = [put(as_ada, b"no").status_code for _ in range(4)]
    assert answers == [400] * 3 + [429]


def test_nobody_uploads_without_a_token(client: TestClient) -> None:
    answer = client.put(f"{API}/picture", content=picture(), headers={"content-type": "image/jpeg"})
    assert problem(answer) == "invalid_token"
