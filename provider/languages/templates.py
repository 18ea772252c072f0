"""Translation in templates: `{% trans %}`, dates, and Texts passed to them, in one language."""

from typing import TYPE_CHECKING

from provider.languages.catalogs import Language

if TYPE_CHECKING:
    from jinja2 import Environment


def speak(env: "Environment", language: Language) -> None:
    """Set up `env` for this language.

    A Text is translated wherever it is shown; inside a filter or a `trans` it needs `| say`.
    """
    env.add_extension("jinja2.ext.i18n")
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    env.finalize = language.say
    env.filters |= {"say": language.say, "date": language.date, "moment": language.moment}
    env.globals["language"] = language
