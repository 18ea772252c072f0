"""Profile pictures: what is taken, what is kept of it, and how it is served."""

import contextlib
import io
import re
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from provider.accounts import pictures
from provider.accounts.pictures import MAX_FILE, MOST_ZOOM, SIDE, Crop, InvalidPicture
from tests.support.browser import Browser, Page
from tests.support.cases import in_one_world
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work
from tests.support.limits import Lower
from tests.support.people import find_user, sign_in


def picture(kind: str = "JPEG", size: tuple[int, int] = (800, 600), mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, "red").save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    with work() as w:
        user_id = make_user(w)
    sign_in(browser)
    return user_id


def upload(browser: Browser, content: bytes, *, name: str = "me.jpg", kind: str = "image/jpeg", **fields: str) -> Page:
    page = browser.open("/account/picture")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.html)
    assert token
    answer = browser.client.post(
        "/account/picture",
        data={"csrf_token": token[1], **fields},
        files={"picture": (name, content, kind)},
        headers={"sec-fetch-site": "same-origin", "accept": "text/html"},
    )
    if answer.status_code == 303:
        return browser.open(answer.headers["location"])
    return Page(answer)


def url_of(work: Work) -> str | None:
    return find_user(work).claims.get("picture")


def test_a_picture_is_uploaded_shown_and_removed(browser: Browser, client: TestClient, ada: str, work: Work) -> None:
    """Replaces: profile image upload."""
    page = upload(browser, picture())
    assert "Profile picture saved." in page.text
    url = url_of(work)
    assert url is not None
    assert url in page.html
    served = client.get(url)
    assert served.status_code == 200
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-security-policy"].startswith("default-src 'none'")
    assert "immutable" in served.headers["cache-control"]
    assert "set-cookie" not in served.headers
    assert Image.open(io.BytesIO(served.content)).size == (SIDE, SIDE)
    assert "removed" in browser.submit(button="Remove picture").text
    assert url_of(work) is None
    assert client.get(url).status_code == 404


def test_a_new_picture_has_a_new_address_and_the_old_one_is_gone(
    browser: Browser, client: TestClient, ada: str, work: Work
) -> None:
    upload(browser, picture())
    before = url_of(work)
    upload(browser, picture("PNG"))
    after = url_of(work)
    assert before is not None
    assert after is not None
    assert before != after
    assert client.get(before).status_code == 404
    assert after.startswith(f"{ISSUER}/pictures/")


@pytest.mark.parametrize(
    ("draw", "media_type"),
    [
        (partial(picture, "JPEG"), "image/jpeg"),
        (partial(picture, "WEBP"), "image/jpeg"),
        (partial(picture, "PNG"), "image/jpeg"),
        (partial(picture, "PNG", mode="RGBA"), "image/png"),
        (partial(picture, "PNG", mode="LA"), "image/png"),
        (partial(picture, "PNG", mode="P"), "image/jpeg"),
        (partial(picture, "JPEG", mode="CMYK"), "image/jpeg"),
        (partial(picture, "PNG", size=(1, 1)), "image/jpeg"),
    ],
)
def test_three_formats_are_drawn_anew(draw: Callable[[], bytes], media_type: str) -> None:
    kind, drawn = pictures.draw(draw())
    assert kind == media_type
    assert max(Image.open(io.BytesIO(drawn)).size) <= SIDE


def test_metadata_is_dropped_and_the_picture_turned_as_it_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = "at home, 51.5074 N"
    _, drawn = pictures.draw(picture(size=(200, 100), exif=exif.tobytes(), comment=b"a secret comment"))
    again = Image.open(io.BytesIO(drawn))
    assert again.size == (100, 200)
    assert len(again.getexif()) == 0
    assert b"at home" not in drawn
    assert b"secret" not in drawn


def colors(drawn: bytes) -> set[str]:
    """The colors in the corners of a picture."""
    shown = Image.open(io.BytesIO(drawn)).convert("RGB")
    ends = (4, shown.width - 5)
    names = {(True, False): "red", (False, True): "blue"}
    pixels = [shown.getpixel((x, y)) for x in ends for y in ends]
    return {names[pixel[0] > 128, pixel[2] > 128] for pixel in pixels if isinstance(pixel, tuple)}


def half_red_half_blue(kind: str = "JPEG", **options: object) -> bytes:
    """A wide picture: red on the left, blue on the right."""
    stream = io.BytesIO()
    drawn = Image.new("RGB", (1600, 400), "red")
    drawn.paste("blue", (800, 0, 1600, 400))
    drawn.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_crop_is_the_square_that_was_chosen(kind: str) -> None:
    content = half_red_half_blue(kind)
    for crop, shown in (
        (Crop(), {"red", "blue"}),
        (Crop(x=0), {"red"}),
        (Crop(x=1), {"blue"}),
        (Crop(zoom=4, x=0.46, y=0), {"red"}),
        (Crop(zoom=4, x=0.54, y=1), {"blue"}),
        (Crop(zoom=MOST_ZOOM), {"red", "blue"}),
    ):
        drawn = pictures.draw(content, crop)[1]
        width, height = Image.open(io.BytesIO(drawn)).size
        assert width == height, crop
        assert colors(drawn) == shown, crop
    assert Image.open(io.BytesIO(pictures.draw(content)[1])).size == (SIDE, SIDE // 4)


def test_a_crop_is_of_the_picture_as_it_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees: red is on top
    content = half_red_half_blue(exif=exif.tobytes())
    assert colors(pictures.draw(content, Crop(y=0))[1]) == {"red"}
    assert colors(pictures.draw(content, Crop(y=1))[1]) == {"blue"}
    assert Image.open(io.BytesIO(pictures.draw(picture(size=(1, 3)), Crop(zoom=4))[1])).size == (1, 1)


@in_one_world(
    ("numbers", "shown"),
    [
        ({}, {"red", "blue"}),
        ({"x": "0"}, {"red"}),
        ({"zoom": "400", "x": "99.5", "y": "0"}, {"blue"}),
        ({"zoom": "0", "x": "-1", "y": "nan"}, {"red", "blue"}),
        ({"zoom": "1e9", "x": "101", "y": "\u0661"}, {"red", "blue"}),
    ],
)
def test_the_form_crops_to_its_numbers_or_to_the_centre(
    browser: Browser, client: TestClient, ada: str, work: Work, numbers: dict[str, str], shown: set[str]
) -> None:
    """Without scripts the numbers are those of the centre."""
    upload(browser, half_red_half_blue(), **numbers)
    url = url_of(work)
    assert url is not None
    assert colors(client.get(url).content) == shown


def bomb() -> bytes:
    """A PNG of 400 megapixels in a few hundred kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 20_001 * 100, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_anything_else_is_refused() -> None:
    others = [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<script>alert(1)</script>",
        b"\xff\xd8\xff\xe0" + b"\0" * 1000,
        picture()[:300],
        picture("PNG")[:60],
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        bomb(),
        picture("PNG", size=(6000, 5000)),
        b"\0" * (MAX_FILE + 1),
        b"%PDF-1.7\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    ]
    for number, content in enumerate(others):
        try:
            pictures.draw(content)
        except InvalidPicture:
            continue
        pytest.fail(f"number {number} was taken: {content[:30]!r}")


def test_the_content_decides_not_what_the_file_calls_itself(browser: Browser, ada: str, work: Work) -> None:
    page = upload(browser, b"<script>alert(1)</script>", name="../../me.png", kind="image/png")
    assert page.status == 400
    assert "can't read this file" in page.text
    assert url_of(work) is None
    assert upload(browser, picture("WEBP"), name="x.html", kind="text/html").status == 200


def test_too_large_a_file_is_told_and_a_much_larger_one_is_not_read(browser: Browser, ada: str) -> None:
    page = upload(browser, b"\0" * (MAX_FILE + 1))
    assert page.status == 400
    assert "larger than 2 MB" in page.text
    page = upload(browser, b"\0" * (5 * 1024 * 1024))
    assert page.status == 413
    assert "/account/picture" in page.html  # the way on


def test_an_upload_needs_our_form(browser: Browser, ada: str, work: Work) -> None:
    browser.open("/account/picture")
    for data in ({}, {"csrf_token": "x"}):
        answer = browser.client.post(
            "/account/picture", data=data, files={"picture": ("a.jpg", picture(), "image/jpeg")}
        )
        assert answer.status_code == 403
    assert url_of(work) is None


def test_uploads_are_limited_per_person(browser: Browser, ada: str, lower: Lower) -> None:
    lower(picture="3/hour")
    answers = [upload(browser, b"no").status for _ in range(4)]
    assert answers == [400] * 3 + [429]


@pytest.mark.parametrize("name", ["x", "00000000-0000-0000-0000-000000000000", "..%2f..%2fetc%2fpasswd", "%00"])
def test_an_address_without_a_picture_is_404(client: TestClient, name: str) -> None:
    assert client.get(f"/pictures/{name}").status_code == 404


@pytest.mark.both_databases
def test_the_picture_goes_with_the_account(browser: Browser, client: TestClient, ada: str, work: Work) -> None:
    upload(browser, picture())
    url = url_of(work)
    assert url is not None
    with work() as w:
        w.db.exec_driver_sql("DELETE FROM users")
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_follows_or_hides_in_a_picture_is_left_behind(kind: str) -> None:
    """N-39: a picture that is also a script, an archive or a page is only a picture afterwards."""
    for tail in (b"<script>alert(1)</script>", b"PK\x03\x04" + b"x" * 100, b"<?php system($_GET[0]); ?>"):
        _, drawn = pictures.draw(picture(kind) + tail)
        assert tail not in drawn
        assert len(drawn) < len(picture(kind) + tail) + 10_000


def test_a_bomb_in_the_text_of_a_picture_does_not_go_off() -> None:
    """N-40: 200 MB of comment in a few hundred kilobytes, before and after the pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    whole = picture("PNG", size=(20, 20))
    comment = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 200_000_000, 9))
    end = whole.rindex(b"IEND") - 4
    for bomb_at in (33, end):  # after IHDR, and before IEND
        content = whole[:bomb_at] + comment + whole[bomb_at:]
        assert len(content) < MAX_FILE
        tracemalloc.start()
        with contextlib.suppress(InvalidPicture):
            pictures.draw(content)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 20_000_000


def test_a_picture_is_a_file_and_there_is_one(browser: Browser, ada: str, work: Work) -> None:
    """N-41: a field of that name is none, and of two files the form is of one."""
    csrf = browser.open("/account/picture").forms[0].find("csrf_token")
    assert csrf is not None
    form = {"csrf_token": csrf.value}

    def send(**files: Any) -> int:
        return browser.client.post("/account/picture", data=form, **files).status_code

    assert send() == 400
    assert (
        browser.client.post("/account/picture", data={**form, "picture": "data:image/png;base64,AAAA"}).status_code
        == 400
    )
    assert send(files={"other": ("x.png", picture("PNG"), "image/png")}) == 400
    assert "picture" not in find_user(work).claims
    two = [("picture", ("a.png", b"no picture", "image/png")), ("picture", ("b.png", picture("PNG"), "image/png"))]
    assert send(files=two) in {303, 400}
    assert send(files={"picture": ("", picture("PNG"), "")}) in {303, 400}
