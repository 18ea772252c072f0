"""Profile pictures: decoded and drawn again, so that no other data of an uploaded file is kept."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provider.accounts.store import pictures, users
from provider.accounts.store.pictures import Picture
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id
from provider.languages.text import Text
from provider.observability.logging import log
from provider.ratelimits import LIMITS, hit
from provider.refusals import Refusal
from provider.work import UnitOfWork

if TYPE_CHECKING:
    from PIL import Image

MAX_FILE = 2 * 1024 * 1024
MAX_PIXELS = 25_000_000
"""The most pixels of an uploaded picture: more than phones produce, and 100 MB when decoded."""
SIDE = 512
MOST_ZOOM = 4
FORMATS = ("JPEG", "PNG", "WEBP")


class InvalidPicture(Refusal):
    """A file that is not accepted as a picture. The message says why."""

    code = "unfit-picture"


@dataclass(frozen=True)
class Crop:
    """The square of a picture that is kept. By default, the largest one in the centre."""

    zoom: float = 1
    """How many times smaller it is than the largest one, from 1 to MOST_ZOOM."""
    x: float = 0.5
    """Its place from left (0) to right (1)."""
    y: float = 0.5
    """Its place from top (0) to bottom (1)."""

    def of(self, picture: "Image.Image") -> "Image.Image":
        side = max(1, round(min(picture.size) / self.zoom))
        left, top = round((picture.width - side) * self.x), round((picture.height - side) * self.y)
        return picture.crop((left, top, left + side, top + side))


def draw(content: bytes, crop: Crop | None = None) -> tuple[str, bytes]:
    """Return the media type and the bytes of a small copy. The format is detected from the content alone.

    Without `crop` the picture keeps its shape. Raises InvalidPicture. It is slow: call it before the first write.
    """
    if not content:
        raise InvalidPicture(Text("Choose a picture."))
    if len(content) > MAX_FILE:
        raise InvalidPicture(Text("This file is larger than 2 MB. Choose a smaller one."))
    from PIL import Image  # noqa: PLC0415  # slow to load

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            small_enough = picture.width * picture.height <= MAX_PIXELS
            needed = round(2 * SIDE * (1 if crop is None else crop.zoom))
            picture.draft("RGB", (needed, needed))  # a JPEG is decoded no larger than needed
            drawn = _encode(picture, crop) if small_enough else None
    except Exception as error:  # noqa: BLE001  # a decoder given hostile bytes raises whatever it stumbles over
        log.info("picture.unreadable", error=type(error).__name__)
        raise InvalidPicture(Text("We can't read this file. Choose a JPEG, PNG or WebP picture.")) from None
    if drawn is None:
        raise InvalidPicture(Text("This picture has too many pixels. Choose a smaller one."))
    return drawn


def _encode(picture: "Image.Image", crop: Crop | None) -> tuple[str, bytes]:
    from PIL import Image, ImageOps  # noqa: PLC0415

    upright = ImageOps.exif_transpose(picture)  # the metadata that tells how the camera was held does not stay
    upright = upright if crop is None else crop.of(upright)
    transparent = "A" in upright.getbands() or "transparency" in upright.info
    drawn = upright.convert("RGBA" if transparent else "RGB")
    drawn.thumbnail((SIDE, SIDE))
    bare = Image.new(drawn.mode, drawn.size)
    bare.paste(drawn)
    stream = io.BytesIO()
    if transparent:
        bare.save(stream, "PNG", optimize=True)
        return "image/png", stream.getvalue()
    bare.save(stream, "JPEG", quality=85)
    return "image/jpeg", stream.getvalue()


def set_picture(
    work: UnitOfWork,
    *,
    user_id: str,
    content: bytes,
    crop: Crop | None = None,
    before_writing: Callable[[], None] = lambda: None,
) -> None:
    """Replace the user's picture and set the `picture` claim to its URL. Raises InvalidPicture or TooManyRequests.

    Without `crop` the picture keeps its shape. `before_writing` is called when the picture is drawn, which takes a
    while.
    """
    hit(work, LIMITS.picture, key=f"picture:{user_id}")
    media_type, drawn = draw(content, crop)
    before_writing()
    picture = Picture(new_id(), user_id, media_type, drawn, work.now)
    url = f"{work.settings.issuer}/pictures/{picture.id}"
    pictures.replace(work.db, picture)
    users.change_claims(work.db, user_id, lambda claims: claims | {"picture": url}, now=work.now)
    record(work, Event.PICTURE_CHANGED, user_id=user_id)


def remove_picture(work: UnitOfWork, *, user_id: str) -> bool:
    """Remove the picture and the `picture` claim, even if the claim points elsewhere. Returns False without either."""
    user = users.find(work.read, user_id)
    removed = pictures.remove(work.db, user_id)
    if not removed and (user is None or "picture" not in user.claims):
        return False
    users.change_claims(work.db, user_id, _without_picture, now=work.now)
    record(work, Event.PICTURE_CHANGED, user_id=user_id, removed=True)
    return True


def _without_picture(claims: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in claims.items() if name != "picture"}
