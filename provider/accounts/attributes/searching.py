"""Finding users by the value of an attribute: written `name:value`, compared as a whole, without regard to case."""

from sqlalchemy import Select

from provider.accounts.attributes.declarations import Editor
from provider.accounts.store import attribute_values, user_attributes
from provider.database.types import search_key
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import UnitOfWork


class NotSearchable(Refusal):
    """A search by what is no attribute, or by one that is not declared searchable for who searches."""

    code = "attribute-not-searchable"
    message: Text = Text("Enter the name of a searchable attribute, a colon and the value, like customer_number:4711.")


def find_page(work: UnitOfWork, text: str, editor: Editor, *, after: str | None, limit: int) -> list[str]:
    """Return the ids of the users whose attribute has the value, in their order. Raises NotSearchable."""
    attribute_id, key = _parse(work, text, editor)
    return attribute_values.find_page(work.read, attribute_id, key, after=after, limit=limit)


def users_with(work: UnitOfWork, text: str, editor: Editor) -> Select[tuple[str]]:
    """Return a select of the same users' ids. Raises NotSearchable."""
    return attribute_values.having(*_parse(work, text, editor))


def _parse(work: UnitOfWork, text: str, editor: Editor) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    found = user_attributes.find(work.read, name.strip()[: user_attributes.LONGEST_NAME]) if colon else None
    if found is None or not found.searchable or editor not in found.seen_by or not value.strip():
        raise NotSearchable
    return found.id, search_key(value)
