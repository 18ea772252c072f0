"""The commands `signet user attributes`, `set-attributes` and `find`: the attributes of users."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, print_rows, say, warn_if_cut
from provider.cli.user.commands import Who


def show_attributes(who: Who, *, as_json: Json = False) -> None:
    """Show the attributes of a user.

    The last column says why a value does not conform to the rules any more.

    Example: signet user attributes ada@example.com
    """
    from provider.accounts.attributes import values
    from provider.accounts.attributes.declarations import Editor
    from provider.accounts.users import get_user

    with unit() as work:
        rows = [
            {
                "name": one.attribute.name,
                "type": one.attribute.type,
                "value": one.value,
                "problem": one.problem,
            }
            for one in values.find_of_user(work, get_user(work, who).id, seen_by=Editor.OPERATOR)
        ]
    print_rows(rows, ("name", "type", "value", "problem"), as_json=as_json)


def set_attributes(
    who: Who,
    given: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE", help="An attribute and its value. An empty value removes it.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Set attributes of a user. The lines of a list are separated by line breaks, and JSON is written as JSON.

    Example: signet user set-attributes ada@example.com customer_number=4711 vip=true
    """
    from provider.accounts.attributes import values
    from provider.accounts.attributes.declarations import Editor, Place
    from provider.accounts.users import get_user

    texts = texts_of(given)
    with unit() as work:
        user = get_user(work, who)
        wanted = values.from_texts(work, texts)
        values.change_values(work, user_id=user.id, given=wanted, editor=Editor.OPERATOR, place=Place.ADMIN)
        found: dict[str, Any] = values.set_values(values.find_of_user(work, user.id, seen_by=Editor.OPERATOR))
    say(f"Changed the attributes of {who}.", {"id": user.id, "attributes": found}, as_json=as_json)


def texts_of(given: Iterable[str]) -> dict[str, str]:
    """Return the text of each attribute in arguments like `NAME=VALUE`. Raises BadParameter."""
    texts = {}
    for one in given:
        name, mark, text = one.partition("=")
        if not mark:
            raise typer.BadParameter(f"{one!r} is not NAME=VALUE.")
        texts[name.strip()] = text
    return texts


def find_users(
    text: Annotated[str, typer.Argument(metavar="NAME:VALUE", help="A searchable attribute and its whole value.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of users to show.")] = 100,
    as_json: Json = False,
) -> None:
    """Find users by the value of a searchable attribute.

    Example: signet user find customer_number:4711
    """
    from provider.accounts import overview
    from provider.accounts.attributes import searching
    from provider.accounts.attributes.declarations import Editor

    with unit() as work:
        ids = searching.find_page(work, text, Editor.OPERATOR, after=None, limit=limit + 1)
        warn_if_cut(len(ids) > limit, limit)
        rows = [
            {"id": one.user.id, "email": one.email, "status": one.user.status}
            for one in overview.describe(work, ids[:limit])
        ]
    print_rows(rows, ("id", "email", "status"), as_json=as_json)
