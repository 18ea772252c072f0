"""Translation in templates: `{% trans %}`, dates, and Texts passed to them, in one language; and names of people."""

from typing import TYPE_CHECKING

from provider.languages.catalogs import Language
from provider.languages.free_text import first_character
from provider.languages.isolation import isolate, isolated

if TYPE_CHECKING:
    from jinja2 import Environment


def speak(env: "Environment", language: Language) -> None:
    """Set up `env` for this language.

    A Text is translated wherever it is shown; inside a filter or a `trans` it needs `| say`. Text that people typed is
    shown with `| isolated`, in titles and attributes with `| isolate`.
    """
    env.add_extension("jinja2.ext.i18n")
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    env.finalize = language.say
    env.filters |= {"say": language.say, "date": language.date, "moment": language.moment}
    env.filters |= {"isolate": isolate, "isolated": isolated, "first_character": first_character}
    env.globals["language"] = language
