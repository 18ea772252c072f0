"""Authorization details in words, for the pages on which users read what an app may do.

Each has the label of its type, the sentence that an operator wrote, and every member that the sentence does not show,
with its label. Nothing is left out: an app must not hide what it asks for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from provider.languages.catalogs import Language
from provider.languages.text import OwnText, Text
from provider.oauth.authorization_details import store
from provider.oauth.authorization_details.parsing import Detail
from provider.oauth.authorization_details.store import DetailsType
from provider.oauth.authorization_details.types import PLACEHOLDER
from provider.work import UnitOfWork

USUAL_LABELS = {
    "locations": Text("Where"),
    "actions": Text("Actions"),
    "datatypes": Text("Kinds of data"),
    "identifier": Text("Identifier"),
    "privileges": Text("Privileges"),
}
"""The labels of the members that RFC 9396 section 2.2 defines."""
WORDS = {True: Text("Yes"), False: Text("No"), None: Text("None")}


@dataclass(frozen=True)
class Fact:
    """A member of authorization details: its label, and its values as text."""

    label: Text | str
    values: tuple[Text | str, ...]


@dataclass(frozen=True)
class Sentence:
    """The sentence of an operator with values of an app, which pages show as such."""

    description: Mapping[str, str]
    values: Mapping[str, Sequence[Text | str]]

    def pieces(self, language: Language) -> list[tuple[str, bool]]:
        """Return the sentence in this language in pieces, each with whether it is a value."""
        parts = PLACEHOLDER.split(OwnText(self.description).in_language(language.tag))
        return [
            (language.comma.join(map(language.say, self.values[part])) if place % 2 else part, place % 2 == 1)
            for place, part in enumerate(parts)
            if part
        ]


@dataclass(frozen=True)
class DescribedDetail:
    """One object of authorization details, as users read it."""

    title: Text | str
    sentence: Sentence | None = None
    facts: tuple[Fact, ...] = field(default=())


def describe(details: Iterable[Detail], types: Mapping[str, DetailsType]) -> list[DescribedDetail]:
    """Return these details in words. One whose type was deleted has the name of its type as its title."""
    return [_describe(one, types.get(str(one["type"]))) for one in details]


def describe_stored(work: UnitOfWork, details: Sequence[Detail]) -> list[DescribedDetail]:
    """Return details that were granted earlier in words, by their types as they are now."""
    return describe(details, store.find_those(work.read, {str(one["type"]) for one in details})) if details else []


def _describe(one: Detail, declared: DetailsType | None) -> DescribedDetail:
    values: dict[str, list[Text | str]] = {}
    for path, value in _leaves(one, ""):
        values.setdefault(path, []).append(value)
    if declared is None:
        return DescribedDetail(str(one["type"]), None, _facts(values, {}, shown=set()))
    sentence, shown = _sentence(declared.description, values)
    return DescribedDetail(OwnText(declared.label), sentence, _facts(values, declared.fields, shown=shown))


def _sentence(
    description: Mapping[str, str], values: Mapping[str, Sequence[Text | str]]
) -> tuple[Sentence | None, set[str]]:
    """Return the sentence with its values, and the members that it shows in every language."""
    used = [set(PLACEHOLDER.findall(text)) for text in description.values()]
    if not used or not all(paths <= values.keys() for paths in used):  # a member that it needs is missing
        return None, set()
    return Sentence(description, values), set.intersection(*used)


def _facts(
    values: Mapping[str, Sequence[Text | str]], labels: Mapping[str, Mapping[str, str]], *, shown: set[str]
) -> tuple[Fact, ...]:
    """Return a fact for each member that is not shown yet, those with a label first, in the order of the labels."""
    order = [path for path in labels if path in values] + [path for path in values if path not in labels]
    return tuple(Fact(_label(path, labels), tuple(values[path])) for path in order if path not in shown)


def _label(path: str, labels: Mapping[str, Mapping[str, str]]) -> Text | str:
    if labels.get(path):
        return OwnText(labels[path])
    return USUAL_LABELS.get(path, path)


def _leaves(value: object, path: str) -> Iterator[tuple[str, Text | str]]:
    """Iterate over the values within a value, except its type, each with its path. An item of a list has the path of
    the list.
    """
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            if path or name != "type":
                yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _leaves(inner, path)
    elif isinstance(value, dict | list):
        yield path, WORDS[None]
    else:
        yield path, WORDS[value] if value is None or isinstance(value, bool) else str(value)
