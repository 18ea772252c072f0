"""The profile picture: upload or remove it. Its URL is the `picture` member of the profile."""

from typing import ClassVar

from provider.accounts import pictures
from provider.accounts.pictures import FORMATS, MAX_FILE, InvalidPicture
from provider.api.bodies import Body, File
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.refusals import TooManyRequests
from provider.web.call import Call


class PictureFile(File):
    media_types: ClassVar[tuple[str, ...]] = tuple(f"image/{name.lower()}" for name in FORMATS)
    max_body: ClassVar[int] = 2 * MAX_FILE  # larger than a picture may be, so that the refusal can say so


@by_person(takes=PictureFile, problems=(InvalidPicture, TooManyRequests))
def put_picture(call: Call, bearer: Bearer, body: PictureFile) -> None:
    """Upload a profile picture. At most 2 MB. It is resized, and hidden data such as location is removed."""
    pictures.set_picture(call.work, user_id=bearer.user_id, content=body.content)


@by_person()
def remove_picture(call: Call, bearer: Bearer, _body: Body) -> None:
    """Remove the profile picture. The profile then has no `picture`."""
    pictures.remove_picture(call.work, user_id=bearer.user_id)
