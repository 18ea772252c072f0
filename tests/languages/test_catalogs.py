"""Every string a person may read is marked, and every catalog has it."""

import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from gettext import c2py
from io import BytesIO
from itertools import chain
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

import provider.app  # noqa: F401  # defines every refusal there is
from provider.accounts.email.home_realms import SignInElsewhere
from provider.languages import catalogs
from provider.languages.catalogs import ENGLISH, LANGUAGES
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.resources import TEMPLATES

ROOT = Path(__file__).parents[2]
CATALOGS = Path(catalogs.__file__).parent
TRANSLATED = [tag for tag in LANGUAGES if tag != ENGLISH.tag]
SAID_IN_CODE = re.compile(r"\b(?:Text|counted|\w*gettext|_)\(")
"""Babel reads a file token by token, and four in five files say nothing."""
NUMBER = re.compile(r"%\((?:count|number)\)s")
MARKED = (
    r"<style>.*?</style>|<!--.*?-->|\{#.*?#\}|<code>[a-z_]+</code>"
    r"|\{% ?trans.*?%\}.*?\{% ?endtrans ?%\}|\{% block card %\}.*?\{% endblock %\}"
)
MARKS = re.compile(r"%\(\w+\)s|</?[a-z]+[^>]*>")
OPERATORS = {"provider.oauth.keys.key_ring", "provider.oauth.clients.clients", "provider.oauth.clients.metadata"}
"""Refused to whoever runs `signet`, which speaks English."""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What code and templates say, as `make translations` reads it."""
    template = tmp_path_factory.mktemp("messages") / "messages.pot"
    how = ["-F", str(ROOT / "pyproject.toml"), "-k", "Text:1", "-k", "counted:1,2", "--ignore-dirs", "cli demo"]
    code = (path for path in (ROOT / "provider").rglob("*.py") if not {"cli", "demo"} & set(path.parts))
    where = [*(str(path) for path in code if SAID_IN_CODE.search(path.read_text("utf-8"))), str(ROOT / "templates")]
    CommandLineInterface().run(
        [  # type: ignore[no-untyped-call]  # Babel leaves it untyped
            "pybabel",
            "-q",
            "extract",
            *how,
            "-o",
            str(template),
            *where,
        ]
    )
    return read_po(BytesIO(template.read_bytes()))


@cache
def catalog_of(tag: str) -> Catalog:
    language = LANGUAGES[tag]
    with (CATALOGS / f"{language.catalog}.po").open("rb") as stream:
        return read_po(stream, locale=language.catalog)


def messages(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def forms(text: str | Sequence[str] | None) -> list[str]:
    """One, or one for each number."""
    return [text or ""] if isinstance(text, str | None) else list(text)


@pytest.mark.slow
@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_catalog_says_everything_and_nothing_else(tag: str, said: Catalog) -> None:
    """`make translations` adds what is missing; somebody who speaks the language says it."""
    catalog = catalog_of(tag)
    wanted, there = {message.id for message in messages(said)}, {message.id for message in messages(catalog)}
    assert wanted - there == set()
    assert there - wanted == set()
    for message in messages(catalog):
        assert all(forms(message.string)), f"not said yet: {message.id}"
        assert not message.fuzzy, f"perhaps said: {message.id}"


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_translation_holds_the_same_values_and_marks(tag: str) -> None:
    """A name left out, or a tag left open, would break the page only in that language.

    A form that is for one number alone may have it in words: "one code", and in Arabic the dual.
    """
    catalog = catalog_of(tag)
    form_of = c2py(catalog.plural_expr)
    numbers = Counter(form_of(count) for count in range(1000))
    assert any(messages(catalog))
    for message in messages(catalog):
        allowed = [sorted(MARKS.findall(original)) for original in forms(message.id)]
        for form, text in enumerate(forms(message.string)):
            alone = [sorted(MARKS.findall(NUMBER.sub("", original))) for original in forms(message.id)]
            is_alone = message.pluralizable and numbers[form] == 1
            assert sorted(MARKS.findall(text)) in (allowed + alone if is_alone else allowed), message.id


def test_every_word_of_a_template_is_marked() -> None:
    """What is left of a template without its marks, values and tags is punctuation."""
    kinds = [list(TEMPLATES.rglob("*.html")), list(TEMPLATES.glob("mail/*.txt")), list(TEMPLATES.glob("mail/*.jinja"))]
    assert all(kinds)
    for path in chain(*kinds):
        if "demo" in path.parts or path.name == "snippets.html":
            continue  # a mailbox for whoever tries us out; code to copy
        text = re.sub(MARKED, " ", path.read_text(), flags=re.DOTALL)
        outside = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|<[^>]*>|&\w+;", " ", text, flags=re.DOTALL)
        left = set(outside.split()) - {"*"}
        assert not [word for word in left if set(word) & set(string.ascii_letters)], (path, left)
        spoken = re.findall(r'(?:alt|title|aria-label|placeholder)="([^"{]*)', text)
        assert not [words for words in spoken if words.strip()], (path, spoken)
        arguments = re.findall(r"\{\{ ?(?:button|link_line)\((?:\w+, )?\"", text)
        arguments += re.findall(r"\{\{ ?(?:field|checkbox|copy_button)\(\"\w+\", \"|hint=\"", text)
        assert not arguments, (path, arguments)


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        yield each
        yield from refusals(each)


def test_every_refusal_is_said_in_the_readers_language() -> None:
    found = set(refusals())
    assert SignInElsewhere in found
    for refusal in found:
        if refusal.__module__.startswith("provider.cli") or refusal.__module__ in OPERATORS:
            continue
        assert isinstance(refusal.title, Text), refusal
        assert isinstance(refusal.message, Text), refusal
