"""A user's profile picture: upload or remove it. Its URL is the `picture` claim."""

from provider.accounts import pictures
from provider.accounts.pictures import InvalidPicture
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import USER, user_id_of
from provider.admin.operation import begin, by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.api.endpoints.picture import PictureFile
from provider.languages.text import Text
from provider.refusals import NotFound, TooManyRequests
from provider.web.call import Call


class NoPicture(NotFound):
    code = "no-picture"
    title = Text("No picture")
    message = Text("This user has no profile picture.")


@by_operator(
    needs=Permission.USERS_WRITE,
    of=USER,
    takes=PictureFile,
    problems=(NoSuchUser, InvalidPicture, TooManyRequests),
    asks_others=True,
)
def put_picture(call: Call, _operator: Operator, body: PictureFile) -> None:
    """Upload a user's profile picture. At most 2 MB. It is resized, and hidden data such as location is removed."""
    user_id = user_id_of(call)
    pictures.set_picture(call.work, user_id=user_id, content=body.content, before_writing=lambda: begin(call))


@by_operator(needs=Permission.USERS_WRITE, of=USER, problems=(NoSuchUser, NoPicture))
def remove_picture(call: Call, _operator: Operator, _body: Body) -> None:
    """Remove a user's profile picture. The claims then have no `picture`."""
    if not pictures.remove_picture(call.work, user_id=user_id_of(call)):
        raise NoPicture
