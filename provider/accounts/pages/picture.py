"""The profile picture: upload one, remove it, and serve it at its URL."""

import re
import uuid

from starlette.responses import Response

from provider.accounts import pictures as rules
from provider.accounts.pictures import MOST_ZOOM, Crop, InvalidPicture
from provider.accounts.profile import own_picture
from provider.accounts.store import pictures, users
from provider.refusals import NotFound, TooManyRequests
from provider.sessions.guards import require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint, machine_endpoint
from provider.web.errors import as_json, too_many
from provider.web.pages import go, page

PATH = "/account/picture"
MAX_BODY = 4 * 1024 * 1024
"""The largest request body, in bytes. It exceeds the limit of a picture, so that a page can report the error."""
HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",  # applications show it
}


@endpoint
def show_picture(call: Call) -> Response:
    return _page(call, require_user(call))


@endpoint(max_body=MAX_BODY)
def change(call: Call) -> Response:
    session = require_user(call)
    try:
        if call.form.get("remove"):
            rules.remove_picture(call.work, user_id=session.user_id)
        else:
            rules.set_picture(
                call.work, user_id=session.user_id, content=call.files.get("picture", b""), crop=_crop_of(call)
            )
    except InvalidPicture as refusal:
        return _page(call, session, errors={"picture": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return _page(call, session, **too_many(call, refusal))
    return go(f"{PATH}?saved=yes")


@machine_endpoint(render=as_json)
def picture(call: Call) -> Response:
    """Serve a picture to anyone with its URL, which is the `picture` claim: GET /pictures/{picture_id}.

    Raises NotFound.
    """
    try:
        picture_id = str(uuid.UUID(call.path_params["picture_id"]))
    except ValueError:
        raise NotFound from None
    found = pictures.find(call.work.read, picture_id)
    if found is None:
        raise NotFound
    return Response(found.content, media_type=found.media_type, headers=HEADERS)


def _crop_of(call: Call) -> Crop:
    """Return the square that was chosen in the form. A number that is missing or out of range is the default."""

    def percent(name: str, most: int, default: float) -> float:
        text = call.form.get(name, "")
        value = float(text) / 100 if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,20})?", text) else default
        return value if value <= most else default

    zoom = percent("zoom", MOST_ZOOM, 1)
    return Crop(zoom=max(1, zoom), x=percent("x", 1, 0.5), y=percent("y", 1, 0.5))


def _page(call: Call, session: Session, *, errors: dict[str, str] | None = None, status_code: int = 200) -> Response:
    user = users.find(call.work.read, session.user_id)
    return page(
        call,
        "accounts/picture.html",
        status_code=status_code,
        picture=None if user is None else user.claims.get("picture"),
        shown=None if user is None else own_picture(call.work, user),
        just_saved="saved" in call.query and not errors,
        errors=errors or {},
    )
